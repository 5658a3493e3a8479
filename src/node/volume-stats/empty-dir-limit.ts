import { type Pod, quantityValue } from '../../kube/index.ts';
import type { VolumeStats } from '../../volume/index.ts';

/** From this priority on (system-cluster-critical) a pod is not evicted. */
const CRITICAL_PRIORITY = 2_000_000_000;

/**
 * Why a pod is to be evicted: one of its emptyDir volumes holds more than it may. `undefined`: none does, or the pod is
 * critical. Source: emptyDirLimitEviction of the kubelet's eviction manager.
 */
export function exceededEmptyDir(pod: Pod, stats: ReadonlyMap<string, VolumeStats>): string | undefined {
  if ((pod.spec?.priority ?? 0) >= CRITICAL_PRIORITY) return undefined;
  for (const { name, emptyDir } of pod.spec?.volumes ?? []) {
    const limit = quantityValue(emptyDir?.sizeLimit);
    const used = stats.get(name)?.used;
    if (limit > 0n && used !== undefined && BigInt(used) > limit)
      return `Usage of EmptyDir volume ${JSON.stringify(name)} exceeds the limit ${JSON.stringify(emptyDir?.sizeLimit)}. `;
  }
  return undefined;
}
