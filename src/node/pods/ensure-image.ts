import type { Container } from '../../kube/index.ts';
import { type Images, type LoadedImage, withTag } from '../images/index.ts';
import type { Waiting } from './container-status.ts';

/** What is told of an image; of a container's on that container, else on the pod. */
export interface ImageEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

/** What became of an image that is wanted. */
export interface ImageOutcome {
  /** Absent: it was not loaded. */
  readonly image?: LoadedImage;
  /** Why what wants it cannot run. */
  readonly waiting?: Waiting;
  readonly events: readonly ImageEvent[];
}

/** An image by its name and its pull policy. Reasons and messages: kubelet, image_manager.go. Nothing is ever pulled. */
export async function findImage(
  wanted: string,
  pullPolicy: string | undefined,
  images: Images,
): Promise<ImageOutcome> {
  const name = JSON.stringify(wanted);
  let reference: string;
  try {
    reference = withTag(wanted);
  } catch (error) {
    const message = `Failed to apply default image tag ${name}: ${(error as Error).message}`;
    return refused('InvalidImageName', { type: 'Warning', reason: 'InspectFailed', message });
  }
  const image = await images.find(reference);
  if (image) {
    const message = `Container image ${name} already present on machine and can be accessed by the pod`;
    return { image, events: [{ type: 'Normal', reason: 'Pulled', message }] };
  }
  if (pullPolicy !== 'Never') return { events: [] };
  const message = `Container image ${name} is not present with pull policy of Never`;
  return refused('ErrImageNeverPull', { type: 'Warning', reason: 'ErrImageNeverPull', message });
}

/** A container's image. One that was not loaded is stood in for by the host's root, unless it must be there. */
export async function ensureImage(
  { image = '', imagePullPolicy }: Container,
  images: Images,
): Promise<ImageOutcome> {
  const found = await findImage(image, imagePullPolicy, images);
  return found.waiting ? { ...found, events: [...found.events, failedFor(found.waiting)] } : found;
}

/** What is told on a container that an image keeps from running. */
export function failedFor({ reason }: Waiting): ImageEvent {
  return { type: 'Warning', reason: 'Failed', message: `Error: ${reason}` };
}

function refused(reason: string, event: ImageEvent): ImageOutcome {
  return { waiting: { reason, message: event.message }, events: [event] };
}
