import type {
  CSIDriver,
  CSINode,
  CSIStorageCapacity,
  PersistentVolume,
  PersistentVolumeClaim,
  Stored,
} from '../../../kube/index.ts';
import { newClaim, newClass, newNode, newVolume, stored } from '../../fixtures.ts';

// The objects of volumebinding/binder_test.go under their names.

type Claim = Stored<PersistentVolumeClaim>;
type Volume = Stored<PersistentVolume>;

export const DRIVER = 'test-provisioner';
const NODE_KEY = 'nodeKey';
const WAIT = 'waitClass';
const IMMEDIATE = 'immediateClass';
const WITH_PROVISIONER = 'waitClassWithProvisioner';
const TOPO_MISMATCH = 'topoMismatchClass';

export const classes = [
  newClass(WITH_PROVISIONER, {
    provisioner: DRIVER,
    allowedTopologies: [{ matchLabelExpressions: [{ key: NODE_KEY, values: ['node1', 'node2'] }] }],
  }),
  newClass(IMMEDIATE, { provisioner: DRIVER, volumeBindingMode: 'Immediate' }),
  newClass(WAIT, { provisioner: 'kubernetes.io/no-provisioner' }),
  newClass(TOPO_MISMATCH, {
    provisioner: DRIVER,
    allowedTopologies: [{ matchLabelExpressions: [{ key: NODE_KEY, values: ['reference-value'] }] }],
  }),
];

const claim = (name: string, className: string, size = '1G') => newClaim(name, { className, size });
const boundTo = (name: string, volume: string, className = WAIT, size = '1G') =>
  newClaim(name, { className, size, boundTo: volume });
/** It names its volume, and the PV controller has not said that it is done. */
const prebound = (name: string, volumeName: string): Claim => {
  const free = claim(name, WAIT);
  return { ...free, spec: { ...free.spec, volumeName } };
};
export const selected = (given: Claim, node = 'node1'): Claim => ({
  ...given,
  metadata: {
    ...given.metadata,
    annotations: { ...given.metadata.annotations, 'volume.kubernetes.io/selected-node': node },
  },
});
export const atVersion = <T extends Claim | Volume>(resourceVersion: string, object: T): T => ({
  ...object,
  metadata: { ...object.metadata, resourceVersion },
});

export const unboundPVC = claim('unbound-pvc', WAIT);
export const unboundPVC2 = claim('unbound-pvc2', WAIT, '5G');
export const preboundPVC = prebound('prebound-pvc', 'pv-node1a');
export const preboundPVCNode1a = prebound('unbound-pvc', 'pv-node1a');
export const boundPVC = boundTo('bound-pvc', 'pv-bound');
export const boundPVCNode1a = boundTo('unbound-pvc', 'pv-node1a');
export const immediateUnboundPVC = claim('immediate-unbound-pvc', IMMEDIATE);
export const immediateBoundPVC = boundTo('immediate-bound-pvc', 'pv-bound-immediate', IMMEDIATE);

export const provisionedPVC = claim('provisioned-pvc', WITH_PROVISIONER, '1Gi');
export const provisionedPVC2 = claim('provisioned-pvc2', WITH_PROVISIONER, '1Gi');
export const provisionedPVCHigherVersion = atVersion('2', provisionedPVC2);
export const provisionedPVCBound = boundTo('provisioned-pvc', 'pv-bound', WITH_PROVISIONER, '1Gi');
export const noProvisionerPVC = claim('no-provisioner-pvc', WAIT, '1Gi');
export const topoMismatchPVC = claim('topo-mismatch-pvc', TOPO_MISMATCH, '1Gi');
export const selectedNodePVC = selected(provisionedPVC);

export const boundMigrationPVC = boundTo('pvc-migration-bound', 'pv-migration-bound');
export const provMigrationPVCBound = boundTo(
  'pvc-migration-provisioned',
  'pv-migration-bound',
  WITH_PROVISIONER,
  '1Gi',
);

export const volume = (name: string, node: string, size: string, claim?: Claim, className = WAIT): Volume =>
  newVolume(name, {
    size,
    className,
    reach: [NODE_KEY, node],
    claim: claim && { name: claim.metadata.name, uid: claim.metadata.uid },
  });

export const pvNode1a = volume('pv-node1a', 'node1', '5G');
export const pvNode1b = volume('pv-node1b', 'node1', '10G');
export const pvNode1c = volume('pv-node1b', 'node1', '5G');
export const pvNode2 = volume('pv-node2', 'node2', '1G');
export const pvBound = volume('pv-bound', 'node1', '1G', boundPVC);
export const pvNode1aBound = volume('pv-node1a', 'node1', '5G', unboundPVC);
export const pvNode1bBound = volume('pv-node1b', 'node1', '10G', unboundPVC2);
export const pvBoundImmediate = volume('pv-bound-immediate', 'node1', '1G', immediateBoundPVC, IMMEDIATE);
export const pvBoundImmediateNode2 = volume(
  'pv-bound-immediate',
  'node2',
  '1G',
  immediateBoundPVC,
  IMMEDIATE,
);
export const withoutClaimUID = (given: Volume): Volume => ({
  ...given,
  spec: { ...given.spec, claimRef: { ...given.spec?.claimRef, uid: undefined } },
});

const zonal = (boundClaim: Claim, source: object): Volume => {
  const { metadata, spec, status, ...rest } = volume('pv-migration-bound', 'node1', '1G', boundClaim);
  const { nodeAffinity: _1, hostPath: _2, ...kept } = spec ?? {};
  const labels = {
    'failure-domain.beta.kubernetes.io/zone': 'us-east-1',
    'failure-domain.beta.kubernetes.io/region': 'us-east-1a',
  };
  return { ...rest, metadata: { ...metadata, labels }, spec: { ...kept, ...source }, status };
};
const gce = { gcePersistentDisk: { pdName: 'test-disk', fsType: 'ext4' } };
export const migrationPVBound = zonal(boundMigrationPVC, gce);
export const migrationPVBoundToUnbound = zonal(unboundPVC, gce);
export const nonmigrationPVBoundToUnbound = zonal(unboundPVC, {
  rbd: { image: 'test-disk', monitors: ['m'] },
});

export const node1 = newNode('node1', { labels: { [NODE_KEY]: 'node1' } });
export const node2 = newNode('node2', { labels: { [NODE_KEY]: 'node2' } });
export const node1NoLabels = newNode('node1');
export const node1Zone1 = newNode('node1', { labels: { 'topology.gke.io/zone': 'us-east-1' } });
export const node1Zone2 = newNode('node1', { labels: { 'topology.gke.io/zone': 'us-east-2' } });

export const csiNode = (migrated: string): Stored<CSINode> =>
  stored<CSINode>('CSINode', 'node1', {
    metadata: { annotations: { 'storage.alpha.kubernetes.io/migrated-plugins': migrated } },
    spec: { drivers: [] },
  });
export const csiNode1Migrated = csiNode('kubernetes.io/gce-pd');
export const csiNode1NotMigrated = csiNode('');

export const csiDriver = (storageCapacity: boolean): Stored<CSIDriver> =>
  stored<CSIDriver>('CSIDriver', DRIVER, { spec: { storageCapacity } });

export const capacity = (
  name: string,
  amounts: Pick<CSIStorageCapacity, 'capacity' | 'maximumVolumeSize'>,
  node?: string,
  storageClassName = WITH_PROVISIONER,
): Stored<CSIStorageCapacity> =>
  stored<CSIStorageCapacity>('CSIStorageCapacity', name, {
    storageClassName,
    nodeTopology: node === undefined ? {} : { matchLabels: { [NODE_KEY]: node } },
    ...amounts,
  });
