import {
  addQuantities,
  type Container,
  type Pod,
  podResourceTotals,
  quantityValue,
} from '../../kube/index.ts';
import type { VolumeStats } from '../../volume/index.ts';
import { ephemeralStorage, type PodStorage } from './pod-storage.ts';

/** From this priority on (system-cluster-critical) a pod is not evicted. */
const CRITICAL_PRIORITY = 2_000_000_000;
const RESOURCE = 'ephemeral-storage';

/** Whether the containers of a pod must be measured: there is a limit for what they write. */
export function limitsContainers({ spec }: Pod): boolean {
  const isLimited = ({ resources }: Container) => resources?.limits?.[RESOURCE] !== undefined;
  return (spec?.containers ?? []).some(isLimited) || (spec?.initContainers ?? []).some(isLimited);
}

/** Whether anything the pod has on the node's disk is limited. */
export function limitsLocalStorage(pod: Pod): boolean {
  const { volumes = [] } = pod.spec ?? {};
  return volumes.some(({ emptyDir }) => quantityValue(emptyDir?.sizeLimit) > 0n) || limitsContainers(pod);
}

/**
 * Why a pod is to be evicted: it has more on the node's disk than it may. `undefined`: it has not, or it is critical.
 * Source: localStorageEviction of the kubelet's eviction manager; its order, its words.
 */
export function exceededLocalStorage(pod: Pod, storage: PodStorage): string | undefined {
  if ((pod.spec?.priority ?? 0) >= CRITICAL_PRIORITY) return undefined;
  return (
    exceededEmptyDir(pod, storage.volumes) ?? exceededPod(pod, storage) ?? exceededContainer(pod, storage)
  );
}

function exceededEmptyDir(pod: Pod, volumes: ReadonlyMap<string, VolumeStats>): string | undefined {
  for (const { name, emptyDir } of pod.spec?.volumes ?? []) {
    const limit = quantityValue(emptyDir?.sizeLimit);
    const used = volumes.get(name)?.used;
    if (limit > 0n && used !== undefined && BigInt(used) > limit)
      return `Usage of EmptyDir volume ${JSON.stringify(name)} exceeds the limit ${JSON.stringify(emptyDir?.sizeLimit)}. `;
  }
  return undefined;
}

function exceededPod(pod: Pod, storage: PodStorage): string | undefined {
  const limit = podLimit(pod);
  if (limit === undefined || BigInt(ephemeralStorage(pod, storage).used) <= quantityValue(limit))
    return undefined;
  return `Pod ephemeral local storage usage exceeds the total limit of containers ${limit}. `;
}

function exceededContainer(pod: Pod, { containers }: PodStorage): string | undefined {
  for (const { name, resources } of pod.spec?.containers ?? []) {
    const limit = resources?.limits?.[RESOURCE];
    const { rootfs, logs } = containers.get(name) ?? {};
    const used = BigInt((rootfs?.used ?? 0) + (logs?.used ?? 0));
    if (quantityValue(limit) > 0n && used > quantityValue(limit))
      return `Container ${name} exceeded its local ephemeral storage limit ${JSON.stringify(limit)}. `;
  }
  return undefined;
}

/** What all containers together may write; undefined where none has a limit. Overhead raises a limit that there is. */
function podLimit(pod: Pod): string | undefined {
  const limit = podResourceTotals(pod, 'limits')[RESOURCE];
  const overhead = pod.spec?.overhead?.[RESOURCE];
  return limit !== undefined && overhead !== undefined && quantityValue(limit) > 0n
    ? addQuantities(limit, overhead)
    : limit;
}
