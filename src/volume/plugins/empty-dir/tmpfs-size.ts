import { isLimitDeclared, type Pod, podLimits, quantityValue } from '../../../kube/index.ts';

/**
 * The size of a memory-backed volume in bytes: the least of what pods may have of the node, what the pod may use, and what the
 * volume asks for. Source: calculateEmptyDirMemorySize, pkg/volume/emptydir.
 */
export function memoryVolumeSizeBytes(nodeBytes: bigint, pod: Pod, sizeLimit: string | undefined): bigint {
  const limits = [podMemoryLimitBytes(pod), quantityValue(sizeLimit)];
  return limits.reduce((least, limit) => (limit > 0n && limit <= least ? limit : least), nodeBytes);
}

/** What all containers together may use; 0 where that is not limited (ResourceConfigForPod). */
function podMemoryLimitBytes(pod: Pod): bigint {
  return isLimitDeclared(pod, 'memory') ? quantityValue(podLimits(pod).memory) : 0n;
}

/** Whether the kernel knows tmpfs' noswap (Linux 6.4). */
export function supportsNoSwap(kernelVersion: string): boolean {
  const [major = 0, minor = 0] = kernelVersion.split('.').map((part) => Number.parseInt(part, 10) || 0);
  return major > 6 || (major === 6 && minor >= 4);
}
