import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock } from '../../../base/index.ts';
import {
  type CSIDriver,
  type CSIStorageCapacity,
  csiDrivers,
  csiStorageCapacities,
  type PersistentVolume,
  type PersistentVolumeClaim,
  persistentVolumeClaims,
  persistentVolumes,
  type Stored,
  storageClasses,
} from '../../../kube/index.ts';
import { Cache } from '../../cache.ts';
import { CycleState } from '../../cycle-state.ts';
import { newClaim, newClass, newNode, newPodInfo, newVolume, stored } from '../../fixtures.ts';
import type { PluginHandle } from '../../plugin.ts';
import { SKIP } from '../../status.ts';
import { type CapacityShape, meanScore } from '../volume-binding/capacity-score.ts';
import { volumeBinding } from '../volume-binding/index.ts';
import { capacity } from './binder.fixtures.ts';
import { FakeCluster } from './fake-cluster.test-support.ts';

// volumebinding/volume_binding_test.go and scorer_test.go under their names, but for objects of a wrong Go type.

const NODE = "node(s) didn't match PersistentVolume's node affinity";
const BIND = "node(s) didn't find available persistent volumes to bind";
const HOST = 'kubernetes.io/hostname';
const [REGION, ZONE] = ['topology.kubernetes.io/region', 'topology.kubernetes.io/zone'];
const TRACKED = 'wait-sc-with-storage-capacity';
const classes = [
  newClass('immediate-sc', { volumeBindingMode: 'Immediate', provisioner: 'kubernetes.io/no-provisioner' }),
  newClass('wait-sc', { provisioner: 'kubernetes.io/no-provisioner' }),
  newClass('wait-hdd-sc', { provisioner: 'kubernetes.io/no-provisioner' }),
  newClass(TRACKED, { provisioner: 'driver-with-storage-capacity' }),
];

type Labels = Readonly<Record<string, string>>;
type Nodes = Readonly<Record<string, Labels>>;

interface World {
  /** Those of the pod. */
  readonly claimNames?: readonly string[];
  readonly nodes?: Nodes;
  readonly claims?: readonly Stored<PersistentVolumeClaim>[];
  readonly volumes?: readonly Stored<PersistentVolume>[];
  readonly capacities?: readonly Stored<CSIStorageCapacity>[];
  readonly shape?: CapacityShape;
  /** @default false */
  readonly scoring?: boolean;
}

function outcome({ claims = [], claimNames, nodes = { 'node-a': {} }, scoring, ...world }: World) {
  const fake = new FakeCluster();
  fake.put(storageClasses, ...classes);
  fake.put(
    csiDrivers,
    stored<CSIDriver>('CSIDriver', 'driver-with-storage-capacity', { spec: { storageCapacity: true } }),
  );
  fake.put(persistentVolumeClaims, ...claims);
  fake.put(persistentVolumes, ...(world.volumes ?? []));
  fake.put(csiStorageCapacities, ...(world.capacities ?? []));
  const cluster = new Cache();
  for (const [name, labels] of Object.entries(nodes)) cluster.setNode(newNode(name, { labels }));
  const handle = { client: fake.client, informers: fake.informers, clock: new FakeClock(), cluster };
  const { plugin } = volumeBinding(handle as unknown as PluginHandle, {
    capacityScoring: scoring,
    capacityShape: world.shape,
  });
  const pod = newPodInfo('pod-a', { claims: claimNames ?? claims.map(({ metadata }) => metadata.name) });
  const state = new CycleState();
  const infos = Object.keys(nodes).map((name) => cluster.node(name)!);
  const before = plugin.preFilter!(state, pod, infos);
  if (before === SKIP) return 'skip';
  if (before && 'code' in before) return before.reasons.join(', ');
  const filtered = infos.map((info) => plugin.filter!(state, pod, info)?.reasons.join(', ') ?? 'fits');
  if (plugin.preScore!(state, pod, infos) === SKIP) return filtered;
  return filtered.map((verdict, index) => [verdict, plugin.score!(state, pod, infos[index]!)]);
}

const claim = (name: string, size?: string, className = 'wait-sc') => newClaim(name, { size, className });
const bound = (name: string, volume: string) => newClaim(name, { boundTo: volume, className: 'wait-sc' });
const volume = (name: string, size: string, reach: readonly [string, ...string[]], className = 'wait-sc') =>
  newVolume(name, { size, reach, className });
const zonal = (name: string, size: string, region: string, zone: string): Stored<PersistentVolume> => {
  const plain = newVolume(name, { size, className: 'wait-sc' });
  const matchExpressions = [
    { key: REGION!, operator: 'In', values: [region] },
    { key: ZONE!, operator: 'In', values: [zone] },
  ];
  return {
    ...plain,
    spec: { ...plain.spec, nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions }] } } },
  };
};
const of = (node: string, size: string) => capacity(node, { capacity: size }, node, TRACKED);
const keyed = (...names: string[]): Nodes =>
  Object.fromEntries(names.map((name) => [name, { nodeKey: name }]));
const ABC: Nodes = { 'node-a': {}, 'node-b': {}, 'node-c': {} };
const ZONES: Nodes = Object.fromEntries(
  ['a', 'b', 'c'].flatMap((zone) =>
    ['a', 'b'].map((node) => [
      `zone-${zone}-node-${node}`,
      { [REGION!]: `region-${zone}`, [ZONE!]: `zone-${zone}` },
    ]),
  ),
);
const ZONAL = [
  zonal('pv-a-0', '200Gi', 'region-a', 'zone-a'),
  zonal('pv-a-1', '200Gi', 'region-a', 'zone-a'),
  zonal('pv-b-0', '100Gi', 'region-b', 'zone-b'),
  zonal('pv-b-1', '100Gi', 'region-b', 'zone-b'),
];
/** What these tests take for the default: the fuller the better. */
const FULLER: CapacityShape = [
  { utilization: 0, score: 0 },
  { utilization: 100, score: 10 },
];
const scoring = { scoring: true, shape: FULLER };

const TABLE: readonly (readonly [name: string, world: World, expected: ReturnType<typeof outcome>])[] = [
  ['pod has not pvcs', {}, 'skip'],
  // Upstream lets the filter run, which says yes everywhere.
  [
    'all bound',
    { claims: [bound('pvc-a', 'pv-a')], volumes: [newVolume('pv-a', { className: 'wait-sc' })] },
    'skip',
  ],
  ['PVC does not exist', { claimNames: ['pvc-a'] }, 'persistentvolumeclaim "pvc-a" not found'],
  [
    'Part of PVCs do not exist',
    { claimNames: ['pvc-a', 'pvc-b'], claims: [bound('pvc-a', 'pv-a')] },
    'persistentvolumeclaim "pvc-b" not found',
  ],
  [
    'immediate claims not bound',
    { claims: [claim('pvc-a', '1Gi', 'immediate-sc')] },
    'pod has unbound immediate PersistentVolumeClaims',
  ],
  ['unbound claims no matches', { claims: [claim('pvc-a')] }, [BIND]],
  [
    'bound and unbound unsatisfied',
    {
      nodes: { 'node-a': { foo: 'barbar' } },
      claims: [bound('pvc-a', 'pv-a'), claim('pvc-b')],
      volumes: [volume('pv-a', '1Gi', ['foo', 'bar'])],
    },
    [`${NODE}, ${BIND}`],
  ],
  [
    'pv not found',
    { claims: [bound('pvc-a', 'pv-a')] },
    ['node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)'],
  ],
  [
    'pv not found claim lost',
    { claims: [newClaim('pvc-a', { boundTo: 'pv-a', className: 'wait-sc', phase: 'Lost' })] },
    'persistentvolumeclaim "pvc-a" bound to non-existent persistentvolume "pv-a"',
  ],
  [
    'local volumes with close capacity are preferred',
    {
      ...scoring,
      nodes: ABC,
      claims: [claim('pvc-a', '50Gi')],
      volumes: [
        volume('pv-a-0', '200Gi', [HOST, 'node-a']),
        volume('pv-a-1', '200Gi', [HOST, 'node-a']),
        volume('pv-b-0', '100Gi', [HOST, 'node-b']),
        volume('pv-b-1', '100Gi', [HOST, 'node-b']),
      ],
    },
    [
      ['fits', 25],
      ['fits', 50],
      [BIND, 0],
    ],
  ],
  [
    'local volumes with close capacity are preferred (multiple pvcs)',
    {
      ...scoring,
      nodes: ABC,
      claims: [claim('pvc-0', '50Gi'), claim('pvc-1', '100Gi', 'wait-hdd-sc')],
      volumes: ['wait-sc', 'wait-hdd-sc'].flatMap((className) => [
        volume(`pv-a-0-${className}`, '200Gi', [HOST, 'node-a'], className),
        volume(`pv-a-1-${className}`, '200Gi', [HOST, 'node-a'], className),
        volume(`pv-b-0-${className}`, '100Gi', [HOST, 'node-b'], className),
        volume(`pv-b-1-${className}`, '100Gi', [HOST, 'node-b'], className),
      ]),
    },
    [
      ['fits', 38],
      ['fits', 75],
      [BIND, 0],
    ],
  ],
  [
    'zonal volumes with close capacity are preferred',
    { ...scoring, nodes: ZONES, claims: [claim('pvc-a', '50Gi')], volumes: ZONAL },
    [
      ['fits', 25],
      ['fits', 25],
      ['fits', 50],
      ['fits', 50],
      [BIND, 0],
      [BIND, 0],
    ],
  ],
  [
    'zonal volumes with close capacity are preferred (custom shape)',
    {
      nodes: ZONES,
      claims: [claim('pvc-a', '50Gi')],
      volumes: ZONAL,
      scoring: true,
      shape: [
        { utilization: 0, score: 0 },
        { utilization: 50, score: 3 },
        { utilization: 100, score: 5 },
      ],
    },
    [
      ['fits', 15],
      ['fits', 15],
      ['fits', 30],
      ['fits', 30],
      [BIND, 0],
      [BIND, 0],
    ],
  ],
  [
    'storage capacity score',
    {
      ...scoring,
      nodes: keyed('node-a', 'node-b', 'node-c'),
      claims: [claim('pvc-dynamic', '10Gi', TRACKED)],
      capacities: [of('node-a', '100Gi'), of('node-b', '50Gi'), of('node-c', '10Gi')],
    },
    [
      ['fits', 10],
      ['fits', 20],
      ['fits', 100],
    ],
  ],
  [
    'storage capacity score with static binds',
    {
      ...scoring,
      nodes: keyed('node-a', 'node-b', 'node-c'),
      claims: [claim('pvc-dynamic', '10Gi', TRACKED), claim('pvc-static', '50Gi')],
      volumes: ['a', 'b', 'c'].map((node) => volume(`pv-static-${node}`, '100Gi', [HOST, `node-${node}`])),
      capacities: [of('node-a', '100Gi'), of('node-b', '50Gi'), of('node-c', '10Gi')],
    },
    [
      ['fits', 50],
      ['fits', 50],
      ['fits', 50],
    ],
  ],
  [
    'dynamic provisioning with multiple PVCs of the same StorageClass',
    {
      ...scoring,
      nodes: keyed('node-a'),
      claims: [claim('pvc-dynamic-0', '50Gi', TRACKED), claim('pvc-dynamic-1', '50Gi', TRACKED)],
      capacities: [of('node-a', '100Gi')],
    },
    [['fits', 100]],
  ],
  [
    'prefer node with least allocatable',
    {
      ...scoring,
      nodes: keyed('node-a', 'node-b', 'node-c'),
      claims: [claim('pvc-dynamic', '10Gi', TRACKED)],
      capacities: [of('node-a', '100Gi'), of('node-b', '20Gi'), of('node-c', '10Gi')],
    },
    [
      ['fits', 10],
      ['fits', 50],
      ['fits', 100],
    ],
  ],
  [
    'prefer node with maximum allocatable',
    {
      nodes: keyed('node-a', 'node-b', 'node-c'),
      claims: [claim('pvc-dynamic', '10Gi', TRACKED)],
      capacities: [of('node-a', '100Gi'), of('node-b', '20Gi'), of('node-c', '10Gi')],
      // The default of a scheduler that is configured by nobody.
      scoring: true,
    },
    [
      ['fits', 90],
      ['fits', 50],
      ['fits', 0],
    ],
  ],
];

describe('TestVolumeBinding', () => {
  for (const [name, world, expected] of TABLE) it(name, () => assert.deepEqual(outcome(world), expected));
});

describe('TestScore', () => {
  const uses = (...requested: number[]) =>
    requested.map((each) => ({ requested: BigInt(each), capacity: 100n }));
  const custom: CapacityShape = [
    { utilization: 50, score: 0 },
    { utilization: 80, score: 3 },
    { utilization: 100, score: 5 },
  ];
  const table: readonly (readonly [string, CapacityShape, (readonly [number[], number])[]])[] = [
    [
      'default shape, single class',
      FULLER,
      [
        [[0], 0],
        [[30], 30],
        [[50], 50],
        [[100], 100],
      ],
    ],
    [
      'default shape, multiple classes',
      FULLER,
      [
        [[0, 0], 0],
        [[0, 30], 15],
        [[30, 30], 30],
        [[30, 60], 45],
        [[50, 50], 50],
        [[50, 100], 75],
        [[100, 100], 100],
      ],
    ],
    [
      'custom shape, multiple classes',
      custom,
      [
        [[0, 0], 0],
        [[0, 30], 0],
        [[30, 30], 0],
        [[30, 60], 5],
        [[50, 100], 25],
        [[90, 90], 40],
        [[100, 100], 50],
      ],
    ],
  ];
  for (const [name, shape, cases] of table) {
    it(name, () => {
      for (const [requested, expected] of cases) {
        assert.equal(meanScore(uses(...requested), shape), expected, String(requested));
      }
    });
  }
});
