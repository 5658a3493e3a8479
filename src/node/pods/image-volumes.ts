import type { Clock } from '../../base/index.ts';
import type { EventRecorder } from '../../client/index.ts';
import type { Container, Pod, Stored } from '../../kube/index.ts';
import type { Images } from '../images/index.ts';
import type { PodVolume } from './container-config.ts';
import type { Waiting } from './container-status.ts';
import { findImage, type ImageOutcome } from './ensure-image.ts';
import { RestartBackoff } from './restart-backoff.ts';

interface ImageVolumesDependencies {
  readonly images: Images;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
}

/**
 * The images that one pod has as volumes. Those that are not there keep the containers that mount them from running; as
 * nothing is ever pulled, each look is a pull that has failed, with the kubelet's reasons and its back-off.
 * Source: getImageVolumes of kuberuntime_manager.go, pullImage of image_manager.go.
 */
export class ImageVolumes {
  readonly #dependencies: ImageVolumesDependencies;
  readonly #backoff = new RestartBackoff();
  /** When what is not there was last tried to be had. */
  readonly #triedAtMs = new Map<string, number>();

  constructor(dependencies: ImageVolumesDependencies) {
    this.#dependencies = dependencies;
  }

  /** The volumes, each that is an image with what became of it. */
  async find(
    pod: Stored<Pod>,
    volumes: ReadonlyMap<string, PodVolume>,
  ): Promise<ReadonlyMap<string, PodVolume>> {
    const { images, recorder } = this.#dependencies;
    const all = new Map(volumes);
    for (const { name, image } of pod.spec?.volumes ?? []) {
      if (!image) continue;
      const { reference = '', pullPolicy } = image;
      const found = await findImage(reference, pullPolicy, images);
      const outcome = found.image || found.waiting ? found : this.#notPulled(reference);
      if (found.image) this.#triedAtMs.delete(reference);
      for (const { type, reason, message } of outcome.events) recorder.event(pod, type, reason, message);
      const volume = all.get(name);
      if (volume) all.set(name, { ...volume, image: outcome });
    }
    return all;
  }

  #notPulled(reference: string): ImageOutcome {
    const name = JSON.stringify(reference);
    const why = `image ${name} was not loaded, and nothing is ever pulled; load it with "stowage image load"`;
    const now = this.#dependencies.clock.now();
    const triedAtMs = this.#triedAtMs.get(reference);
    const { remainingMs } = this.#backoff.next(reference, triedAtMs ?? now, now);
    if (triedAtMs !== undefined && remainingMs > 0) {
      const message = `Back-off pulling image ${name}`;
      return {
        waiting: { reason: 'ImagePullBackOff', message: `${message}: ErrImagePull: ${why}` },
        events: [{ type: 'Normal', reason: 'BackOff', message }],
      };
    }
    this.#triedAtMs.set(reference, now);
    const message = `Failed to pull image ${name}: ${why}`;
    return {
      waiting: { reason: 'ErrImagePull', message: why },
      events: [{ type: 'Warning', reason: 'Failed', message }],
    };
  }
}

/** What keeps a container waiting for the images that it mounts: the last of several (toKubeContainerImageVolumes). */
export function missingImage(
  { volumeMounts = [] }: Container,
  volumes: ReadonlyMap<string, PodVolume>,
): Waiting | undefined {
  return volumeMounts.map(({ name }) => volumes.get(name)?.image?.waiting).findLast((waiting) => waiting);
}
