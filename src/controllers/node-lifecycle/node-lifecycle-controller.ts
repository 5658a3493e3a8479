import { errorMessage, sleep } from '../../base/index.ts';
import {
  type Component,
  type ComponentContext,
  Controller,
  type EventRecorder,
  runControllers,
} from '../../client/index.ts';
import {
  isConflict,
  isNotFound,
  joinKey,
  keyOf,
  leases,
  type Node,
  type NodeCondition,
  nodes,
  pods,
  type Stored,
} from '../../kube/index.ts';
import { readyCondition } from './conditions.ts';
import { isSilent, type NodeHealth, observe } from './health.ts';
import { labelsToSet } from './labels.ts';
import { NodeWriter } from './node-writer.ts';
import { markPodsNotReady } from './pods-not-ready.ts';
import { noScheduleChange } from './taints.ts';
import { ZoneEvictions } from './zone-evictions.ts';
import { isExcludedFromDisruption, zoneOf } from './zones.ts';

/** Defaults are upstream's; durations are milliseconds, rates nodes per second. */
export interface NodeLifecycleOptions {
  /** How often all nodes are looked at (--node-monitor-period). @default 5000 */
  readonly monitorPeriodMs?: number;
  /** How long a node may be silent (--node-monitor-grace-period). @default 50000 */
  readonly monitorGraceMs?: number;
  /** How long a node that never spoke may be silent (--node-startup-grace-period). @default 60000 */
  readonly startupGraceMs?: number;
  /** (--node-eviction-rate) @default 0.1 */
  readonly evictionRate?: number;
  /** (--secondary-node-eviction-rate) @default 0.01 */
  readonly secondaryEvictionRate?: number;
  /** (--large-cluster-size-threshold) @default 50 */
  readonly largeCluster?: number;
  /** (--unhealthy-zone-threshold) @default 0.55 */
  readonly unhealthyZoneThreshold?: number;
}

const LEASES = 'kube-node-lease';
const BY_NODE = 'node-lifecycle/node';
/** How often the write of an Unknown is tried again at once, when the node turns out to be changed. */
const HEALTH_TRIES = 5;
/** Nodes looked at side by side. */
const WORKERS = 8;

/** Watches over nodes: says which are lost, keeps new pods off them and, slowly, has the old ones evicted. */
export function createNodeLifecycleController(
  context: ComponentContext,
  options: NodeLifecycleOptions = {},
): Component {
  return new NodeLifecycleController(context, options);
}

class NodeLifecycleController implements Component {
  readonly name = 'node-lifecycle-controller';
  readonly #context: ComponentContext;
  readonly #options: Required<NodeLifecycleOptions>;
  readonly #recorder: EventRecorder;
  readonly #writer: NodeWriter;
  readonly #informers;
  readonly #health = new Map<string, NodeHealth>();
  readonly #known = new Map<string, Stored<Node>>();
  readonly #evictions: ZoneEvictions;
  /** Nodes whose pods could not all be marked. */
  readonly #unmarked = new Set<string>();
  readonly #nodeQueue: Controller;
  readonly #podQueue: Controller;

  constructor(context: ComponentContext, options: NodeLifecycleOptions) {
    this.#context = context;
    this.#options = {
      monitorPeriodMs: 5_000,
      monitorGraceMs: 50_000,
      startupGraceMs: 60_000,
      evictionRate: 0.1,
      secondaryEvictionRate: 0.01,
      largeCluster: 50,
      unhealthyZoneThreshold: 0.55,
      ...options,
    };
    const { informers, clock, log } = context;
    this.#recorder = context.recorder('node-controller');
    this.#writer = new NodeWriter(context);
    this.#informers = {
      nodes: informers.of(nodes),
      leases: informers.of(leases),
      pods: informers
        .of(pods)
        .addIndex(BY_NODE, ({ spec }) => (spec?.nodeName !== undefined ? [spec.nodeName] : [])),
    };
    const queue = (
      what: string,
      reconcile: (key: string, signal: AbortSignal) => Promise<number | undefined>,
    ) => new Controller({ name: `${this.name} ${what}`, clock, log, reconcile });
    this.#nodeQueue = queue('node', (key, signal) => this.#reconcileNode(key, signal));
    this.#podQueue = queue('pod', (key, signal) => this.#reconcilePod(key, signal));
    this.#evictions = new ZoneEvictions(context, this.name, this.#writer, this.#options);
  }

  start(signal: AbortSignal): Promise<void> {
    const monitor = { run: (signal: AbortSignal) => this.#monitor(signal) };
    return runControllers(signal, {
      informers: this.#informers,
      listen: () => this.#listen(),
      loops: [this.#nodeQueue, this.#podQueue, this.#evictions, monitor],
    });
  }

  #listen(): (() => void)[] {
    const nodeChanged = (node: Stored<Node>) => this.#nodeQueue.enqueue(keyOf(node));
    return [
      this.#informers.nodes.on({ added: nodeChanged, updated: nodeChanged }),
      this.#informers.pods.on({
        added: (pod) => {
          if (pod.spec?.nodeName) this.#podQueue.enqueue(keyOf(pod));
        },
        updated: (pod, previous) => {
          if (pod.spec?.nodeName && pod.spec.nodeName !== previous.spec?.nodeName) {
            this.#podQueue.enqueue(keyOf(pod));
          }
        },
      }),
    ];
  }

  async #reconcileNode(key: string, signal: AbortSignal): Promise<undefined> {
    const node = this.#informers.nodes.byKey(key);
    if (!node) return;
    const change = noScheduleChange(node);
    const fits = change.add.length === 0 && change.remove.length === 0;
    const current = fits ? node : await this.#writer.changeTaints(node, change, signal);
    const labels = labelsToSet(current);
    if (Object.keys(labels).length > 0) await this.#writer.setLabels(current, labels, signal);
  }

  /** A pod that is only now seen on a node that is already known not to be ready. */
  async #reconcilePod(key: string, signal: AbortSignal): Promise<undefined> {
    const pod = this.#informers.pods.byKey(key);
    const ready = this.#health.get(pod?.spec?.nodeName ?? '')?.ready;
    if (!pod || !ready || ready.status === 'True') return;
    await markPodsNotReady({ ...this.#context, recorder: this.#recorder }, [pod], signal);
  }

  async #monitor(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#context;
    while (!signal.aborted) {
      try {
        await this.#lookAtNodes(signal);
      } catch (error) {
        if (!signal.aborted) log.warn('nodes could not be looked at', { error: errorMessage(error) });
      }
      await sleep(clock, this.#options.monitorPeriodMs, signal).catch(() => undefined);
    }
  }

  async #lookAtNodes(signal: AbortSignal): Promise<void> {
    const all = [...this.#informers.nodes.values()];
    await this.#noteComings(all, signal);
    const zones = new Map<string, (NodeCondition | undefined)[]>();
    const left = all.values();
    const work = async () => {
      for (const node of left) {
        const ready = await this.#lookAtNode(node, signal);
        if (ready === 'unsure' || isExcludedFromDisruption(node)) continue;
        const zone = zoneOf(node);
        const known = zones.get(zone);
        if (known) known.push(ready);
        else zones.set(zone, [ready]);
      }
    };
    await Promise.all(Array.from({ length: WORKERS }, work));
    if (signal.aborted) return;
    const disruption = await this.#evictions.look(zones, all, signal);
    if (disruption === 'leave') {
      const nowMs = this.#context.clock.monotonic();
      for (const [name, health] of this.#health) this.#health.set(name, { ...health, heardMs: nowMs });
    }
  }

  async #noteComings(all: readonly Stored<Node>[], signal: AbortSignal): Promise<void> {
    const names = new Set(all.map(({ metadata }) => metadata.name));
    for (const [name, node] of this.#known) {
      if (names.has(name)) continue;
      this.#known.delete(name);
      this.#health.delete(name);
      this.#unmarked.delete(name);
      this.#nodeEvent(node, 'RemovingNode', `Removing Node ${name} from Controller`);
    }
    for (const node of all) {
      const { name } = node.metadata;
      this.#evictions.addZone(zoneOf(node));
      if (this.#known.has(name)) continue;
      this.#known.set(name, node);
      this.#nodeEvent(node, 'RegisteredNode', `Registered Node ${name} in Controller`);
      await this.#evictions.markReachable(node, signal);
    }
  }

  #nodeEvent(node: Stored<Node>, reason: string, text: string): void {
    const { name } = node.metadata;
    this.#recorder.event(nodeReference(node), 'Normal', reason, `Node ${name} event: ${text}`);
  }

  /** The node's Ready condition as it is after the look; 'unsure' when that could not be found out. */
  async #lookAtNode(node: Stored<Node>, signal: AbortSignal): Promise<NodeCondition | undefined | 'unsure'> {
    const { name } = node.metadata;
    try {
      const { before, after } = await this.#updateHealth(node, signal);
      const ready = readyCondition(after);
      if (!ready) return undefined;
      await this.#evictions.adjust(after, ready, signal);
      const lost = ready.status !== 'True' && before?.status === 'True';
      if (lost) {
        const text = `Node ${name} status is now: NodeNotReady`;
        this.#recorder.event(nodeReference(node), 'Normal', 'NodeNotReady', text);
      }
      if (lost || (this.#unmarked.has(name) && ready.status !== 'True')) {
        this.#unmarked.add(name);
        const onNode = this.#informers.pods.byIndex(BY_NODE, name);
        await markPodsNotReady({ ...this.#context, recorder: this.#recorder }, onNode, signal);
      }
      this.#unmarked.delete(name);
      return ready;
    } catch (error) {
      if (!signal.aborted) {
        this.#context.log.warn('a node could not be looked at; nothing is evicted for now', {
          node: name,
          error: errorMessage(error),
        });
      }
      return this.#health.get(name)?.ready ?? 'unsure';
    }
  }

  /** Looks at status and lease; writes Unknown when the node has been silent for too long. */
  async #updateHealth(
    node: Stored<Node>,
    signal: AbortSignal,
  ): Promise<{ before: NodeCondition | undefined; after: Stored<Node> }> {
    const { client, clock } = this.#context;
    const { name } = node.metadata;
    for (let tries = 1, fresh = node; ; tries++) {
      const lease = this.#informers.leases.byKey(joinKey(LEASES, name));
      const instant = { monotonicMs: clock.monotonic(), epochMs: clock.now() };
      const health = observe(this.#health.get(name), fresh, lease, instant);
      this.#health.set(name, health);
      const before = readyCondition(fresh);
      const { startupGraceMs, monitorGraceMs } = this.#options;
      const grace = { startupMs: startupGraceMs, monitorMs: monitorGraceMs };
      if (!isSilent(health, grace, instant.monotonicMs) || before?.status === 'Unknown') {
        return { before, after: fresh };
      }
      try {
        const after = await this.#writer.markUnknown(fresh, signal);
        this.#health.set(name, { ...health, ready: readyCondition(after) });
        return { before, after };
      } catch (error) {
        if (isNotFound(error) || !isConflict(error) || tries >= HEALTH_TRIES) throw error;
        fresh = await client.get(nodes, { name }, { signal });
      }
    }
  }
}

/** Events of nodes refer to them without a version, so that repeats are counted together. */
function nodeReference({ metadata: { name, uid } }: Stored<Node>) {
  return { apiVersion: 'v1', kind: 'Node', name, uid };
}
