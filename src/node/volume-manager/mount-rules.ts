import { isAbsolute } from 'node:path';
import type { Host } from '../../host/index.ts';
import { type Node, type Stored, volumeReaches } from '../../kube/index.ts';
import {
  isOperationFinished,
  UncertainProgressError,
  type UniqueVolumeName,
  type VolumeSpec,
} from '../../volume/index.ts';
import type { ActualStateOfWorld } from './actual-state-of-world.ts';

/** Why a volume must not be brought to a pod here now, and the step that says so if it is one of its own; `undefined` when it may. */
export function mountForbidden(
  spec: VolumeSpec,
  node: Stored<Node> | undefined,
  mountedElsewhere: boolean,
): { step?: string; why: string } | undefined {
  const volume = spec.persistentVolume;
  if (!volume) return undefined;
  if (node && !volumeReaches(volume, node)) {
    return { step: 'NodeAffinity check failed', why: 'no matching NodeSelectorTerms' };
  }
  const modes = volume.spec?.accessModes ?? [];
  // With several modes it cannot be told which one the pod means.
  if (mountedElsewhere && modes.length === 1 && modes[0] === 'ReadWriteOncePod') {
    return {
      why: 'volume uses the ReadWriteOncePod access mode and is already in use by another pod',
    };
  }
  return undefined;
}

/**
 * Whoever detaches takes the device away: that must wait while somebody has it still, say by a mount that we know nothing
 * of. A driver may name what is no path, and then nobody can tell. Source: isDeviceOpened.
 */
export async function deviceInUse(
  { disks }: Pick<Host, 'disks'>,
  devicePath: string,
): Promise<string | undefined> {
  if (!isAbsolute(devicePath) || !(await disks.isInUse(devicePath))) return undefined;
  return 'the device is in use when it was no longer expected to be in use';
}

/**
 * What a failed MountDevice says about the device. `isMounted`: it is there all the same, say by an earlier call that was
 * still going on; upstream takes the driver's word, and detaches a volume that is mounted. Source: markDeviceErrorState.
 */
export function afterDeviceFailure(
  actual: ActualStateOfWorld,
  name: UniqueVolumeName,
  deviceMountPath: string,
  error: unknown,
  isMounted = false,
): void {
  const volume = actual.get(name);
  if (!volume) return;
  if (isOperationFinished(error) && volume.deviceState === 'uncertain') {
    // What was found on disk may be in use by pods that run, whatever the driver says now.
    if (!volume.deviceReconstructed && !isMounted) actual.markDeviceUnmounted(name);
    return;
  }
  if (error instanceof UncertainProgressError && volume.deviceState === 'not-mounted')
    actual.markDeviceUncertain(name, deviceMountPath);
}

/** What a failed SetUp says about the pod's mount. Source: markVolumeErrorState. */
export function afterMountFailure(
  actual: ActualStateOfWorld,
  name: UniqueVolumeName,
  podUid: string,
  spec: VolumeSpec,
  error: unknown,
): void {
  const mount = actual.podMount(podUid, name);
  if (isOperationFinished(error) && mount?.state === 'uncertain') {
    if (!mount.reconstructed) actual.markUnmounted(name, podUid);
    return;
  }
  if (error instanceof UncertainProgressError && !mount) actual.markMountUncertain(name, podUid, spec);
}
