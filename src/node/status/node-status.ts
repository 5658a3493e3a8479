import { type Clock, errorMessage, type Logger, type Random, sleep } from '../../base/index.ts';
import type { Client, EventRecorder } from '../../client/index.ts';
import {
  ANN_CONTROLLER_MANAGED_ATTACH,
  isAlreadyExists,
  isNotFound,
  type Node,
  nodes,
  type Stored,
} from '../../kube/index.ts';
import {
  type NodeEvent,
  nodeReference,
  registrationEvents,
  schedulableEvents,
  statusEvents,
} from './node-events.ts';
import { keepLease } from './node-lease.ts';
import {
  type NodeFacts,
  nodeAnnotations,
  nodeLabels,
  nodeObject,
  nodeStatus,
  statusDiffers,
} from './node-object.ts';

/** The kubelet's nodeStatusUpdateFrequency: how often the status is compared with the server's. */
const COMPARE_MS = 10_000;
/** The kubelet's nodeStatusReportFrequency: how often a status is written that has not changed. */
const REPORT_MS = 300_000;
const REGISTER_RETRY_MS = { first: 100, most: 7_000 };

export interface NodeStatusOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly recorder: EventRecorder;
  readonly facts: () => Promise<NodeFacts>;
  /** How long its lease is good for. @default 40 */
  readonly leaseSeconds?: number;
}

/** Registers the node and keeps saying that it lives. What others write to the Node it leaves alone. */
export class NodeStatusReporter {
  readonly #options: NodeStatusOptions;
  readonly #registered = Promise.withResolvers<Stored<Node>>();
  #node: Stored<Node> | undefined;
  #isStartTold = false;
  #isUnschedulable = false;

  constructor(options: NodeStatusOptions) {
    this.#options = options;
  }

  /** Resolves with the Node as first registered. */
  get registered(): Promise<Stored<Node>> {
    return this.#registered.promise;
  }

  /** Reports until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    await this.#registerUntil(signal);
    if (signal.aborted) return;
    const lease = keepLease(this.#options, () => this.#node!, signal);
    let reportedMs = clock.monotonic();
    while (!signal.aborted) {
      await sleep(clock, COMPARE_MS, signal).catch(() => undefined);
      if (signal.aborted) break;
      try {
        if (await this.#report(clock.monotonic() - reportedMs >= REPORT_MS)) reportedMs = clock.monotonic();
      } catch (error) {
        log.warn('cannot report the status of the node', { error: errorMessage(error) });
      }
    }
    await lease;
  }

  async #registerUntil(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    for (let delayMs = REGISTER_RETRY_MS.first; !signal.aborted; ) {
      try {
        this.#node = await this.#register();
        this.#registered.resolve(this.#node);
        return;
      } catch (error) {
        log.warn('cannot register the node; trying again', { error: errorMessage(error) });
      }
      await sleep(clock, delayMs, signal).catch(() => undefined);
      delayMs = Math.min(2 * delayMs, REGISTER_RETRY_MS.most);
    }
  }

  async #register(): Promise<Stored<Node>> {
    const { client, facts } = this.#options;
    const now = await facts();
    try {
      const created = await client.create(nodes, nodeObject(now));
      this.#tellStart(now);
      // A server that takes no status with a new object wants it afterwards.
      return created.status?.nodeInfo ? created : await this.#patchStatus(now, created);
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
    // It was here before: its labels may have been changed, its status is from another life.
    const metadata = {
      labels: nodeLabels(now),
      // A node that attaches for itself now may have been another.
      annotations: { [ANN_CONTROLLER_MANAGED_ATTACH]: null, ...nodeAnnotations(now) },
    };
    const node = await client.patch(nodes, { name: now.name }, { type: 'merge', body: { metadata } });
    this.#tellStart(now);
    return await this.#patchStatus(now, node);
  }

  /** Writes the status if it is due, or differs from the server's: the control plane may have given the node up. */
  async #report(isDue: boolean): Promise<boolean> {
    const { client, facts } = this.#options;
    const now = await facts();
    try {
      const node = await client.get(nodes, { name: now.name });
      this.#noteSchedulable(node);
      if (!isDue && !statusDiffers(nodeStatus(now, node.status), node.status)) return false;
      this.#node = await this.#patchStatus(now, node);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      this.#node = await this.#register();
    }
    return true;
  }

  /** Conditions and addresses are merged by type: those of other owners stay, and so do the volumes in use. */
  async #patchStatus(facts: NodeFacts, node: Stored<Node>): Promise<Stored<Node>> {
    const status = nodeStatus(facts, node.status);
    const patch = { type: 'strategic', body: { status } } as const;
    const patched = await this.#options.client.patch(nodes, { name: facts.name }, patch, {
      subresource: 'status',
    });
    this.#tell(facts.name, statusEvents(facts.name, node.status, status));
    return patched;
  }

  #tellStart(facts: NodeFacts): void {
    if (this.#isStartTold) return;
    this.#isStartTold = true;
    this.#tell(facts.name, registrationEvents(facts.name, nodeStatus(facts, undefined)));
  }

  #noteSchedulable({ metadata: { name }, spec }: Stored<Node>): void {
    const now = spec?.unschedulable ?? false;
    this.#tell(name, schedulableEvents(name, this.#isUnschedulable, now));
    this.#isUnschedulable = now;
  }

  #tell(name: string, told: readonly NodeEvent[]): void {
    for (const { type, reason, message } of told)
      this.#options.recorder.event(nodeReference(name), type, reason, message);
  }
}
