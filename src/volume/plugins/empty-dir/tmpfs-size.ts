import type { Container, Pod } from '../../../kube/index.ts';
import { quantityValue } from '../../../kube/index.ts';

/**
 * The size of a memory-backed volume in bytes: the least of what the node has, what the pod may use, and what the
 * volume asks for. Source: calculateEmptyDirMemorySize, pkg/volume/emptydir.
 */
export function memoryVolumeSizeBytes(nodeBytes: bigint, pod: Pod, sizeLimit: string | undefined): bigint {
  const limits = [podMemoryLimitBytes(pod), quantityValue(sizeLimit)];
  return limits.reduce((least, limit) => (limit > 0n && limit <= least ? limit : least), nodeBytes);
}

/** What all containers together may use; 0 unless every one has a limit. Init containers run alone, before. */
function podMemoryLimitBytes(pod: Pod): bigint {
  const limit = (container: Container) => quantityValue(container.resources?.limits?.memory);
  let sum = 0n;
  for (const container of pod.spec?.containers ?? []) {
    const own = limit(container);
    if (own === 0n) return 0n;
    sum += own;
  }
  for (const container of pod.spec?.initContainers ?? []) {
    const own = limit(container);
    if (own === 0n) return 0n;
    if (own > sum) sum = own;
  }
  return sum;
}

/** Whether the kernel knows tmpfs' noswap (Linux 6.4). */
export function supportsNoSwap(kernelVersion: string): boolean {
  const [major = 0, minor = 0] = kernelVersion.split('.').map((part) => Number.parseInt(part, 10) || 0);
  return major > 6 || (major === 6 && minor >= 4);
}
