import { isBeingDeleted, isPodTerminal, type Pod, type Stored } from '../../kube/index.ts';

export interface UsedVolumes {
  /** Used as file systems: volumeMounts. */
  readonly mounts: ReadonlySet<string>;
  /** Used as block devices: volumeDevices. */
  readonly devices: ReadonlySet<string>;
}

/** The volumes that the pod's containers of any kind use, by name. Volumes that none uses are not set up. */
export function usedVolumes(pod: Pod): UsedVolumes {
  const mounts = new Set<string>();
  const devices = new Set<string>();
  const { containers = [], initContainers = [], ephemeralContainers = [] } = pod.spec ?? {};
  for (const container of [...initContainers, ...containers, ...ephemeralContainers]) {
    for (const mount of container.volumeMounts ?? []) mounts.add(mount.name);
    for (const device of container.volumeDevices ?? []) devices.add(device.name);
  }
  return { mounts, devices };
}

/** What WaitForAttachAndMount waits for, sorted. */
export function expectedVolumes(pod: Pod): string[] {
  const { mounts, devices } = usedVolumes(pod);
  return [...new Set([...mounts, ...devices])].sort();
}

/** Whether containers may be started: only then may volumes be added for the pod. */
export function mayStart(pod: Pod): boolean {
  return !isBeingDeleted(pod) && !isPodTerminal(pod);
}

/**
 * Whether a pod's volumes must stay mounted: it may start, or its containers have not all ended yet. `pod` is undefined
 * once it has gone from the source.
 */
export function keepsVolumes(pod: Stored<Pod> | undefined, mayStillUse: boolean): boolean {
  return mayStillUse || (pod !== undefined && mayStart(pod));
}
