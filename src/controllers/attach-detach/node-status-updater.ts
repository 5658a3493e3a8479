import { errorMessage, InTurn, type Logger } from '../../base/index.ts';
import type { Client } from '../../client/index.ts';
import { isNotFound, nodes } from '../../kube/index.ts';
import type { ActualStateOfWorld } from './actual-state-of-world.ts';

/** Writes node.status.volumesAttached: by it a node knows which volumes it may mount. */
export class NodeStatusUpdater {
  readonly #client: Client;
  readonly #actual: ActualStateOfWorld;
  readonly #log: Logger;
  /** A node's writes follow one another, so an older list never overtakes a newer. */
  readonly #writes = new InTurn();

  constructor(client: Client, actual: ActualStateOfWorld, log: Logger) {
    this.#client = client;
    this.#actual = actual;
    this.#log = log;
  }

  /** Writes all nodes whose list has changed. Failures are logged; their lists stay marked as changed. */
  async updateAll(): Promise<void> {
    await Promise.all(
      this.#actual.staleReports().map((nodeName) =>
        this.update(nodeName).catch((error) =>
          this.#log.warn('volumesAttached of a node could not be written; trying again', {
            node: nodeName,
            error: errorMessage(error),
          }),
        ),
      ),
    );
  }

  /** Resolves when the node's status says what it should; also when there is no such node. */
  update(nodeName: string): Promise<void> {
    return this.#writes.run(nodeName, () => this.#write(nodeName));
  }

  /** Whether a write of the node's status is on its way. */
  isWriting(nodeName: string): boolean {
    return this.#writes.isBusy(nodeName);
  }

  async #write(nodeName: string): Promise<void> {
    const volumesAttached = this.#actual.takeReport(nodeName);
    if (!volumesAttached) return;
    try {
      await this.#client.patch(
        nodes,
        { name: nodeName },
        // An empty list is left out, as an encoder of the Go type does.
        {
          type: 'merge',
          body: { status: { volumesAttached: volumesAttached.length > 0 ? volumesAttached : null } },
        },
        { subresource: 'status' },
      );
    } catch (error) {
      // A node that is gone has no status; should it return, its arrival marks the list as changed.
      if (isNotFound(error)) return;
      this.#actual.setReportStale(nodeName);
      throw error;
    }
  }
}
