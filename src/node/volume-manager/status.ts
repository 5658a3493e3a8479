import { ANN_VOLUME_GID, annotation } from '../../kube/index.ts';
import type { UniqueVolumeName, VolumeSpec } from '../../volume/index.ts';
import type { ActualStateOfWorld } from './actual-state-of-world.ts';
import type { MountedVolume } from './contract.ts';
import type { DesiredStateOfWorld, VolumeToMount } from './desired-state-of-world.ts';
import { podPathOf } from './volume-places.ts';

/** The pod's volumes that are wished for and set up, by the names that the pod uses. */
export function mountedVolumesForPod(
  desired: DesiredStateOfWorld,
  actual: ActualStateOfWorld,
  podUid: string,
): Map<string, MountedVolume> {
  const mounted = new Map<string, MountedVolume>();
  for (const [outerName, volumeName] of desired.volumeNamesForPod(podUid)) {
    const mount = actual.podMount(podUid, volumeName);
    if (mount?.state !== 'mounted') continue;
    mounted.set(outerName, {
      hostPath: podPathOf(mount.plugin, mount.spec, podUid),
      readOnly: mount.spec.readOnly,
      volumeName,
      specName: mount.spec.name,
      ...volumeGid(mount.spec),
    });
  }
  return mounted;
}

/** Source: GetExtraSupplementalGroupsForPod; what is no number counts for nothing. */
function volumeGid({ persistentVolume }: VolumeSpec): Pick<MountedVolume, 'gid'> {
  const told = persistentVolume && annotation(persistentVolume, ANN_VOLUME_GID);
  return told !== undefined && /^\d{1,10}$/.test(told) ? { gid: Number(told) } : {};
}

/** Which of the expected volumes are not set up, sorted. */
export function unmountedVolumes(
  desired: DesiredStateOfWorld,
  actual: ActualStateOfWorld,
  podUid: string,
  expected: readonly string[],
): string[] {
  const mounted = mountedVolumesForPod(desired, actual, podUid);
  return expected.filter((name) => !mounted.has(name)).sort();
}

/** Those of the pod's volumes that wait to be attached. */
export function unattachedVolumes(
  desired: DesiredStateOfWorld,
  actual: ActualStateOfWorld,
  podUid: string,
): VolumeToMount[] {
  const wished = desired.volumesToMount(podUid);
  return wished.filter((volume) => volume.attachable && !actual.get(volume.volumeName));
}

/** Why the pod's volumes are not all there, as upstream's WaitForAttachAndMount says it. */
export function notMountedMessage(
  desired: DesiredStateOfWorld,
  actual: ActualStateOfWorld,
  podUid: string,
  expected: readonly string[],
  why: string,
): string {
  const unattached = unattachedVolumes(desired, actual, podUid)
    .flatMap((volume) => volume.outerNames)
    .sort();
  const known = desired.volumeNamesForPod(podUid);
  const unknown = expected.filter((name) => !known.has(name)).sort();
  return (
    `unmounted volumes=${list(unmountedVolumes(desired, actual, podUid, expected))}, ` +
    `unattached volumes=${list(unattached)}, failed to process volumes=${list(unknown)}: ${why}`
  );
}

/**
 * What node.status.volumesInUse must say: attachable volumes from the moment that a pod wishes for them until they are
 * no longer mounted. Sorted. Source: GetVolumesInUse of the kubelet's volume manager.
 */
export function volumesInUse(desired: DesiredStateOfWorld, actual: ActualStateOfWorld): UniqueVolumeName[] {
  const names = new Set<UniqueVolumeName>();
  for (const volume of desired.volumesToMount()) if (volume.attachable) names.add(volume.volumeName);
  for (const volume of actual.volumes()) if (volume.attachable === 'yes') names.add(volume.volumeName);
  return [...names].sort();
}

/** As Go prints a list of strings. */
function list(names: readonly string[]): string {
  return `[${names.join(' ')}]`;
}
