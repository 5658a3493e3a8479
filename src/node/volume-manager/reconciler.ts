import { isAttachable, type UniqueVolumeName } from '../../volume/index.ts';
import type { ActualStateOfWorld, AttachedVolume } from './actual-state-of-world.ts';
import type { DesiredStateOfWorld, VolumeToMount } from './desired-state-of-world.ts';
import type { Operations } from './operations.ts';

export interface ReconcilerOptions {
  readonly desired: DesiredStateOfWorld;
  readonly actual: ActualStateOfWorld;
  readonly operations: Pick<
    Operations,
    'isPending' | 'verifyAttached' | 'attach' | 'detach' | 'mount' | 'expand' | 'unmount' | 'unmountDevice'
  >;
  /** Whether the volume has become larger and this node has something to do about it. */
  needsExpansion(volume: VolumeToMount): boolean;
  /** Whether it is known what the pod wishes for; until then nothing of it is unmounted. */
  isSettled(podUid: string): boolean;
  /** Whether this node attaches and detaches for itself. @default false */
  readonly attachesForItself?: boolean;
  /** Whether the node's status, as cached, names the volume as attached. */
  isReportedAttached(name: UniqueVolumeName): boolean;
}

/**
 * One pass: starts what brings the actual state of the world nearer to the desired one. Unmounts come first, so that
 * a volume that moves from one pod to another is taken away before it is given. `mayUnmount` is false as long as the
 * desired state may lack something. Source: reconciler.reconcile of the kubelet's volume manager.
 */
export function reconcile(options: ReconcilerOptions, mayUnmount: boolean, signal: AbortSignal): void {
  if (mayUnmount) unmountVolumes(options, signal);
  for (const volume of options.desired.volumesToMount()) mountOrAttach(options, volume, signal);
  if (mayUnmount) unmountDevices(options, signal);
}

function unmountVolumes(options: ReconcilerOptions, signal: AbortSignal): void {
  const { actual, desired, operations } = options;
  for (const mount of actual.podMounts()) {
    const { volumeName, podUid } = mount;
    if (desired.podExistsInVolume(podUid, volumeName) || !options.isSettled(podUid)) continue;
    if (operations.isPending({ volume: volumeName, pod: podUid })) continue;
    operations.unmount(mount, signal);
  }
}

function mountOrAttach(options: ReconcilerOptions, volume: VolumeToMount, signal: AbortSignal): void {
  const { actual, operations } = options;
  const { volumeName } = volume;
  if (operations.isPending({ volume: volumeName })) return;
  const known = actual.get(volumeName);
  // Found on disk: where its device is will be known from the node's status, soon.
  if (known?.attachable === 'uncertain') return;
  if (known?.attachable !== 'yes' && needsAttach(options, volume)) {
    if (options.attachesForItself) {
      operations.attach(volume, signal);
      return;
    }
    // Who detaches must have been told that the volume is in use here before it is.
    if (volume.reportedInUse && options.isReportedAttached(volumeName))
      operations.verifyAttached(volume, signal);
    return;
  }
  // Mounted with another label: it is unmounted first.
  if (known && isMountedOtherwise(known, volume.seLinuxLabel)) return;
  if (!known) actual.markAttached(volumeName, volume.plugin, volume.spec, '', 'no');
  const mount = actual.podMount(volume.pod.metadata.uid, volumeName);
  if (mount?.state === 'mounted' && !mount.remountRequired) {
    if (options.needsExpansion(volume)) operations.expand(volume, signal);
    return;
  }
  operations.mount(volume, mount?.remountRequired ?? false, signal);
}

function needsAttach({ desired }: ReconcilerOptions, volume: VolumeToMount): boolean {
  if (!volume.attachable) return false;
  if (isAttachable(volume.plugin, volume.spec)) return true;
  desired.markNotAttachable(volume.volumeName);
  return false;
}

function unmountDevices(options: ReconcilerOptions, signal: AbortSignal): void {
  const { actual, desired, operations } = options;
  for (const volume of actual.volumes()) {
    const { volumeName } = volume;
    if (volume.pods.size > 0) continue;
    const label = desired.seLinuxLabelOf(volumeName);
    if (desired.volumeExists(volumeName) && !isMountedOtherwise(volume, label)) continue;
    if (operations.isPending({ volume: volumeName })) continue;
    if (volume.deviceState !== 'not-mounted') operations.unmountDevice(volume, signal);
    else if (options.attachesForItself && volume.attachable === 'yes') operations.detach(volume, signal);
    // Whoever attached it detaches it, once it is no longer reported in use.
    else actual.markDetached(volumeName);
  }
}

function isMountedOtherwise(known: AttachedVolume, wanted: string | undefined): boolean {
  return known.deviceState !== 'not-mounted' && known.seLinuxLabel !== wanted;
}
