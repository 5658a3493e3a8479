import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Node, PersistentVolume } from '../../kube/index.ts';
import { isStale, mayBeDeleted, nodesOf } from './stale.ts';

type Term = readonly [key: string, operator: string, ...values: string[]];
const HOST = 'kubernetes.io/hostname';

function volume(terms: readonly (readonly Term[])[], more: object = {}): PersistentVolume {
  const nodeSelectorTerms = terms.map((term) => ({
    matchExpressions: term.map(([key, operator, ...values]) => ({ key, operator, values })),
  }));
  return {
    spec: {
      local: { path: '/d' },
      storageClassName: 'fast',
      ...(terms.length > 0 && { nodeAffinity: { required: { nodeSelectorTerms } } }),
      ...more,
    },
  };
}

describe('the nodes of a local volume', () => {
  for (const [what, terms, names] of [
    ['one', [[[HOST, 'In', 'a']]], 'a'],
    ['several', [[[HOST, 'In', 'a', 'b']]], 'a b'],
    ['of several terms', [[[HOST, 'In', 'a']], [[HOST, 'In', 'b']]], 'a b'],
    [
      'what all expressions of a term allow',
      [
        [
          [HOST, 'In', 'a', 'b'],
          [HOST, 'In', 'b', 'c'],
        ],
      ],
      'b',
    ],
    [
      'beside other labels',
      [
        [
          ['zone', 'In', 'z'],
          [HOST, 'In', 'a'],
        ],
      ],
      'a',
    ],
    ['unknown without an affinity', [], undefined],
    ['unknown where it is to something else', [[['zone', 'In', 'z']]], undefined],
    ['unknown where one term is', [[[HOST, 'In', 'a']], [['zone', 'In', 'z']]], undefined],
    ['unknown where it says who not', [[[HOST, 'NotIn', 'a']]], undefined],
    [
      'unknown where nothing is left',
      [
        [
          [HOST, 'In', 'a'],
          [HOST, 'In', 'b'],
        ],
      ],
      undefined,
    ],
  ] as const)
    it(`are ${what}`, () => {
      const found = nodesOf(volume(terms as unknown as Term[][]));
      assert.equal(found && [...found].join(' '), names);
    });
});

describe('a volume whose node is gone', () => {
  const node = (name: string, host = name): Node => ({ metadata: { name, labels: { [HOST]: host } } });
  const onA = volume([[[HOST, 'In', 'a']]]);
  for (const [what, of, nodes, wanted] of [
    ['is stale', onA, [node('b')], true],
    ['is not while the node is there', onA, [node('b'), node('a')], false],
    ['is not while a node has that host name', onA, [node('x', 'a')], false],
    ['is not while one of its nodes is there', volume([[[HOST, 'In', 'a', 'b']]]), [node('b')], false],
    [
      'is not ours when it is of another class',
      volume([[[HOST, 'In', 'a']]], { storageClassName: 'slow' }),
      [],
      false,
    ],
    ['is not ours when it is not local', volume([[[HOST, 'In', 'a']]], { local: undefined }), [], false],
    ['is left alone when nobody knows its node', volume([[['zone', 'In', 'z']]]), [], false],
  ] as const)
    it(what, () => assert.equal(isStale(of, new Set(['fast']), nodes), wanted));

  for (const [phase, policy, wanted] of [
    ['Available', 'Retain', true],
    ['Available', 'Delete', true],
    ['Released', 'Delete', true],
    ['Released', 'Retain', false],
    ['Bound', 'Delete', false],
    ['Failed', 'Delete', false],
    ['Pending', 'Delete', false],
  ] as const)
    it(`goes, or not, when it is ${phase} with ${policy}`, () => {
      const spec = { persistentVolumeReclaimPolicy: policy };
      assert.equal(mayBeDeleted({ spec, status: { phase } }), wanted);
    });
});
