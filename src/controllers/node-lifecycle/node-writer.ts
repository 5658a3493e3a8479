import { rfc3339 } from '../../base/index.ts';
import type { Client } from '../../client/index.ts';
import { isConflict, type Node, nodes, type Stored } from '../../kube/index.ts';
import { unknownConditions } from './conditions.ts';
import { changedTaints, type TaintChange } from './taints.ts';

/** How often a write that meets another's is tried again, on the node as it is then. */
const TRIES = 5;

export interface NodeWriterOptions {
  readonly client: Client;
  readonly clock: { now(): number };
}

/** Writes what this controller has decided about nodes, over whatever else is written to them meanwhile. */
export class NodeWriter {
  readonly #client: Client;
  readonly #clock: { now(): number };

  constructor({ client, clock }: NodeWriterOptions) {
    this.#client = client;
    this.#clock = clock;
  }

  /** The node with its taints changed; as it was when it has them. */
  changeTaints(node: Stored<Node>, change: TaintChange, signal: AbortSignal): Promise<Stored<Node>> {
    return this.#onFresh(node, async (fresh) => {
      const taints = changedTaints(fresh.spec?.taints, change, rfc3339(this.#clock.now()));
      if (!taints) return fresh;
      return await this.#patch(fresh, { spec: { taints: taints.length > 0 ? taints : null } }, signal);
    });
  }

  setLabels(node: Stored<Node>, labels: Readonly<Record<string, string>>, signal: AbortSignal) {
    return this.#client.patch(
      nodes,
      { name: node.metadata.name },
      { type: 'merge', body: { metadata: { uid: node.metadata.uid, labels } } },
      { signal },
    );
  }

  /** Writes that nothing is known of the node any more. Conflicts are the caller's: the node may just have spoken. */
  markUnknown(node: Stored<Node>, signal: AbortSignal): Promise<Stored<Node>> {
    const conditions = unknownConditions(node, rfc3339(this.#clock.now()));
    return this.#patch(node, { status: { conditions } }, signal, 'status');
  }

  async #onFresh(
    node: Stored<Node>,
    write: (node: Stored<Node>) => Promise<Stored<Node>>,
  ): Promise<Stored<Node>> {
    for (let tries = 1, fresh = node; ; tries++) {
      try {
        return await write(fresh);
      } catch (error) {
        if (!isConflict(error) || tries >= TRIES) throw error;
        fresh = await this.#client.get(nodes, { name: node.metadata.name });
        if (fresh.metadata.uid !== node.metadata.uid) throw error;
      }
    }
  }

  #patch(
    { metadata: { name, uid, resourceVersion } }: Stored<Node>,
    change: object,
    signal: AbortSignal,
    subresource?: string,
  ): Promise<Stored<Node>> {
    const body = { ...change, metadata: { uid, resourceVersion } };
    return this.#client.patch(nodes, { name }, { type: 'merge', body }, { subresource, signal });
  }
}
