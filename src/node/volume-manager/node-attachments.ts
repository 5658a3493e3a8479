import { type Clock, errorMessage, type Logger } from '../../base/index.ts';
import type { Client } from '../../client/index.ts';
import { isNotFound, type Node, nodes, type Stored } from '../../kube/index.ts';

/** When the node's status could not be read, it is tried again after this. */
const RETRY_MS = 1_000;

export interface NodeAttachmentsOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  readonly nodeName: string;
  /** Called once, with the node as it is on the server. */
  read(node: Stored<Node>): void;
  /** Has `ask` called again. */
  wake(): void;
}

/** Whether volumes found on disk are attached is only known from the node's status on the server: read once, however long it takes. */
export class NodeAttachments {
  readonly #options: NodeAttachmentsOptions;
  #known = false;
  #reading = false;

  constructor(options: NodeAttachmentsOptions) {
    this.#options = options;
  }

  get known(): boolean {
    return this.#known;
  }

  ask(signal: AbortSignal): void {
    if (this.#known || this.#reading) return;
    this.#reading = true;
    void this.#ask(signal).finally(() => {
      this.#reading = false;
    });
  }

  async #ask(signal: AbortSignal): Promise<void> {
    const { client, clock, log, nodeName, read, wake } = this.#options;
    try {
      const node = await client.get(nodes, { name: nodeName }, { signal });
      read(node);
      this.#known = true;
      wake();
    } catch (error) {
      // Not registered yet: its arrival asks again.
      if (isNotFound(error) || signal.aborted) return;
      log.warn('the status of this node could not be read', { error: errorMessage(error) });
      clock.after(RETRY_MS, wake, { unref: true });
    }
  }
}
