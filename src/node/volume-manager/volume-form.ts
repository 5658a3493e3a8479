import type { Clock, Logger } from '../../base/index.ts';
import type { EventRecorder } from '../../client/index.ts';
import type { Host } from '../../host/index.ts';
import type { Node, Stored } from '../../kube/index.ts';
import { isAttachable, type MountContext, type VolumePlugin } from '../../volume/index.ts';
import type { ActualStateOfWorld, AttachedVolume, PodMount } from './actual-state-of-world.ts';
import type { VolumeToMount } from './desired-state-of-world.ts';
import { failure } from './operation-failure.ts';
import type { MountedAt, VolumeExpander } from './volume-expander.ts';

/** What operations on volumes are called; also the names under which they back off. */
export interface OperationNames {
  readonly setUp: string;
  readonly tearDown: string;
  readonly tearDownDevice: string;
}

/**
 * How volumes come to pods and go again: as file systems that are mounted, or as devices that are mapped. Each call notes
 * in the actual state of the world how far it came, and rejects with an error that is fit for an event.
 */
export interface VolumeForm {
  readonly names: OperationNames;
  /** The reason of the event on a pod that cannot have its volume. */
  readonly failureReason: string;
  setUp(volume: VolumeToMount, isRemount: boolean, signal: AbortSignal): Promise<void>;
  tearDown(mount: PodMount, signal: AbortSignal): Promise<void>;
  /** Undoes what is on disk for a pod, of which nothing is known but its name. */
  undo(plugin: VolumePlugin, specName: string, podUid: string, signal: AbortSignal): Promise<void>;
  tearDownDevice(volume: AttachedVolume, signal: AbortSignal): Promise<void>;
  /** For whoever grows it. */
  mountedAt(volume: VolumeToMount): MountedAt;
}

export interface VolumeFormOptions {
  readonly host: Host;
  readonly nodeName: string;
  /** The kubelet's root directory. */
  readonly nodeRoot: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly actual: ActualStateOfWorld;
  readonly recorder: EventRecorder;
  readonly expander: VolumeExpander;
  /** This node, as cached. */
  node(): Stored<Node> | undefined;
}

/** Where the attached volume's device is; '' where its plugin does not tell, `unattached` where it needs no attaching. */
export async function waitForAttach(
  { actual, nodeName }: VolumeFormOptions,
  step: string,
  { plugin, spec, pod, volumeName }: VolumeToMount,
  signal: AbortSignal,
  unattached = '',
): Promise<string> {
  if (!isAttachable(plugin, spec)) return unattached;
  const known = actual.get(volumeName)?.devicePath ?? '';
  return await plugin.attacher!.waitForAttach(spec, nodeName, known, signal, pod).catch((error) => {
    throw failure(step, spec, error);
  });
}

export function mountContext(
  { actual, clock, log, recorder }: VolumeFormOptions,
  { pod, volumeName, seLinuxLabel }: VolumeToMount,
  isRemount: boolean,
  signal: AbortSignal,
): MountContext {
  const security = pod.spec?.securityContext;
  return {
    pod,
    fsGroup: security?.fsGroup,
    fsGroupChangePolicy: security?.fsGroupChangePolicy === 'OnRootMismatch' ? 'OnRootMismatch' : 'Always',
    ownershipReporter: {
      podUid: pod.metadata.uid,
      clock,
      log,
      tell: (message) => recorder.event(pod, 'Warning', 'VolumePermissionChangeInProgress', message),
    },
    seLinuxLabel,
    isRemount,
    isReconstructed: actual.podMount(pod.metadata.uid, volumeName)?.reconstructed ?? false,
    signal,
  };
}
