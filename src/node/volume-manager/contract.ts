import type { Pod, Stored } from '../../kube/index.ts';
import type { UniqueVolumeName, VolumeStats } from '../../volume/index.ts';

/** What the volume manager needs to know of the node's pods; whoever runs them implements it. */
export interface PodSource {
  /** The pods that are bound to this node, as last seen. Empty them to have every volume unmounted at a shutdown. */
  pods(): Iterable<Stored<Pod>>;
  /**
   * Calls back after each change of the above or of `podMayStillUseVolumes`, until the returned function is called.
   * `podUid` when the change concerns one pod; `edited` when somebody has changed what it wishes for or is called.
   */
  onChange(callback: (podUid?: string, edited?: boolean) => void): () => void;
  /**
   * Whether containers of the pod run, or may be started although the pod is being deleted. Asked for pods that are
   * finished, being deleted or gone: their volumes are kept mounted until it says no.
   */
  podMayStillUseVolumes(podUid: string): boolean;
  /** Whether `pods()` is complete, so that what it lacks may be cleaned up. @default true */
  readonly hasSynced?: boolean;
}

/** One of a pod's volumes, set up. */
export interface MountedVolume {
  /** What to bind into containers. */
  readonly hostPath: string;
  /** The volume source asks for read-only; a container's volumeMount may ask for it besides. */
  readonly readOnly: boolean;
  readonly volumeName: UniqueVolumeName;
  /** The name of the PersistentVolume, or of the pod's volume. */
  readonly specName: string;
  /** A group that the pod's containers must be in to use it. */
  readonly gid?: number;
}

/** By the name of the volume in the pod: spec.volumes[].name. */
export type MountedVolumes = ReadonlyMap<string, MountedVolume>;

/** Brings volumes to pods and takes them away again. Upstream: pkg/kubelet/volumemanager. */
export interface VolumeManager {
  readonly name: string;
  /** Works until the signal aborts; resolves when nothing runs any more. What is mounted stays mounted. */
  start(signal: AbortSignal): Promise<void>;
  /**
   * Resolves once all volumes that the pod's containers use are set up. Rejects after 2 min 3 s, or at once if a volume
   * cannot be processed (claim not bound …), naming the volumes; the work goes on all the same, so call again. With a
   * VolumeAttachLimitExceededError when the node takes no more volumes: the pod will never run here.
   */
  waitForAttachAndMount(pod: Stored<Pod>, signal: AbortSignal): Promise<MountedVolumes>;
  /** Resolves once none of the pod's volumes is mounted. Rejects after 2 min 3 s. */
  waitForUnmount(pod: Stored<Pod>, signal: AbortSignal): Promise<void>;
  /**
   * Removes the directory of a pod that has ended and whose volumes are unmounted. What must stay, because something is
   * mounted below it or it may hold a volume's data, is logged and tried again as an orphan. Never rejects.
   */
  removePodDirectory(pod: Stored<Pod>): Promise<void>;
  /** Resolves once nothing is mounted for any pod, nor globally: for a shutdown, after the pod source was emptied. */
  waitForAllUnmounted(signal: AbortSignal): Promise<void>;
  mountedVolumesForPod(podUid: string): MountedVolumes;
  /** How full the pod's volumes are now, by their names in the pod. What cannot be measured is left out. */
  volumeStats(podUid: string, signal: AbortSignal): Promise<ReadonlyMap<string, VolumeStats>>;
  /** Whether something is mounted, or may be, for the pod: its directory must stay. */
  podHasMountedVolumes(podUid: string): boolean;
  /** What node.status.volumesInUse must say, sorted. The volume manager writes it there by itself. */
  volumesInUse(): readonly UniqueVolumeName[];
}
