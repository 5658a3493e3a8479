import { DISK_DRIVER } from '../drivers/disk/index.ts';
import { TOPOLOGY_HOST } from '../drivers/disk/topology.ts';
import type { PersistentVolume, PersistentVolumeClaim, Pod, StorageClass } from '../kube/index.ts';
import { ANN_PROVISIONED_BY, SNAPSHOT_GROUP } from '../kube/index.ts';
import type { ClaimWish, ClassWish, PodWish, StaticVolume } from './actions.ts';
import { CLASSES } from './classes.ts';
import { NETWORK_DRIVER, REGION, TOPOLOGY_REGION } from './csi/network-driver.ts';
import { flexDriver } from './flex/programs.ts';
import type { Driver } from './sizes.ts';

export const NAMESPACE = 'default';
/** The config map and the secret that pods may use. */
export const SETTINGS = 'settings';
/** What claims have that are snapshotted together. */
export const GROUP_LABELS = { 'sim.stowage.dev/group': 'one' };
const SIZE = '8Mi';

const PROVISIONERS: Readonly<Record<Driver, string>> = { disk: DISK_DRIVER, network: NETWORK_DRIVER };

/** The class as it is at first. */
export function firstClass(name: string): ClassWish {
  const { driver, waits } = CLASSES.find((one) => one.name === name)!;
  return {
    storageClass: name,
    reclaimPolicy: 'Delete',
    volumeBindingMode: waits ? 'WaitForFirstConsumer' : 'Immediate',
    restricted: driver === 'disk' && waits,
  };
}

export function classObject(wish: ClassWish, poolNode: string): StorageClass {
  const { storageClass: name, reclaimPolicy, volumeBindingMode, tier, restricted } = wish;
  const { driver } = CLASSES.find((one) => one.name === name)!;
  const [key, value] = driver === 'disk' ? [TOPOLOGY_HOST, poolNode] : [TOPOLOGY_REGION, REGION];
  const allowedTopologies = [{ matchLabelExpressions: [{ key, values: [value] }] }];
  return {
    metadata: { name },
    provisioner: PROVISIONERS[driver],
    reclaimPolicy,
    volumeBindingMode,
    ...(tier === undefined ? {} : { parameters: { tier } }),
    ...(restricted ? { allowedTopologies } : {}),
    ...(driver === 'disk' ? { allowVolumeExpansion: true } : {}),
  };
}

const SOURCE_GROUPS = { VolumeSnapshot: { apiGroup: SNAPSHOT_GROUP }, PersistentVolumeClaim: {} };

export function claimObject(wish: ClaimWish, volumeName?: string): PersistentVolumeClaim {
  const {
    claim: name,
    namespace = NAMESPACE,
    modes,
    storageClass,
    block,
    attributes,
    source,
    grouped,
  } = wish;
  return {
    metadata: { name, namespace, ...(grouped ? { labels: GROUP_LABELS } : {}) },
    spec: {
      ...(storageClass === undefined ? {} : { storageClassName: storageClass }),
      ...(volumeName === undefined ? {} : { volumeName }),
      ...(block ? { volumeMode: 'Block' } : {}),
      ...(attributes === undefined ? {} : { volumeAttributesClassName: attributes }),
      ...(source === undefined ? {} : { dataSource: { ...source, ...SOURCE_GROUPS[source.kind] } }),
      accessModes: [...modes],
      resources: { requests: { storage: SIZE } },
    },
  };
}

/** A volume that an administrator has made by hand; a local directory of one node, or a share. */
export function staticVolumeObject(wish: StaticVolume, handle: string, poolNode: string): PersistentVolume {
  const { claim, modes, kind, policy, names } = wish;
  const terms = [
    { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [poolNode] }] },
  ];
  const sources = {
    host: {
      hostPath: { path: `/static/${claim}` },
      nodeAffinity: { required: { nodeSelectorTerms: terms } },
    },
    network: { csi: { driver: NETWORK_DRIVER, volumeHandle: handle } },
    'flex-disk': { flexVolume: { driver: flexDriver('disk') } },
    'flex-share': { flexVolume: { driver: flexDriver('share') } },
  };
  return {
    metadata: {
      name: claim,
      // Tells the provisioner that the volume is its to delete.
      ...(policy === 'Delete' ? { annotations: { [ANN_PROVISIONED_BY]: NETWORK_DRIVER } } : {}),
    },
    spec: {
      capacity: { storage: SIZE },
      accessModes: [...modes],
      persistentVolumeReclaimPolicy: policy,
      ...sources[kind],
      ...(names === 'volume' || names === 'both' ? { claimRef: { namespace: NAMESPACE, name: claim } } : {}),
    },
  } as PersistentVolume;
}

export function podObject(wish: PodWish): Pod {
  const { pod, namespace = NAMESPACE, claims, extras, node, scratch, blocks = [] } = wish;
  const data = claims.map((claimName, index) => ({
    name: `data-${index}`,
    persistentVolumeClaim: { claimName },
  }));
  const others = [
    ...extras.map((extra) => ({ name: extra, ...EXTRAS[extra] })),
    ...(scratch === undefined
      ? []
      : [{ name: 'scratch', ephemeral: { volumeClaimTemplate: { spec: volumeSpec(scratch) } } }]),
  ];
  const isDevice = (_: object, index: number) => blocks.includes(claims[index]!);
  const devices = data.filter(isDevice);
  const mounts = [...data.filter((one, index) => !isDevice(one, index)), ...others];
  return {
    metadata: { name: pod, namespace },
    spec: {
      terminationGracePeriodSeconds: 5,
      containers: containers(mounts.map(nameOf), undefined, devices.map(nameOf)),
      volumes: [...data, ...others],
      ...(node === undefined ? {} : { nodeSelector: { 'kubernetes.io/hostname': node } }),
    },
  } as Pod;
}

const nameOf = ({ name }: { name: string }) => name;

const EXTRAS = {
  empty: { emptyDir: {} },
  memory: { emptyDir: { medium: 'Memory' } },
  config: { configMap: { name: SETTINGS } },
  secret: { secret: { secretName: SETTINGS } },
};

/** A claim's spec for one node's use. */
export function volumeSpec(storageClassName: string) {
  return {
    storageClassName,
    accessModes: ['ReadWriteOnce'],
    resources: { requests: { storage: SIZE } },
  };
}

/** One container that runs until it is stopped, or for some seconds, with these volumes. */
export function containers(
  volumes: readonly string[],
  seconds = 'infinity',
  devices: readonly string[] = [],
) {
  return [
    {
      name: 'main',
      image: 'none',
      command: ['sleep', seconds],
      volumeMounts: volumes.map((name) => ({ name, mountPath: `/${name}` })),
      volumeDevices: devices.map((name) => ({ name, devicePath: `/dev/${name}` })),
    },
  ];
}
