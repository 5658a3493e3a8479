import { type ComponentContext, Controller, type Informer } from '../../client/index.ts';
import { type Node, type NodeCondition, nodes, type Stored } from '../../kube/index.ts';
import { readyCondition } from './conditions.ts';
import type { NodeWriter } from './node-writer.ts';
import { RateLimitedNames } from './rate-limited-names.ts';
import { hasTaint, NOT_READY, noExecuteChange, UNREACHABLE } from './taints.ts';
import { disruptionStep, type ZoneState, zoneOf, zoneState } from './zones.ts';

/** As NodeLifecycleOptions. */
export interface ZoneEvictionsOptions {
  readonly evictionRate: number;
  readonly secondaryEvictionRate: number;
  readonly largeCluster: number;
  readonly unhealthyZoneThreshold: number;
}

/**
 * Gives lost nodes the taints by which their pods are evicted: one node after another in each zone, the more slowly the
 * more of the zone is lost, and none while all are.
 */
export class ZoneEvictions {
  readonly #context: ComponentContext;
  readonly #writer: NodeWriter;
  readonly #options: ZoneEvictionsOptions;
  readonly #nodes: Informer<Node>;
  readonly #queue: Controller;
  /** The nodes of each zone that are to be tainted when their turn comes. */
  readonly #waiting = new Map<string, RateLimitedNames>();
  #states: ReadonlyMap<string, ZoneState> = new Map();

  constructor(context: ComponentContext, name: string, writer: NodeWriter, options: ZoneEvictionsOptions) {
    const { clock, log, informers } = context;
    this.#context = context;
    this.#writer = writer;
    this.#options = options;
    this.#nodes = informers.of(nodes);
    this.#queue = new Controller({
      name: `${name} zone`,
      clock,
      log,
      reconcile: (zone, signal) => this.#taintNodes(zone, signal),
    });
  }

  run(signal: AbortSignal): Promise<void> {
    return this.#queue.run(signal);
  }

  addZone(zone: string): void {
    if (!this.#waiting.has(zone)) this.#waiting.set(zone, new RateLimitedNames(this.#options.evictionRate));
  }

  /** A node that is tainted already changes its taint at once; a new one waits for its turn in its zone. */
  async adjust(node: Stored<Node>, ready: NodeCondition, signal: AbortSignal): Promise<void> {
    if (ready.status === 'True') return await this.markReachable(node, signal);
    const change = noExecuteChange(ready.status);
    if (change.remove.some((taint) => hasTaint(node, taint))) {
      await this.#writer.changeTaints(node, change, signal);
    } else if (!change.add.every((taint) => hasTaint(node, taint))) {
      const zone = zoneOf(node);
      this.#waiting.get(zone)?.add(node.metadata.name);
      this.#queue.enqueue(zone);
    }
  }

  async markReachable(node: Stored<Node>, signal: AbortSignal): Promise<void> {
    this.#waiting.get(zoneOf(node))?.remove(node.metadata.name);
    if (!hasTaint(node, NOT_READY) && !hasTaint(node, UNREACHABLE)) return;
    await this.#writer.changeTaints(node, noExecuteChange('True'), signal);
  }

  /**
   * Goes by how many nodes of each zone are lost now. Answers whether the whole cluster has just been lost or found
   * again, if so.
   */
  async look(
    zones: ReadonlyMap<string, readonly (NodeCondition | undefined)[]>,
    all: readonly Stored<Node>[],
    signal: AbortSignal,
  ): Promise<ReturnType<typeof disruptionStep>['masterDisruption']> {
    const { unhealthyZoneThreshold, evictionRate, secondaryEvictionRate, largeCluster } = this.#options;
    const { clock, log } = this.#context;
    const now = new Map(
      [...zones].map(([zone, ready]) => {
        const state = zoneState(ready, unhealthyZoneThreshold);
        return [zone, { state, size: ready.length }];
      }),
    );
    const step = disruptionStep(this.#states, now, {
      normal: evictionRate,
      secondary: secondaryEvictionRate,
      largeCluster,
    });
    this.#states = step.states;
    for (const [zone, rate] of step.rates) {
      this.#waiting.get(zone)?.setRate(rate, clock.monotonic());
      this.#queue.enqueue(zone);
    }
    if (step.masterDisruption === 'leave') {
      log.info('some nodes are ready again: nodes that are not may be evicted');
    }
    if (step.masterDisruption === 'enter') {
      log.info('no node is ready: nothing is evicted until one is');
      for (const node of all) await this.markReachable(node, signal);
    }
    return step.masterDisruption;
  }

  /** Taints the nodes of a zone whose turn has come; asks to be called when the next one's comes. */
  async #taintNodes(zone: string, signal: AbortSignal): Promise<number | undefined> {
    const { clock } = this.#context;
    const waiting = this.#waiting.get(zone);
    for (let name = waiting?.take(clock.monotonic()); name !== undefined; ) {
      const node = this.#nodes.byKey(name);
      const ready = readyCondition(node);
      if (node && ready && ready.status !== 'True') {
        await this.#writer.changeTaints(node, noExecuteChange(ready.status), signal);
      }
      waiting!.remove(name);
      name = waiting!.take(clock.monotonic());
    }
    return waiting?.waitMs(clock.monotonic());
  }
}
