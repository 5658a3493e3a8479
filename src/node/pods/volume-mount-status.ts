import type { Container, ContainerStatus, VolumeMount } from '../../kube/index.ts';

/** Whether all that is mounted below is read-only too. The kernel can (since 5.12). Source: resolveRecursiveReadOnly. */
export function isRecursiveReadOnly({
  readOnly,
  recursiveReadOnly = 'Disabled',
  mountPropagation = 'None',
}: VolumeMount): boolean {
  return (readOnly ?? false) && mountPropagation === 'None' && recursiveReadOnly !== 'Disabled';
}

/** What a container's status tells of its volumes, also before it runs (kubelet, convertToAPIContainerStatuses). */
export function volumeMountStatuses({ volumeMounts = [] }: Container): Pick<ContainerStatus, 'volumeMounts'> {
  if (volumeMounts.length === 0) return {};
  return {
    volumeMounts: volumeMounts.map((mount) => ({
      name: mount.name,
      mountPath: mount.mountPath,
      ...(mount.readOnly
        ? { readOnly: true, recursiveReadOnly: isRecursiveReadOnly(mount) ? 'Enabled' : 'Disabled' }
        : {}),
    })),
  };
}
