import type { EventRecorder } from '../../client/index.ts';
import { type Container, containerOf, type Pod, type Stored } from '../../kube/index.ts';
import { containerFieldPath } from './names.ts';

/** Tells of containers: events on their pod that name the part of its spec that they are about. */
export class ContainerEvents {
  readonly #recorder: EventRecorder;

  constructor(recorder: EventRecorder) {
    this.#recorder = recorder;
  }

  tell(
    pod: Stored<Pod>,
    container: Container,
    type: 'Normal' | 'Warning',
    reason: string,
    message: string,
  ): void {
    const { apiVersion, kind, metadata } = pod;
    const { namespace, name, uid, resourceVersion } = metadata;
    const fieldPath = containerFieldPath(pod, container.name);
    const subject = { apiVersion, kind, namespace, name, uid, resourceVersion, fieldPath };
    this.#recorder.event(subject, type, reason, message);
  }

  killing(pod: Stored<Pod>, name: string, message: string): void {
    const container = containerOf(pod, name);
    if (container) this.tell(pod, container, 'Normal', 'Killing', message);
  }
}
