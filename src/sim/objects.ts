import { DISK_DRIVER } from '../drivers/disk/index.ts';
import { TOPOLOGY_HOST } from '../drivers/disk/topology.ts';
import type {
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  StatefulSet,
  StorageClass,
} from '../kube/index.ts';
import { ANN_PROVISIONED_BY } from '../kube/index.ts';
import type { ClassWish, Modes, PodWish, SetWish, StaticVolume } from './actions.ts';
import { CLASSES } from './classes.ts';
import { NETWORK_DRIVER, REGION, TOPOLOGY_REGION } from './csi/network-driver.ts';
import type { Driver } from './sizes.ts';

export const NAMESPACE = 'default';
/** The config map and the secret that pods may use. */
export const SETTINGS = 'settings';
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
  };
}

/** Without a class the claim gets the default one, when there is one. */
export function claimObject(
  name: string,
  modes: Modes,
  storageClassName: string | undefined,
  volumeName?: string,
): PersistentVolumeClaim {
  return {
    metadata: { name, namespace: NAMESPACE },
    spec: {
      ...(storageClassName === undefined ? {} : { storageClassName }),
      ...(volumeName === undefined ? {} : { volumeName }),
      accessModes: [...modes],
      resources: { requests: { storage: SIZE } },
    },
  };
}

/** A volume that an administrator has made by hand; a local directory of one node, or a share. */
export function staticVolumeObject(wish: StaticVolume, handle: string, poolNode: string): PersistentVolume {
  const { claim, modes, kind, policy, names } = wish;
  const source = kind === 'host' ? { hostPath: { path: `/static/${claim}` } } : undefined;
  const terms = [
    { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [poolNode] }] },
  ];
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
      ...(source
        ? { ...source, nodeAffinity: { required: { nodeSelectorTerms: terms } } }
        : { csi: { driver: NETWORK_DRIVER, volumeHandle: handle } }),
      ...(names === 'volume' || names === 'both' ? { claimRef: { namespace: NAMESPACE, name: claim } } : {}),
    },
  } as PersistentVolume;
}

export function podObject({ pod, claims, extras, node }: PodWish): Pod {
  const data = claims.map((claimName, index) => ({
    name: `data-${index}`,
    persistentVolumeClaim: { claimName },
  }));
  const volumes = [...data, ...extras.map((extra) => ({ name: extra, ...EXTRAS[extra] }))];
  return {
    metadata: { name: pod, namespace: NAMESPACE },
    spec: {
      ...podSpec(volumes.map(({ name }) => name)),
      volumes,
      ...(node === undefined ? {} : { nodeSelector: { 'kubernetes.io/hostname': node } }),
    },
  };
}

const EXTRAS = {
  empty: { emptyDir: {} },
  memory: { emptyDir: { medium: 'Memory' } },
  config: { configMap: { name: SETTINGS } },
  secret: { secret: { secretName: SETTINGS } },
};

export function setObject({ set, replicas, storageClass, policy }: SetWish): StatefulSet {
  return {
    metadata: { name: set, namespace: NAMESPACE },
    spec: {
      replicas,
      serviceName: set,
      podManagementPolicy: policy,
      selector: { matchLabels: { set } },
      template: { metadata: { labels: { set } }, spec: podSpec(['data']) },
      volumeClaimTemplates: [
        {
          metadata: { name: 'data' },
          spec: {
            storageClassName: storageClass,
            accessModes: ['ReadWriteOnce'],
            resources: { requests: { storage: SIZE } },
          },
        },
      ],
    },
  } as StatefulSet;
}

function podSpec(volumes: readonly string[]) {
  return {
    terminationGracePeriodSeconds: 5,
    containers: [
      {
        name: 'main',
        image: 'none',
        command: ['sleep', 'infinity'],
        volumeMounts: volumes.map((name) => ({ name, mountPath: `/${name}` })),
      },
    ],
  };
}
