import { join } from 'node:path';
import { volumeModeOf } from '../../kube/index.ts';
import type { VolumePlugin, VolumeSpec } from '../../volume/index.ts';

/** Whether pods get the volume as a device, not as a file system. */
export function isBlock({ persistentVolume }: VolumeSpec): boolean {
  return persistentVolume !== undefined && volumeModeOf(persistentVolume) === 'Block';
}

/** What to bind into a pod's containers: the pod's mount, or its link to the device. */
export function podPathOf(plugin: VolumePlugin, spec: VolumeSpec, podUid: string): string {
  return isBlock(spec)
    ? join(plugin.blockMapper?.podDeviceMapDirectory(podUid) ?? '', spec.name)
    : plugin.mounter.podPath(spec, podUid);
}

/** Where a volume that is mounted or mapped once a node is. */
export function globalPathOf(plugin: VolumePlugin, spec: VolumeSpec): string {
  return (
    (isBlock(spec) ? plugin.blockMapper?.globalMapPath(spec) : plugin.deviceMounter?.deviceMountPath(spec)) ??
    ''
  );
}
