import { type Clock, errorMessage, type Logger, type Timer } from '../../base/index.ts';
import type { Client, Informer } from '../../client/index.ts';
import { type Node, nodes } from '../../kube/index.ts';
import type { UniqueVolumeName } from '../../volume/index.ts';

export interface VolumesInUseOptions {
  readonly client: Client;
  readonly nodes: Informer<Node>;
  readonly nodeName: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** What the status must say, sorted. */
  wanted(): readonly UniqueVolumeName[];
  /** Called once the server has it, and again with the same: what is wished for may have changed. */
  reported(names: ReadonlySet<UniqueVolumeName>): void;
}

const RETRY_AFTER_MS = 500;

/** Keeps node.status.volumesInUse equal to what is in use, so that nobody detaches it. */
export class VolumesInUse {
  readonly #options: VolumesInUseOptions;
  #running: Promise<void> | undefined;
  #again = false;
  #retry: Timer | undefined;
  /** What the server holds, as far as is known. */
  #known: readonly string[] | undefined;
  /** Seen while writing: looked at afterwards. */
  #seen: Node | undefined;

  constructor(options: VolumesInUseOptions) {
    this.#options = options;
  }

  /** Looks whether something has to be written; cheap when nothing has. */
  sync(signal: AbortSignal): void {
    if (signal.aborted) return;
    if (this.#running) {
      this.#again = true;
      return;
    }
    if (this.#known !== undefined && same(this.#known, this.#options.wanted())) {
      // A volume that was in use before its pod came is reported already.
      this.#options.reported(new Set(this.#known));
      return;
    }
    this.#running = this.#write(signal).finally(() => {
      this.#running = undefined;
      const seen = this.#seen;
      this.#seen = undefined;
      const again = this.#again;
      this.#again = false;
      if (seen) this.nodeChanged(seen, signal);
      else if (again) this.sync(signal);
    });
  }

  /** Another writer may have replaced the whole status. */
  nodeChanged(node: Node, signal: AbortSignal): void {
    if (this.#running) {
      this.#seen = node;
      return;
    }
    this.#known = [...(node.status?.volumesInUse ?? [])].sort();
    this.sync(signal);
  }

  async stopped(): Promise<void> {
    this.#retry?.cancel();
    await this.#running;
  }

  async #write(signal: AbortSignal): Promise<void> {
    const { client, nodeName, wanted, reported, log, clock } = this.#options;
    if (!this.#options.nodes.get(nodeName)) return; // its arrival calls nodeChanged
    const names = wanted();
    try {
      const patch = { type: 'merge' as const, body: { status: { volumesInUse: names } } };
      await client.patch(nodes, { name: nodeName }, patch, { subresource: 'status', signal });
      this.#known = names;
      reported(new Set(names));
    } catch (error) {
      if (signal.aborted) return;
      log.warn('node.status.volumesInUse could not be written; trying again', { error: errorMessage(error) });
      this.#retry?.cancel();
      this.#retry = clock.after(RETRY_AFTER_MS, () => this.sync(signal), { unref: true });
    }
  }
}

function same(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((value, index) => value === b[index]);
}
