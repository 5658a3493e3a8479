import { errorMessage, type Logger } from '../../base/index.ts';
import type { EventRecorder } from '../../client/index.ts';
import { splitUniqueVolumeName } from '../../volume/index.ts';
import type { ActualStateOfWorld, AttachedVolume } from './actual-state-of-world.ts';
import type { VolumeToMount } from './desired-state-of-world.ts';

interface Context {
  readonly actual: ActualStateOfWorld;
  readonly nodeName: string;
  readonly recorder: EventRecorder;
  readonly log: Logger;
}

// A node on which the attach/detach controller keeps its hands off (--enable-controller-attach-detach=false) attaches
// what its pods need, and detaches it when nothing here needs it any more.

export async function attachHere(
  { actual, nodeName, recorder, log }: Context,
  { volumeName, spec, plugin, pod }: VolumeToMount,
  signal: AbortSignal,
): Promise<void> {
  let devicePath: string;
  try {
    devicePath = await plugin.attacher!.attach(spec, nodeName, signal);
  } catch (error) {
    const message = `AttachVolume.Attach failed for volume "${spec.name}" : ${errorMessage(error)}`;
    if (!signal.aborted) recorder.event(pod, 'Warning', 'FailedAttachVolume', message);
    throw new Error(message, { cause: error });
  }
  actual.markAttached(volumeName, plugin, spec, devicePath, 'yes');
  const message = `AttachVolume.Attach succeeded for volume "${spec.name}" `;
  recorder.event(pod, 'Normal', 'SuccessfulAttachVolume', message);
  log.info('volume attached by the node itself', { volume: volumeName });
}

export async function detachHere(
  { actual, nodeName, log }: Context,
  { volumeName, spec, plugin }: AttachedVolume,
  signal: AbortSignal,
): Promise<void> {
  try {
    await plugin.attacher!.detach(splitUniqueVolumeName(volumeName).volumeName, nodeName, signal);
  } catch (error) {
    throw new Error(`DetachVolume.Detach failed for volume "${spec.name}" : ${errorMessage(error)}`, {
      cause: error,
    });
  }
  actual.markDetached(volumeName);
  log.info('volume detached by the node itself', { volume: volumeName });
}
