import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type CSIDriver,
  type CSIStorageCapacity,
  compareQuantity,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type StorageClass,
  type Stored,
} from '../../../kube/index.ts';
import { newClaim, newClass, newNodeInfo, newVolume, stored } from '../../fixtures.ts';
import { candidatesFor } from './find-matching-volume.ts';
import { findPodVolumes } from './pod-volumes.ts';
import { allows, provisionTerms } from './provisioning.ts';

const AFFINITY = "node(s) didn't match PersistentVolume's node affinity";
const BIND = "node(s) didn't find available persistent volumes to bind";
const SPACE = 'node(s) did not have enough free storage';
const GONE = 'node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)';

const node = newNodeInfo('n1', { labels: { zone: 'a' } });

interface World {
  readonly bound?: readonly (Stored<PersistentVolume> | undefined)[];
  readonly claims?: readonly Stored<PersistentVolumeClaim>[];
  readonly volumes?: readonly Stored<PersistentVolume>[];
  readonly storageClass?: Partial<StorageClass>;
  readonly tracksCapacity?: boolean;
  readonly capacities?: readonly CSIStorageCapacity[];
}

function outcome({ bound = [], claims = [], volumes = [], ...world }: World) {
  const sources = {
    classOf: (name: string) => (name === 'late' ? newClass('late', world.storageClass) : undefined),
    driverOf: (name: string) =>
      stored<CSIDriver>('CSIDriver', name, { spec: { storageCapacity: world.tracksCapacity } }),
    capacitiesOf: () => world.capacities ?? [],
  };
  const size = (claim: PersistentVolumeClaim) => claim.spec?.resources?.requests?.storage;
  const delayed = [...claims]
    .sort((a, b) => compareQuantity(size(a), size(b)))
    .map((claim) => ({
      claim,
      candidates: candidatesFor(claim, volumes),
      terms: provisionTerms(claim, sources),
    }));
  const found = findPodVolumes({ bound, delayed }, node);
  if ('code' in found) return found.reasons;
  return {
    bindings: Object.fromEntries(
      found.bindings.map(({ claim, volume }) => [claim.metadata.name, volume.metadata.name]),
    ),
    provisions: found.provisions.map(({ metadata }) => metadata.name),
  };
}

const far = newVolume('far', { reach: ['zone', 'b'] });
const noProvisioner = { provisioner: 'kubernetes.io/no-provisioner' };
const capacity = (amount: string, more: Partial<CSIStorageCapacity> = {}): CSIStorageCapacity => ({
  storageClassName: 'late',
  nodeTopology: { matchLabels: { zone: 'a' } },
  capacity: amount,
  ...more,
});

describe('findPodVolumes', () => {
  const cases: readonly [string, World, ReturnType<typeof outcome>][] = [
    [
      'bound volumes that the node reaches',
      { bound: [newVolume('v', { reach: ['zone', 'a'] })] },
      { bindings: {}, provisions: [] },
    ],
    ['a bound volume out of reach', { bound: [far] }, [AFFINITY]],
    ['a bound volume that is not there', { bound: [undefined] }, [GONE]],
    [
      'two claims, each with its smallest fit',
      {
        claims: [newClaim('large', { size: '5Gi' }), newClaim('small', { size: '1Gi' })],
        volumes: [newVolume('v5', { size: '5Gi' }), newVolume('v6', { size: '6Gi' })],
        storageClass: noProvisioner,
      },
      { bindings: { small: 'v5', large: 'v6' }, provisions: [] },
    ],
    [
      'one volume for two claims, and no provisioner',
      { claims: [newClaim('a'), newClaim('b')], volumes: [newVolume('v')], storageClass: noProvisioner },
      [BIND],
    ],
    [
      'one volume for two claims, and a provisioner for the other',
      { claims: [newClaim('a'), newClaim('b')], volumes: [newVolume('v')] },
      { bindings: { a: 'v' }, provisions: ['b'] },
    ],
    ['nothing there and a provisioner', { claims: [newClaim('a')] }, { bindings: {}, provisions: ['a'] }],
    [
      'a class that allows other zones only',
      {
        claims: [newClaim('a')],
        storageClass: { allowedTopologies: [{ matchLabelExpressions: [{ key: 'zone', values: ['b'] }] }] },
      },
      [BIND],
    ],
    [
      'a claim that is being made for this node',
      {
        claims: [newClaim('a', { annotations: { 'volume.kubernetes.io/selected-node': 'n1' } })],
        volumes: [newVolume('v')],
      },
      { bindings: {}, provisions: ['a'] },
    ],
    [
      'a claim that is being made for another node',
      { claims: [newClaim('a', { annotations: { 'volume.kubernetes.io/selected-node': 'n2' } })] },
      [BIND],
    ],
    [
      'bad on both sides',
      { bound: [far], claims: [newClaim('a')], storageClass: noProvisioner },
      [AFFINITY, BIND],
    ],
    [
      'a driver with too little space',
      { claims: [newClaim('a', { size: '2Gi' })], tracksCapacity: true, capacities: [capacity('1Gi')] },
      [SPACE],
    ],
    [
      'a driver with space',
      { claims: [newClaim('a', { size: '2Gi' })], tracksCapacity: true, capacities: [capacity('2Gi')] },
      { bindings: {}, provisions: ['a'] },
    ],
    [
      'space elsewhere',
      {
        claims: [newClaim('a')],
        tracksCapacity: true,
        capacities: [
          capacity('9Gi', { nodeTopology: { matchLabels: { zone: 'b' } } }),
          capacity('9Gi', { nodeTopology: undefined }),
        ],
      },
      [SPACE],
    ],
    [
      'space in all, but not for one volume of that size',
      {
        claims: [newClaim('a', { size: '2Gi' })],
        tracksCapacity: true,
        capacities: [capacity('9Gi', { maximumVolumeSize: '1Gi' })],
      },
      [SPACE],
    ],
    [
      'a driver that does not say',
      { claims: [newClaim('a')], capacities: [capacity('0')] },
      { bindings: {}, provisions: ['a'] },
    ],
  ];
  for (const [fact, world, expected] of cases) it(fact, () => assert.deepEqual(outcome(world), expected));

  it('fails by an error when the class of a claim is missing', () => {
    assert.throws(() => outcome({ claims: [newClaim('a', { className: 'gone' })] }), {
      message: 'failed to find storage class "gone"',
    });
    assert.throws(() => outcome({ claims: [newClaim('a', { className: '' })] }), {
      message: 'no class for claim "default/a"',
    });
  });
});

describe('allows', () => {
  const term = (...expressions: [string, ...string[]][]) => ({
    matchLabelExpressions: expressions.map(([key, ...values]) => ({ key, values })),
  });
  const labels = { zone: 'a', rack: 'r1' };
  const cases: readonly [string, ReturnType<typeof term>[], boolean][] = [
    ['no terms', [], true],
    ['an empty term', [term()], false],
    ['all expressions of a term', [term(['zone', 'a', 'b'], ['rack', 'r1'])], true],
    ['not all expressions of a term', [term(['zone', 'a'], ['rack', 'r2'])], false],
    ['one of two terms', [term(['zone', 'b']), term(['rack', 'r1'])], true],
    ['a label that the node has not', [term(['host', 'x'])], false],
  ];
  for (const [fact, terms, expected] of cases) {
    it(`${fact}: ${expected}`, () => assert.equal(allows(terms, labels), expected));
  }
});
