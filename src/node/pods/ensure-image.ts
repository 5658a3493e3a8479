import type { Container } from '../../kube/index.ts';
import { type Images, type LoadedImage, withTag } from '../images/index.ts';
import type { Waiting } from './container-status.ts';

interface ImageEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

/** What became of a container's image. */
export interface ImageOutcome {
  /** Absent: the container runs on the host's root. */
  readonly image?: LoadedImage;
  /** Why the container cannot run. */
  readonly waiting?: Waiting;
  readonly events: readonly ImageEvent[];
}

/**
 * The image of a container, by its pull policy. Nothing is ever pulled: an image that was not loaded is stood in for by
 * the host's root, unless the policy says that it must be there. Reasons and messages: kubelet, image_manager.go.
 */
export async function ensureImage(
  { image = '', imagePullPolicy }: Container,
  images: Images,
): Promise<ImageOutcome> {
  const name = JSON.stringify(image);
  let reference: string;
  try {
    reference = withTag(image);
  } catch (error) {
    const message = `Failed to apply default image tag ${name}: ${(error as Error).message}`;
    return refused('InvalidImageName', { type: 'Warning', reason: 'InspectFailed', message });
  }
  const found = await images.find(reference);
  if (found) {
    const message = `Container image ${name} already present on machine and can be accessed by the pod`;
    return { image: found, events: [{ type: 'Normal', reason: 'Pulled', message }] };
  }
  if (imagePullPolicy !== 'Never') return { events: [] };
  const message = `Container image ${name} is not present with pull policy of Never`;
  return refused('ErrImageNeverPull', { type: 'Warning', reason: 'ErrImageNeverPull', message });
}

function refused(reason: string, event: ImageEvent): ImageOutcome {
  const failed = { type: 'Warning', reason: 'Failed', message: `Error: ${reason}` } as const;
  return { waiting: { reason, message: event.message }, events: [event, failed] };
}
