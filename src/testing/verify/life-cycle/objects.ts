import type { PersistentVolumeClaim, Pod, StorageClass } from '../../../kube/index.ts';
import type { VerifyOptions } from '../options.ts';

export const NAMESPACE = 'default';
const CLASS = 'verified';
export const DATA_PATH = '/data';

/** By the secrets that a driver gets for a call, the name under which a class says where they are. */
const SECRET_PARAMETERS: Readonly<Record<string, string>> = {
  CreateVolumeSecret: 'provisioner',
  ControllerPublishVolumeSecret: 'controller-publish',
  ControllerExpandVolumeSecret: 'controller-expand',
  NodeStageVolumeSecret: 'node-stage',
  NodePublishVolumeSecret: 'node-publish',
  NodeExpandVolumeSecret: 'node-expand',
};

/** The class of the volumes, and the secrets that it names. */
export function classObjects(
  driver: string,
  { parameters, secrets = {} }: Pick<VerifyOptions, 'parameters' | 'secrets'>,
) {
  const given = Object.entries(SECRET_PARAMETERS).flatMap(([name, kind]) => {
    const data = secrets[name];
    return data ? [{ kind, data }] : [];
  });
  const names = given.flatMap(({ kind }) => [
    [`csi.storage.k8s.io/${kind}-secret-name`, kind],
    [`csi.storage.k8s.io/${kind}-secret-namespace`, NAMESPACE],
  ]);
  const storageClass: StorageClass = {
    metadata: { name: CLASS },
    provisioner: driver,
    parameters: { ...parameters, ...Object.fromEntries(names) },
    volumeBindingMode: 'WaitForFirstConsumer',
    allowVolumeExpansion: true,
  };
  const secretObjects = given.map(({ kind, data }) => ({
    metadata: { name: kind, namespace: NAMESPACE },
    stringData: { ...data },
  }));
  return { storageClass, secretObjects };
}

export function claimObject(
  name: string,
  sizeBytes: bigint,
  options: { block: boolean; clonedFrom?: string; restoredFrom?: string },
): PersistentVolumeClaim {
  return {
    metadata: { name, namespace: NAMESPACE },
    spec: {
      storageClassName: CLASS,
      accessModes: ['ReadWriteOnce'],
      volumeMode: options.block ? 'Block' : 'Filesystem',
      resources: { requests: { storage: `${sizeBytes}` } },
      ...(options.clonedFrom && {
        dataSource: { kind: 'PersistentVolumeClaim', name: options.clonedFrom },
      }),
      ...(options.restoredFrom && {
        dataSource: {
          apiGroup: 'snapshot.storage.k8s.io',
          kind: 'VolumeSnapshot',
          name: options.restoredFrom,
        },
      }),
    },
  };
}

export function snapshotClassObject(
  driver: string,
  { snapshotParameters }: Pick<VerifyOptions, 'snapshotParameters'>,
) {
  return {
    metadata: { name: CLASS },
    driver,
    deletionPolicy: 'Delete' as const,
    parameters: { ...snapshotParameters },
  };
}

export function snapshotObject(name: string, claim: string) {
  return {
    metadata: { name, namespace: NAMESPACE },
    spec: { volumeSnapshotClassName: CLASS, source: { persistentVolumeClaimName: claim } },
  };
}

/** A pod that runs a script with the claim's volume at DATA_PATH. */
export function podObject(name: string, claim: string, script: string, block: boolean): Pod {
  return {
    metadata: { name, namespace: NAMESPACE },
    spec: {
      restartPolicy: 'Never',
      terminationGracePeriodSeconds: 1,
      containers: [
        {
          name: 'main',
          image: 'none',
          command: ['sh', '-c', script],
          ...(block
            ? { volumeDevices: [{ name: 'data', devicePath: DATA_PATH }] }
            : { volumeMounts: [{ name: 'data', mountPath: DATA_PATH }] }),
        },
      ],
      volumes: [{ name: 'data', persistentVolumeClaim: { claimName: claim } }],
    },
  };
}

/** Scripts that write a text into a volume, and that fail unless it is there. */
export function scripts(text: string, block: boolean): { readonly write: string; readonly read: string } {
  return block
    ? {
        write: `printf %s ${text} | dd of=${DATA_PATH} conv=fsync,notrunc`,
        read: `test "$(head -c ${text.length} ${DATA_PATH})" = ${text}`,
      }
    : {
        write: `printf %s ${text} > ${DATA_PATH}/text && sync`,
        read: `test "$(cat ${DATA_PATH}/text)" = ${text}`,
      };
}
