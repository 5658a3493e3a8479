import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DeleteOptions } from '../../../client/index.ts';
import type { KubeObject, Stored } from '../../../kube/index.ts';
import { builtInDefinitions } from '../definitions/index.ts';
import { decideDeletion, finishesDeletion } from './delete.ts';

const NOW = Date.parse('2026-01-01T00:01:00Z');
const definition = (plural: string) => builtInDefinitions.find((one) => one.plural === plural)!;
const object = (metadata: object, rest: object = {}) =>
  ({ metadata: { name: 'x', uid: 'u', resourceVersion: '5', ...metadata }, ...rest }) as Stored<KubeObject>;
const running = { spec: { nodeName: 'n', terminationGracePeriodSeconds: 30, containers: [] } };

describe('decideDeletion', () => {
  const cases: {
    what: string;
    plural: string;
    object: Stored<KubeObject>;
    options?: DeleteOptions;
    expected: string;
  }[] = [
    { what: 'nothing holds it', plural: 'configmaps', object: object({}), expected: 'remove' },
    {
      what: 'a finalizer holds it',
      plural: 'configmaps',
      object: object({ finalizers: ['a/b'] }),
      expected: 'mark 0 2026-01-01T00:01:00Z a/b',
    },
    {
      what: 'an orphan policy',
      plural: 'configmaps',
      object: object({}),
      options: { propagationPolicy: 'Orphan' },
      expected: 'mark 0 2026-01-01T00:01:00Z orphan',
    },
    {
      what: 'a foreground policy replaces orphan',
      plural: 'configmaps',
      object: object({ finalizers: ['orphan', 'a/b'] }),
      options: { propagationPolicy: 'Foreground' },
      expected: 'mark 0 2026-01-01T00:01:00Z a/b,foregroundDeletion',
    },
    {
      what: 'a background policy takes them away',
      plural: 'configmaps',
      object: object({ finalizers: ['orphan'] }),
      options: { propagationPolicy: 'Background' },
      expected: 'remove',
    },
    {
      what: 'a running pod',
      plural: 'pods',
      object: object({}, running),
      expected: 'mark 30 2026-01-01T00:01:30Z ',
    },
    {
      what: 'a running pod, shorter',
      plural: 'pods',
      object: object({}, running),
      options: { gracePeriodSeconds: 5 },
      expected: 'mark 5 2026-01-01T00:01:05Z ',
    },
    {
      what: 'a running pod, at once',
      plural: 'pods',
      object: object({}, running),
      options: { gracePeriodSeconds: 0 },
      expected: 'remove',
    },
    {
      what: 'a running pod, negative',
      plural: 'pods',
      object: object({}, running),
      options: { gracePeriodSeconds: -1 },
      expected: 'mark 1 2026-01-01T00:01:01Z ',
    },
    {
      what: 'a pod without node',
      plural: 'pods',
      object: object({}, { spec: { containers: [] } }),
      expected: 'remove',
    },
    {
      what: 'a pod that has ended',
      plural: 'pods',
      object: object({}, { ...running, status: { phase: 'Succeeded' } }),
      expected: 'remove',
    },
    {
      what: 'a pod going, again',
      plural: 'pods',
      object: object({ deletionTimestamp: '2026-01-01T00:01:20Z', deletionGracePeriodSeconds: 30 }, running),
      expected: 'wait',
    },
    {
      what: 'a pod going, longer',
      plural: 'pods',
      object: object({ deletionTimestamp: '2026-01-01T00:01:20Z', deletionGracePeriodSeconds: 30 }, running),
      options: { gracePeriodSeconds: 60 },
      expected: 'wait',
    },
    {
      what: 'a pod going, sooner',
      plural: 'pods',
      object: object({ deletionTimestamp: '2026-01-01T00:01:20Z', deletionGracePeriodSeconds: 30 }, running),
      options: { gracePeriodSeconds: 15 },
      expected: 'mark 15 2026-01-01T00:01:05Z ',
    },
    {
      what: 'a pod going, sooner than now',
      plural: 'pods',
      object: object({ deletionTimestamp: '2026-01-01T00:01:20Z', deletionGracePeriodSeconds: 30 }, running),
      options: { gracePeriodSeconds: 2 },
      expected: 'mark 1 2026-01-01T00:01:00Z ',
    },
    {
      what: 'a pod going, now',
      plural: 'pods',
      object: object({ deletionTimestamp: '2026-01-01T00:01:20Z', deletionGracePeriodSeconds: 30 }, running),
      options: { gracePeriodSeconds: 0 },
      expected: 'remove',
    },
  ];
  for (const { what, plural, object, options = {}, expected } of cases) {
    it(what, () => {
      const decision = decideDeletion(definition(plural), object, options, NOW);
      const { deletionGracePeriodSeconds, deletionTimestamp, finalizers } =
        (decision.action === 'mark' ? decision.object.metadata : undefined) ?? {};
      const text =
        decision.action === 'mark'
          ? `mark ${deletionGracePeriodSeconds} ${deletionTimestamp} ${finalizers?.join(',') ?? ''}`
          : decision.action;
      assert.equal(text, expected);
    });
  }

  it('checks the preconditions', () => {
    const decide = (preconditions: DeleteOptions['preconditions']) =>
      decideDeletion(definition('configmaps'), object({}), { preconditions }, NOW);
    assert.throws(
      () => decide({ uid: 'v' }),
      /the UID in the precondition \(v\) does not match the UID in record \(u\)/,
    );
    assert.throws(
      () => decide({ resourceVersion: '4' }),
      /^StatusError: Operation cannot be fulfilled on ConfigMap "x": the ResourceVersion in the precondition \(4\)/,
    );
    assert.throws(() => decide({ resourceVersion: '' }), /the ResourceVersion in the precondition \(\)/);
    assert.equal(decide({ uid: 'u', resourceVersion: '5' }).action, 'remove');
  });
});

describe('finishesDeletion', () => {
  const going = {
    deletionTimestamp: '2026-01-01T00:00:00Z',
    deletionGracePeriodSeconds: 0,
    finalizers: ['a/b'],
  };
  const cases: [string, object, object, boolean][] = [
    ['the last finalizer goes', { ...going, finalizers: undefined }, going, true],
    ['one stays', { ...going, finalizers: ['a/b'] }, { ...going, finalizers: ['a/b', 'c/d'] }, false],
    ['it was not deleted', {}, { finalizers: ['a/b'] }, false],
    ['its grace period runs', {}, { ...going, deletionGracePeriodSeconds: 30 }, false],
  ];
  for (const [what, next, previous, expected] of cases) {
    it(what, () =>
      assert.equal(finishesDeletion(definition('pods'), object(next), object(previous)), expected),
    );
  }
});
