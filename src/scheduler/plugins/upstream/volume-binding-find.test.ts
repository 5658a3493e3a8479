import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock } from '../../../base/index.ts';
import {
  type CSIDriver,
  type CSINode,
  type CSIStorageCapacity,
  csiDrivers,
  csiNodes,
  csiStorageCapacities,
  type Node,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
  persistentVolumeClaims,
  persistentVolumes,
  type Stored,
  storageClasses,
} from '../../../kube/index.ts';
import { Cache } from '../../cache.ts';
import { CycleState } from '../../cycle-state.ts';
import { newClaim, newPod } from '../../fixtures.ts';
import type { PluginHandle } from '../../plugin.ts';
import { podInfo } from '../../pod-info.ts';
import { SKIP } from '../../status.ts';
import { volumeBinding } from '../volume-binding/index.ts';
import * as f from './binder.fixtures.ts';
import { FakeCluster } from './fake-cluster.test-support.ts';

// TestFindPodVolumesWithoutProvisioning, …WithProvisioning, …WithCSIMigration, TestFindAssumeVolumes and TestCapacity of
// volumebinding/binder_test.go under their names. What is found is told by what is then written.

const NODE = "node(s) didn't match PersistentVolume's node affinity";
const BIND = "node(s) didn't find available persistent volumes to bind";
const SPACE = 'node(s) did not have enough free storage';
const NO_VOLUME = 'node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)';
const NONE = 'nothing to do';
const unboundImmediate = 'refused: pod has unbound immediate PersistentVolumeClaims';

interface World {
  readonly claims?: readonly Stored<PersistentVolumeClaim>[];
  /** @default the pod's */
  readonly known?: readonly Stored<PersistentVolumeClaim>[];
  readonly volumes?: readonly Stored<PersistentVolume>[];
  readonly pod?: Stored<Pod>;
  readonly node?: Stored<Node>;
  readonly csiNode?: Stored<CSINode>;
  readonly driver?: Stored<CSIDriver>;
  readonly capacities?: readonly Stored<CSIStorageCapacity>[];
}

/** Why the pod, or the node, is refused; else what is written for the pod: `volume<-claim`, `claim@node`. */
async function outcome({ claims = [], volumes = [], node = f.node1, ...world }: World): Promise<string> {
  const fake = new FakeCluster();
  const cluster = new Cache();
  cluster.setNode(node);
  fake.put(storageClasses, ...f.classes);
  fake.put(persistentVolumeClaims, ...(world.known ?? claims));
  fake.put(persistentVolumes, ...volumes);
  if (world.csiNode) fake.put(csiNodes, world.csiNode);
  if (world.driver) fake.put(csiDrivers, world.driver);
  fake.put(csiStorageCapacities, ...(world.capacities ?? []));
  const handle = { client: fake.client, informers: fake.informers, clock: new FakeClock(), cluster };
  const { plugin } = volumeBinding(handle as unknown as PluginHandle);
  const pod = podInfo(
    world.pod ?? newPod('test-pod', { claims: claims.map(({ metadata }) => metadata.name) }),
  );
  const state = new CycleState();
  const info = cluster.node('node1')!;
  const before = plugin.preFilter!(state, pod, [info]);
  if (before === SKIP) return NONE;
  if (before && 'code' in before) return `refused: ${before.reasons.join(', ')}`;
  const verdict = plugin.filter!(state, pod, info);
  if (verdict) return verdict.reasons.join(', ');
  plugin.reserve!(state, pod, 'node1');
  if (plugin.preBindPreFlight!(state, pod, 'node1') === SKIP) return NONE;
  // The wait for the claims ends at once: the pod is not there.
  await assert.rejects(plugin.preBind!(state, pod, 'node1', new AbortController().signal));
  const told = fake.written.map((object) => {
    const { claimRef } = (object as PersistentVolume).spec ?? {};
    const { name, annotations } = object.metadata;
    return claimRef
      ? `${name}<-${claimRef.name}`
      : `${name}@${annotations?.['volume.kubernetes.io/selected-node']}`;
  });
  return told.sort().join(', ') || NONE;
}

type Table = readonly (readonly [name: string, world: World, expected: string])[];

const ephemeralPod = (...names: string[]) =>
  newPod('test-pod', { volumes: names.map((name) => ({ name, ephemeral: {} })) });
const ephemeralClaim = (owned: boolean) => {
  const claim = newClaim('test-pod-test-volume', { className: 'waitClass', boundTo: 'pv-bound' });
  const { name, uid } = ephemeralPod().metadata;
  const ownerReferences = owned
    ? [{ apiVersion: 'v1', kind: 'Pod', name, uid, controller: true }]
    : undefined;
  return { ...claim, metadata: { ...claim.metadata, ownerReferences } };
};
const generic = f.volume('pv-bound', 'node1', '1G', ephemeralClaim(true));

const WITHOUT_PROVISIONING: Table = [
  ['no-volumes', {}, NONE],
  ['no-pvcs', { pod: newPod('test-pod', { volumes: [{ name: 'e', emptyDir: {} }] }) }, NONE],
  [
    'pvc-not-found',
    { claims: [f.boundPVC], known: [] },
    'refused: persistentvolumeclaim "bound-pvc" not found',
  ],
  ['bound-pvc', { claims: [f.boundPVC], volumes: [f.pvBound] }, NONE],
  ['bound-pvc,pv-not-exists', { claims: [f.boundPVC] }, NO_VOLUME],
  ['prebound-pvc', { claims: [f.preboundPVC], volumes: [f.pvNode1aBound] }, unboundImmediate],
  [
    'unbound-pvc,pv-same-node',
    { claims: [f.unboundPVC], volumes: [f.pvNode2, f.pvNode1a, f.pvNode1b] },
    'pv-node1a<-unbound-pvc',
  ],
  ['unbound-pvc,pv-different-node', { claims: [f.unboundPVC], volumes: [f.pvNode2] }, BIND],
  [
    'two-unbound-pvcs',
    { claims: [f.unboundPVC, f.unboundPVC2], volumes: [f.pvNode1a, f.pvNode1b] },
    'pv-node1a<-unbound-pvc, pv-node1b<-unbound-pvc2',
  ],
  [
    'two-unbound-pvcs,order-by-size',
    { claims: [f.unboundPVC2, f.unboundPVC], volumes: [f.pvNode1a, f.pvNode1b] },
    'pv-node1a<-unbound-pvc, pv-node1b<-unbound-pvc2',
  ],
  ['two-unbound-pvcs,partial-match', { claims: [f.unboundPVC, f.unboundPVC2], volumes: [f.pvNode1a] }, BIND],
  [
    'one-bound,one-unbound',
    { claims: [f.unboundPVC, f.boundPVC], volumes: [f.pvBound, f.pvNode1a] },
    'pv-node1a<-unbound-pvc',
  ],
  [
    'one-bound,one-unbound,no-match',
    { claims: [f.unboundPVC, f.boundPVC], volumes: [f.pvBound, f.pvNode2] },
    BIND,
  ],
  [
    'one-prebound,one-unbound',
    { claims: [f.unboundPVC, f.preboundPVC], volumes: [f.pvNode1a, f.pvNode1b] },
    unboundImmediate,
  ],
  ['immediate-bound-pvc', { claims: [f.immediateBoundPVC], volumes: [f.pvBoundImmediate] }, NONE],
  [
    'immediate-bound-pvc-wrong-node',
    { claims: [f.immediateBoundPVC], volumes: [f.pvBoundImmediateNode2] },
    NODE,
  ],
  ['immediate-unbound-pvc', { claims: [f.immediateUnboundPVC] }, unboundImmediate],
  [
    'immediate-unbound-pvc,delayed-mode-bound',
    { claims: [f.immediateUnboundPVC, f.boundPVC], volumes: [f.pvBound] },
    unboundImmediate,
  ],
  [
    'immediate-unbound-pvc,delayed-mode-unbound',
    { claims: [f.immediateUnboundPVC, f.unboundPVC] },
    unboundImmediate,
  ],
  [
    'generic-ephemeral,no-pvc',
    { pod: ephemeralPod('no-such-pvc') },
    'refused: waiting for ephemeral volume controller to create the persistentvolumeclaim "test-pod-no-such-pvc"',
  ],
  [
    'generic-ephemeral,with-pvc',
    { pod: ephemeralPod('test-volume'), known: [ephemeralClaim(true)], volumes: [generic] },
    NONE,
  ],
  [
    'generic-ephemeral,wrong-pvc',
    { pod: ephemeralPod('test-volume'), known: [ephemeralClaim(false)], volumes: [generic] },
    'refused: PVC default/test-pod-test-volume was not created for pod default/test-pod (pod is not owner)',
  ],
];

const DRIVERS = {
  'no CSIDriver': undefined,
  'CSIDriver with capacity tracking': f.csiDriver(true),
  'CSIDriver without capacity tracking': f.csiDriver(false),
};

for (const [kind, driver] of Object.entries(DRIVERS)) {
  describe(`TestFindPodVolumesWithoutProvisioning, ${kind}`, () => {
    for (const [name, world, expected] of WITHOUT_PROVISIONING) {
      it(name, async () => assert.equal(await outcome({ ...world, driver }), expected));
    }
  });
}

/** Without CSIStorageCapacity objects a driver that tracks capacity makes nothing. */
const PROVISIONED = 'provisioned-pvc@node1';
const WITH_PROVISIONING: Table = [
  ['one-provisioned', { claims: [f.provisionedPVC] }, PROVISIONED],
  [
    'two-unbound-pvcs,one-matched,one-provisioned',
    { claims: [f.unboundPVC, f.provisionedPVC], volumes: [f.pvNode1a] },
    `${PROVISIONED}, pv-node1a<-unbound-pvc`.split(', ').sort().join(', '),
  ],
  [
    'one-bound,one-provisioned',
    { claims: [f.boundPVC, f.provisionedPVC], volumes: [f.pvBound] },
    PROVISIONED,
  ],
  [
    'one-binding,one-selected-node',
    { claims: [f.boundPVC, f.selectedNodePVC], volumes: [f.pvBound] },
    PROVISIONED,
  ],
  ['immediate-unbound-pvc', { claims: [f.immediateUnboundPVC] }, unboundImmediate],
  [
    'one-immediate-bound,one-provisioned',
    { claims: [f.immediateBoundPVC, f.provisionedPVC], volumes: [f.pvBoundImmediate] },
    PROVISIONED,
  ],
  ['invalid-provisioner', { claims: [f.noProvisionerPVC] }, BIND],
  ['volume-topology-unsatisfied', { claims: [f.topoMismatchPVC] }, BIND],
];

for (const [kind, driver] of Object.entries(DRIVERS)) {
  describe(`TestFindPodVolumesWithProvisioning, ${kind}`, () => {
    for (const [name, world, expected] of WITH_PROVISIONING) {
      const isShort = driver?.spec.storageCapacity && expected.includes(PROVISIONED);
      it(name, async () => assert.equal(await outcome({ ...world, driver }), isShort ? SPACE : expected));
    }
  });
}

describe('TestFindPodVolumesWithCSIMigration', () => {
  const bound = { claims: [f.boundMigrationPVC], volumes: [f.migrationPVBound] };
  const table: Table = [
    ['pvc-bound', { ...bound, node: f.node1Zone1, csiNode: f.csiNode1Migrated }, NONE],
    [
      'pvc-bound,csinode-not-migrated',
      { ...bound, node: f.node1Zone1, csiNode: f.csiNode1NotMigrated },
      NONE,
    ],
    ['pvc-bound,missing-csinode', { ...bound, node: f.node1Zone1 }, NONE],
    ['pvc-bound,node-different-zone', { ...bound, node: f.node1Zone2, csiNode: f.csiNode1Migrated }, NODE],
  ];
  for (const [name, world, expected] of table)
    it(name, async () => assert.equal(await outcome(world), expected));
});

describe('TestFindAssumeVolumes', () => {
  it('finds the volume that was assumed for the claim again', async () => {
    for (const volumes of [
      [f.pvNode2, f.pvNode1a, f.pvNode1c],
      [f.pvNode1c, f.pvNode1a, f.pvNode2],
    ]) {
      const held = await outcome({ claims: [f.unboundPVC], volumes });
      const [name] = held.split('<-');
      const assumed = volumes.map((each) =>
        each.metadata.name === name ? f.volume(name, 'node1', '5G', f.unboundPVC) : each,
      );
      assert.equal(await outcome({ claims: [f.unboundPVC], volumes: assumed }), held);
    }
  });
});

describe('TestCapacity', () => {
  const table: readonly (readonly [
    name: string,
    capacities: Stored<CSIStorageCapacity>[],
    expected: string,
  ])[] = [
    ['network-attached', [f.capacity('net', { capacity: '1Gi' })], PROVISIONED],
    ['local-storage', [f.capacity('net', { capacity: '1Gi' }, 'node1')], PROVISIONED],
    [
      'multiple',
      [
        f.capacity('net', { capacity: '1Gi' }),
        f.capacity('two', { capacity: '1Gi' }, 'node2'),
        f.capacity('one', { capacity: '1Gi' }, 'node1'),
      ],
      PROVISIONED,
    ],
    ['no-storage', [], SPACE],
    ['wrong-node', [f.capacity('net', { capacity: '1Gi' }, 'node2')], SPACE],
    ['wrong-storage-class', [f.capacity('net', { capacity: '1Gi' }, 'node1', 'waitClass')], SPACE],
    ['insufficient-storage', [f.capacity('net', { capacity: '1Mi' }, 'node1')], SPACE],
    [
      'insufficient-volume-size',
      [f.capacity('net', { capacity: '1Gi', maximumVolumeSize: '1Mi' }, 'node1')],
      SPACE,
    ],
    ['zero-storage', [f.capacity('net', { capacity: '0Mi' }, 'node1')], SPACE],
    ['zero-volume-size', [f.capacity('net', { maximumVolumeSize: '0Mi' }, 'node1')], SPACE],
    ['nil-storage', [f.capacity('net', {}, 'node1')], SPACE],
  ];
  for (const tracked of [true, false]) {
    for (const [name, capacities, expected] of table) {
      it(`CSIDriver.StorageCapacity=${tracked}, ${name}`, async () => {
        const world = { claims: [f.provisionedPVC], capacities, driver: f.csiDriver(tracked) };
        assert.equal(await outcome(world), tracked ? expected : PROVISIONED);
      });
    }
  }
});
