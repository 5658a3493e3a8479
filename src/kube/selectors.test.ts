import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fromLabelSelector, matchesSelector, parseFieldSelector, parseLabelSelector } from './selectors.ts';

describe('label selector', () => {
  const labels = { app: 'web', tier: 'front', empty: '' };
  for (const [text, expected] of [
    ['', true],
    ['app=web', true],
    ['app==web,tier=front', true],
    ['app!=web', false],
    ['other!=x', true],
    ['app in (web, db)', true],
    ['app notin (db)', true],
    ['other notin (db)', true],
    ['app', true],
    ['!app', false],
    ['!other', true],
    ['empty=', true],
    ['app=web,other', false],
    ['example.com/role=x', false],
  ] as const) {
    it(`${JSON.stringify(text)} ${expected ? 'selects' : 'does not select'}`, () =>
      assert.equal(matchesSelector(parseLabelSelector(text), labels), expected));
  }

  for (const text of ['a=b=c', 'app in web', '-x', 'a in (b', '=x']) {
    it(`refuses ${JSON.stringify(text)}`, () =>
      assert.throws(() => parseLabelSelector(text), /unable to parse/));
  }

  it('joins matchLabels and matchExpressions', () => {
    const selector = fromLabelSelector({
      matchLabels: { app: 'web' },
      matchExpressions: [{ key: 'tier', operator: 'NotIn', values: ['back'] }],
    });
    assert.equal(matchesSelector(selector, labels), true);
    assert.equal(matchesSelector(selector, { app: 'web', tier: 'back' }), false);
  });
});

describe('field selector', () => {
  it('reads both signs', () => {
    assert.deepEqual(parseFieldSelector('spec.nodeName=,status.phase!=Failed'), [
      { path: 'spec.nodeName', equals: true, value: '' },
      { path: 'status.phase', equals: false, value: 'Failed' },
    ]);
  });
  it('refuses a term without a sign', () =>
    assert.throws(() => parseFieldSelector('metadata.name'), /can't understand/));
});
