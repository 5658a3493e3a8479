import { isDeepStrictEqual } from 'node:util';
import type { Client } from '../../client/index.ts';
import {
  isConflict,
  isNotFound,
  type Pod,
  type PodCondition,
  type PodStatus,
  pods,
  type Stored,
} from '../../kube/index.ts';

/** Writes one pod's status, only when it differs from what was written, and only the node's part of it. */
export class StatusWriter {
  readonly #client: Client;
  #written: PodStatus | undefined;
  #tail: Promise<void> = Promise.resolve();

  constructor(client: Client) {
    this.#client = client;
  }

  /** Resolves once the status is written, or the pod is found to be gone. */
  write(pod: Stored<Pod>, status: PodStatus): Promise<void> {
    const work = this.#tail.then(() => this.#write(pod, status));
    this.#tail = work.catch(() => undefined);
    return work;
  }

  async #write(pod: Stored<Pod>, status: PodStatus): Promise<void> {
    const wire = JSON.parse(JSON.stringify(status)) as PodStatus;
    if (isDeepStrictEqual(wire, this.#written)) return;
    const { namespace, name, uid } = pod.metadata;
    // Strategic: conditions of other owners stay. The uid keeps us from a pod of the same name that came after.
    const body = { metadata: { uid }, status: { ...wire, conditions: wire.conditions?.map(withNulls) } };
    try {
      await this.#client.patch(
        pods,
        { namespace, name },
        { type: 'strategic', body },
        { subresource: 'status' },
      );
    } catch (error) {
      // A conflict may be one of uids, or of writers: then the status is still to be written.
      if (!isNotFound(error) && !(isConflict(error) && (await this.#isGone(pod)))) throw error;
    }
    this.#written = wire;
  }

  async #isGone({ metadata: { namespace, name, uid } }: Stored<Pod>): Promise<boolean> {
    try {
      return (await this.#client.get(pods, { namespace, name })).metadata.uid !== uid;
    } catch (error) {
      if (isNotFound(error)) return true;
      throw error;
    }
  }
}

/** Conditions are merged by type: what is not named would stay as it was. */
function withNulls(condition: PodCondition): object {
  return { ...condition, reason: condition.reason ?? null, message: condition.message ?? null };
}
