import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { matchesNodeSelector, volumeReaches } from './node-affinity.ts';
import type { NodeSelectorRequirement } from './types.ts';

const node = { metadata: { name: 'n1', labels: { zone: 'a', disks: '4', word: 'x' } } };
const requirement = (key: string, operator: string, values?: string[]): NodeSelectorRequirement => ({
  key,
  operator,
  values,
});

describe('node selector', () => {
  for (const [name, expressions, expected] of [
    ['In', [requirement('zone', 'In', ['a', 'b'])], true],
    ['NotIn of an absent label', [requirement('rack', 'NotIn', ['r1'])], true],
    ['Exists', [requirement('zone', 'Exists')], true],
    ['DoesNotExist', [requirement('zone', 'DoesNotExist')], false],
    ['Gt', [requirement('disks', 'Gt', ['3'])], true],
    ['Lt', [requirement('disks', 'Lt', ['4'])], false],
    ['Gt of a word', [requirement('word', 'Gt', ['3'])], false],
    ['all expressions must hold', [requirement('zone', 'In', ['a']), requirement('rack', 'Exists')], false],
    ['a term with no requirement matches nothing', [], false],
  ] as const) {
    it(`${name}: ${expected}`, () =>
      assert.equal(
        matchesNodeSelector({ nodeSelectorTerms: [{ matchExpressions: expressions }] }, node),
        expected,
      ));
  }

  it('one matching term is enough', () => {
    const terms = [
      { matchExpressions: [requirement('rack', 'Exists')] },
      { matchFields: [requirement('metadata.name', 'In', ['n1'])] },
    ];
    assert.equal(matchesNodeSelector({ nodeSelectorTerms: terms }, node), true);
  });

  it('a volume without affinity reaches every node', () => {
    assert.equal(volumeReaches({ spec: {} }, node), true);
    const required = { nodeSelectorTerms: [{ matchExpressions: [requirement('zone', 'In', ['b'])] }] };
    assert.equal(volumeReaches({ spec: { nodeAffinity: { required } } }, node), false);
  });
});
