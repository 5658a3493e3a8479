import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deleteOptions, fieldManagerOf, readParameters, writeParameters } from './query.ts';

const query = (text: string) => new URLSearchParams(text);

describe('writeParameters', () => {
  it('reads what a write says', () => {
    assert.deepEqual(
      writeParameters(query('dryRun=All&fieldManager=me&fieldValidation=Strict'), 'CreateOptions'),
      {
        dryRun: true,
        fieldManager: 'me',
        fieldValidation: 'Strict',
        force: false,
      },
    );
  });
  const refused: [string, boolean, string][] = [
    [
      'dryRun=Some',
      false,
      'PatchOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["Some"]: supported values: "All"',
    ],
    [
      '',
      true,
      'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
    ],
    [
      'force=true',
      false,
      'PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch',
    ],
  ];
  for (const [text, apply, message] of refused)
    it(`refuses ${text || 'an apply without a manager'}`, () =>
      assert.throws(() => writeParameters(query(text), 'PatchOptions', apply), { code: 422, message }));
});

describe('readParameters', () => {
  it('refuses a version that is not a number', () => {
    assert.throws(() => readParameters(query('resourceVersion=x'), false), { code: 400 });
  });
  it('wants a version with a match', () => {
    assert.throws(() => readParameters(query('resourceVersionMatch=Exact'), false), { code: 422 });
  });
  it('takes a streaming list', () => {
    const parameters = readParameters(
      query('sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true'),
      true,
    );
    assert.equal(parameters.watch.sendInitialEvents, true);
    assert.equal(parameters.watch.allowWatchBookmarks, true);
  });
});

describe('deleteOptions', () => {
  it('prefers the body', () => {
    const options = deleteOptions(query('gracePeriodSeconds=5'), {
      kind: 'DeleteOptions',
      gracePeriodSeconds: 0,
      propagationPolicy: 'Foreground',
      preconditions: { uid: 'u' },
    });
    assert.equal(options.gracePeriodSeconds, 0);
    assert.equal(options.propagationPolicy, 'Foreground');
    assert.deepEqual(options.preconditions, { uid: 'u' });
  });
  it('reads the query without a body', () => {
    assert.equal(deleteOptions(query('gracePeriodSeconds=5'), undefined).gracePeriodSeconds, 5);
  });
  it('refuses another kind and another policy', () => {
    assert.throws(() => deleteOptions(query(''), { kind: 'Pod' }), { code: 400 });
    assert.throws(() => deleteOptions(query('propagationPolicy=Some'), undefined), { code: 422 });
  });
});

describe('fieldManagerOf', () => {
  it('is the user agent up to the slash, unless the client says', () => {
    assert.equal(fieldManagerOf({}, 'kubectl/v1.32 (linux)'), 'kubectl');
    assert.equal(fieldManagerOf({ fieldManager: 'me' }, 'kubectl/v1.32'), 'me');
    assert.equal(fieldManagerOf({}, undefined), 'unknown');
  });
});
