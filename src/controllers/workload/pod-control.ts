import { errorMessage } from '../../base/index.ts';
import type { Client, ComponentContext, EventRecorder, Informer } from '../../client/index.ts';
import {
  controllerOf,
  isNamespaceTerminating,
  isNotFound,
  type KubeObject,
  keyOf,
  type Pod,
  pods,
  type Stored,
} from '../../kube/index.ts';
import { Expectations } from './expectations.ts';

/** Makes and deletes pods for their owners, tells of it in events, and remembers what the cache does not show yet. */
export class PodControl {
  readonly #client: Client;
  readonly #recorder: EventRecorder;
  readonly #informer: Informer<Pod>;
  readonly #expectations: Expectations;

  constructor({ client, clock }: ComponentContext, recorder: EventRecorder, informer: Informer<Pod>) {
    this.#client = client;
    this.#recorder = recorder;
    this.#informer = informer;
    this.#expectations = new Expectations(clock);
  }

  /** Keeps up with the cache; the returned function ends it. */
  listen(): () => void {
    const seen = (pod: Stored<Pod>) => this.#expectations.seen(controllerOf(pod)?.uid ?? '', pod);
    return this.#informer.on({
      added: seen,
      updated: seen,
      deleted: (pod) => this.#expectations.gone(controllerOf(pod)?.uid ?? '', pod),
    });
  }

  /** Milliseconds to wait at most until the cache shows what was written for the owner; 0 when it does. */
  waitMs({ metadata }: Stored<KubeObject>): number {
    return this.#expectations.waitMs(metadata.uid);
  }

  /** Nothing is made in a namespace that is going: that is no failure. */
  async create(owner: Stored<KubeObject>, pod: Pod, signal: AbortSignal): Promise<void> {
    try {
      const created = await this.#client.create(pods, pod, { signal });
      this.#expectations.created(owner.metadata.uid, created, this.#informer.byKey(keyOf(created)));
      this.#recorder.event(owner, 'Normal', 'SuccessfulCreate', `Created pod: ${created.metadata.name}`);
    } catch (error) {
      if (signal.aborted) throw error;
      if (isNamespaceTerminating(error)) return;
      this.#recorder.event(owner, 'Warning', 'FailedCreate', `Error creating: ${errorMessage(error)}`);
      throw error;
    }
  }

  /** A pod that is gone already is as good as deleted, and not told of. */
  async delete(owner: Stored<KubeObject>, pod: Stored<Pod>, signal: AbortSignal): Promise<void> {
    const { namespace, name, uid } = pod.metadata;
    try {
      await this.#client.delete(pods, { namespace, name }, { preconditions: { uid }, signal });
    } catch (error) {
      if (isNotFound(error)) return;
      const text = errorMessage(error);
      if (!signal.aborted) this.#recorder.event(owner, 'Warning', 'FailedDelete', `Error deleting: ${text}`);
      throw new Error(`unable to delete pods: ${text}`, { cause: error });
    }
    this.#expectations.deleted(owner.metadata.uid, pod, this.#informer.byKey(keyOf(pod)));
    this.#recorder.event(owner, 'Normal', 'SuccessfulDelete', `Deleted pod: ${name}`);
  }
}
