import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Informer } from '../../../client/index.ts';
import type {
  CSIDriver,
  CSINode,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  StorageClass,
  Stored,
  Volume,
  VolumeAttachment,
} from '../../../kube/index.ts';
import { newClaim, newClass, newNodeInfo, newPod, stored } from '../../fixtures.ts';
import { podInfo } from '../../pod-info.ts';
import { listerOf, verdict } from '../fixtures.ts';
import { nodeVolumeLimits } from '../node-volume-limits.ts';

// TestCSILimits and TestVolumeLimitScalingGate of nodevolumelimits/csi_test.go under their names.

const EBS = 'ebs.csi.aws.com';
const GCE = 'pd.csi.storage.gke.io';
const EBS_IN_TREE = 'kubernetes.io/aws-ebs';
const HOST_PATH = 'kubernetes.io/hostpath';
const NODE = 'node-for-max-pd-test-1';
const FULL = 'node(s) exceed max volume count';

let count = 0;
const pod = (...claims: string[]) => newPod(`pod-${count++}`, { claims });
const withVolumes = (...volumes: Volume[]) => newPod(`pod-${count++}`, { volumes });
const ephemeral = (pod: string, ...names: string[]) =>
  newPod(pod, { volumes: names.map((name) => ({ name, ephemeral: {} })) });
const claimFor = (owner: Stored<Pod>, volume: string, owned = true): Stored<PersistentVolumeClaim> => {
  const { name, uid } = owner.metadata;
  const ownerReferences = owned
    ? [{ apiVersion: 'v1', kind: 'Pod', name, uid, controller: true }]
    : undefined;
  const claim = newClaim(`${name}-${volume}`, { className: 'csi-sc' });
  return { ...claim, metadata: { ...claim.metadata, ownerReferences } };
};
const inline = (volumeID: string): Volume => ({ name: 'i', awsElasticBlockStore: { volumeID } });
const CONFIG: readonly Volume[] = [
  { name: 'c', configMap: {} },
  { name: 's', secret: {} },
];

const running = pod(`csi-${EBS}-3`);
const pending = pod('csi-4');
const missingVolume = pod('csi-6');
const noClass = pod('csi-5');
const gceTwo = pod(`csi-${GCE}-1`, `csi-${GCE}-2`);
const ebsOne = pod(`csi-${EBS}-0`);
const ebsTwo = pod(`csi-${EBS}-1`, `csi-${EBS}-2`);
const inTreeOne = pod(`csi-${EBS_IN_TREE}-0`);
const inTreeTwo = pod(`csi-${EBS_IN_TREE}-1`, `csi-${EBS_IN_TREE}-2`);
const inTreeInline = withVolumes(inline('aws-inline1'));
const ephemeralOne = ephemeral('abc', 'xyz');
const ephemeralTwo = ephemeral('two', 'x', 'y');
const ephemeralClaim = claimFor(ephemeralOne, 'xyz');
const lookingUp = 'looking up PVC default/abc-xyz: persistentvolumeclaim "abc-xyz" not found';

interface World {
  readonly on?: readonly Stored<Pod>[];
  readonly claims?: readonly Stored<PersistentVolumeClaim>[];
  /** Absent: drivers without limits; 'none': no CSINode; 'empty': one without drivers. */
  readonly limit?: number | 'none' | 'empty';
  readonly attached?: number;
  readonly drivers?: readonly string[];
  /** Absent: VolumeLimitScaling is off. */
  readonly csiDrivers?: readonly Stored<CSIDriver>[];
}

function rule({ limit, attached = 0, drivers = [EBS], claims = [], csiDrivers }: World) {
  const names = drivers.flatMap((driver) =>
    [0, 1, 2, 3].map((index) => ({ driver, name: `csi-${driver}-${index}` })),
  );
  const volumes = names.map(({ driver, name }) =>
    stored<PersistentVolume>('PersistentVolume', name, {
      spec:
        driver === EBS_IN_TREE
          ? { awsElasticBlockStore: { volumeID: name } }
          : driver === HOST_PATH
            ? { hostPath: { path: '/tmp' } }
            : { csi: { driver, volumeHandle: name } },
    }),
  );
  const csiNode = stored<CSINode>('CSINode', NODE, {
    spec: {
      drivers: (limit === 'empty' ? [] : drivers).map((name) => ({
        name,
        nodeID: NODE,
        allocatable: typeof limit === 'number' ? { count: limit } : undefined,
      })),
    },
  });
  const attachments = drivers.flatMap((attacher) =>
    Array.from({ length: attached }, (_, index) =>
      stored<VolumeAttachment>('VolumeAttachment', `va-${attacher}-${index}`, {
        spec: { nodeName: NODE, attacher, source: { persistentVolumeName: `csi-${attacher}-${index}` } },
      }),
    ),
  );
  return nodeVolumeLimits({
    claims: listerOf<PersistentVolumeClaim>(
      ...names.map(({ name }) => newClaim(name, { boundTo: name, className: '' })),
      newClaim('csi-4', { className: 'csi-sc' }),
      newClaim('csi-5', { className: '' }),
      newClaim('csi-6', { className: 'csi-sc', boundTo: 'missing-in-action' }),
      ...claims,
    ),
    volumes: listerOf<PersistentVolume>(...volumes),
    classes: listerOf<StorageClass>(newClass('csi-sc', { provisioner: drivers[0] })),
    csiNodes: listerOf<CSINode>(...(limit === 'none' ? [] : [csiNode])),
    attachments: {
      addIndex: () => ({ byIndex: (_: string, node: string) => (node === NODE ? attachments : []) }),
    } as unknown as Informer<VolumeAttachment>,
    drivers: csiDrivers && listerOf<CSIDriver>(...csiDrivers),
  });
}

function outcome(wanted: Stored<Pod>, world: World): string {
  const on = (world.on ?? []).map(podInfo);
  try {
    return verdict(rule(world), podInfo(wanted), newNodeInfo(NODE, {}, on));
  } catch (error) {
    return `error: ${(error as Error).message}`;
  }
}

const MIGRATED = [EBS_IN_TREE, EBS];

const LIMITS: readonly [name: string, wanted: Stored<Pod>, world: World, expected: string][] = [
  [
    'should count VolumeAttachments towards volume limit when no pods exist',
    ebsOne,
    { limit: 2, attached: 2 },
    FULL,
  ],
  [
    'should schedule pod when VolumeAttachments count does not exceed limit',
    ebsOne,
    { limit: 2, attached: 1 },
    'fits',
  ],
  ['fits when node volume limit >= new pods CSI volume', ebsOne, { on: [running, ebsTwo], limit: 4 }, 'fits'],
  ["doesn't when node volume limit <= pods CSI volume", ebsOne, { on: [running, ebsTwo], limit: 2 }, FULL],
  ['should when driver does not support volume limits', ebsOne, { on: [running, ebsTwo] }, 'fits'],
  [
    'count pending PVCs towards volume limit <= pods CSI volume',
    ebsOne,
    { on: [pending, ebsTwo], limit: 2 },
    FULL,
  ],
  [
    'count multiple pending pvcs towards volume limit >= pods CSI volume',
    ebsOne,
    { on: [pending, pod('csi-4'), ebsTwo], limit: 4 },
    'fits',
  ],
  [
    'should count PVCs with invalid PV name but valid SC',
    ebsOne,
    { on: [missingVolume, ebsTwo], limit: 2 },
    FULL,
  ],
  [
    "don't count pvcs with missing SC towards volume limit",
    ebsOne,
    { on: [running, noClass], limit: 2 },
    'fits',
  ],
  [
    'count pvcs with the same type towards volume limit',
    ebsOne,
    { on: [gceTwo, ebsTwo], limit: 2, drivers: [EBS, GCE] },
    FULL,
  ],
  [
    "don't count pvcs with different type towards volume limit",
    gceTwo,
    { on: [ebsTwo, running], limit: 2, drivers: [EBS, GCE] },
    'fits',
  ],
  [
    'should count in-tree volumes if migration is enabled',
    inTreeOne,
    { on: [inTreeTwo], limit: 2, drivers: MIGRATED },
    FULL,
  ],
  ['nil csi node', inTreeInline, { on: [inTreeTwo], limit: 'none', drivers: MIGRATED }, 'fits'],
  [
    'should count unbound in-tree volumes if migration is enabled',
    pending,
    { on: [inTreeTwo], limit: 2, drivers: MIGRATED },
    FULL,
  ],
  [
    'should not limit pod if volume used does not report limits',
    inTreeOne,
    { on: [inTreeTwo], drivers: MIGRATED },
    'fits',
  ],
  [
    'should not count non-migratable in-tree volumes',
    pod(`csi-${HOST_PATH}-0`),
    { on: [ebsTwo], limit: 2, drivers: [HOST_PATH, EBS] },
    'fits',
  ],
  [
    'should count in-tree inline volumes if migration is enabled',
    inTreeInline,
    { on: [inTreeTwo], limit: 2, drivers: MIGRATED },
    FULL,
  ],
  [
    'should count in-tree and csi volumes if migration is enabled (when scheduling in-tree volumes)',
    inTreeOne,
    { on: [ebsTwo], limit: 2, drivers: MIGRATED },
    FULL,
  ],
  [
    'should count in-tree, inline and csi volumes if migration is enabled (when scheduling in-tree volumes)',
    inTreeInline,
    { on: [ebsTwo, inTreeOne], limit: 3, drivers: MIGRATED },
    FULL,
  ],
  [
    'should not count in-tree, inline and csi volumes if migration is enabled (when scheduling in-tree volumes)',
    withVolumes(inline(`csi-${EBS}-1`)),
    { on: [ebsTwo, inTreeOne], limit: 3, drivers: MIGRATED },
    'fits',
  ],
  [
    'should count in-tree and csi volumes if migration is enabled (when scheduling csi volumes)',
    ebsOne,
    { on: [inTreeTwo], limit: 2, drivers: MIGRATED },
    FULL,
  ],
  ['ephemeral volume missing', ephemeralOne, {}, lookingUp],
  [
    'ephemeral volume not owned',
    ephemeralOne,
    { claims: [claimFor(ephemeralOne, 'xyz', false)] },
    'error: PVC default/abc-xyz was not created for pod default/abc (pod is not owner)',
  ],
  ['ephemeral volume unbound', ephemeralOne, { claims: [ephemeralClaim] }, 'fits'],
  [
    "ephemeral doesn't when node volume limit <= pods CSI volume",
    ephemeralOne,
    { claims: [ephemeralClaim], on: [running, ebsTwo], limit: 2 },
    FULL,
  ],
  [
    "ephemeral doesn't when node volume limit <= pods ephemeral CSI volume",
    ebsOne,
    {
      claims: [claimFor(ephemeralTwo, 'x'), claimFor(ephemeralTwo, 'y')],
      on: [running, ephemeralTwo],
      limit: 2,
    },
    FULL,
  ],
  [
    "persistent doesn't when node volume limit <= pods ephemeral CSI volume + persistent volume",
    ebsOne,
    { claims: [ephemeralClaim], on: [running, ephemeralOne, ebsTwo], limit: 3 },
    FULL,
  ],
  [
    'persistent okay when node volume limit > pods ephemeral CSI volume + persistent volume',
    ebsOne,
    { claims: [ephemeralClaim], on: [running, ephemeralOne, ebsTwo], limit: 5 },
    'fits',
  ],
  [
    'skip Filter when the pod only uses secrets and configmaps',
    withVolumes(...CONFIG),
    { limit: 2, attached: 3 },
    'fits',
  ],
  [
    "don't skip Filter when the pod has pvcs",
    newPod('p', { volumes: CONFIG, claims: [`csi-${EBS}-0`] }),
    { limit: 2 },
    'fits',
  ],
  [
    "don't skip Filter when the pod has ephemeral volumes",
    newPod('abc', { volumes: [...CONFIG, { name: 'xyz', ephemeral: {} }] }),
    {},
    lookingUp,
  ],
  [
    "don't skip Filter when the pod has inline migratable volumes",
    withVolumes(...CONFIG, inline('aws-inline1')),
    { on: [inTreeTwo], limit: 2, drivers: MIGRATED },
    FULL,
  ],
];

describe('TestCSILimits', () => {
  for (const [name, wanted, world, expected] of LIMITS) {
    it(name, () => assert.equal(outcome(wanted, world), expected));
  }
});

describe('TestVolumeLimitScalingGate', () => {
  const driver = (preventPodSchedulingIfMissing?: boolean) =>
    stored<CSIDriver>('CSIDriver', EBS, { spec: { preventPodSchedulingIfMissing } });
  const table: readonly [string, World, string][] = [
    [
      'gate enabled - allow scheduling when CSIDriver exists but PreventPodSchedulingIfMissing is not set',
      { limit: 'empty', csiDrivers: [driver()] },
      'fits',
    ],
    [
      'gate enabled - fail when driver not installed and PreventPodSchedulingIfMissing is true',
      { limit: 'empty', csiDrivers: [driver(true)] },
      `${EBS} CSI driver is not installed on the node`,
    ],
    [
      'gate disabled - skip driver presence check (regardless of CSIDriver presence)',
      { limit: 'empty' },
      'fits',
    ],
    ['gate enabled - driver installed within limit', { limit: 2, csiDrivers: [driver(true)] }, 'fits'],
    [
      'gate enabled - allow scheduling when CSIDriver object missing',
      { limit: 'empty', csiDrivers: [] },
      'fits',
    ],
  ];
  for (const [name, world, expected] of table) it(name, () => assert.equal(outcome(ebsOne, world), expected));
});
