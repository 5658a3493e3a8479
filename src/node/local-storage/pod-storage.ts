import type { Pod } from '../../kube/index.ts';
import type { VolumeStats } from '../../volume/index.ts';
import type { ContainerStorage } from './container-storage.ts';

/** What a pod has on the node's own disk: what its containers write, and volumes that are directories there. */
export interface PodStorage {
  /** By the containers' names. */
  readonly containers: ReadonlyMap<string, ContainerStorage>;
  /** By their names in the pod. */
  readonly volumes: ReadonlyMap<string, VolumeStats>;
}

/** Bytes and inodes. Source: calcEphemeralStorage of pkg/kubelet/stats. */
export function ephemeralStorage(pod: Pod, { containers, volumes }: PodStorage) {
  const ephemeral = (pod.spec?.volumes ?? []).filter(isOnNodeDisk).map(({ name }) => volumes.get(name));
  const written = [...containers.values()].flatMap(({ rootfs, logs }) => (rootfs ? [rootfs, logs] : []));
  let [used, inodesUsed] = [0, 0];
  for (const stats of [...written, ...ephemeral]) {
    used += stats?.used ?? 0;
    inodesUsed += stats?.inodesUsed ?? 0;
  }
  return { used, inodesUsed };
}

/** Source: IsLocalEphemeralVolume of pkg/volume/util. */
function isOnNodeDisk({ emptyDir, configMap }: NonNullable<NonNullable<Pod['spec']>['volumes']>[number]) {
  return (emptyDir !== undefined && !emptyDir.medium) || configMap !== undefined;
}
