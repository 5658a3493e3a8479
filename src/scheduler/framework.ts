import { errorMessage } from '../base/index.ts';
import { type CycleState, stateKey } from './cycle-state.ts';
import type { Diagnosis, NodeStatuses } from './fit-error.ts';
import type { NodeInfo } from './node-info.ts';
import type { Nominator } from './nominator.ts';
import {
  type ConfiguredPlugin,
  MAX_NODE_SCORE,
  type NodeSubset,
  type Plugin,
  type PostFilterResult,
  type Trial,
} from './plugin.ts';
import type { PodInfo } from './pod-info.ts';
import { type Rejection, SKIP, unresolvable } from './status.ts';

/** What is left to ask of the nodes once the pod itself has passed. */
export interface FilterPlan {
  /** The nodes in question; all when absent. */
  readonly nodeNames?: ReadonlySet<string>;
  /** The plugins that narrowed them down, by name. */
  readonly narrowedBy: readonly string[];
}

/** The plugins whose filters have a say about the pod. */
const activeFilters = stateKey<readonly Plugin[]>('filters');
const NO_FILTERS: readonly Plugin[] = [];

/** Runs the extension points over the plugins in their order, and says in errors which plugin failed where. */
export class Framework implements Trial {
  readonly plugins: readonly ConfiguredPlugin[];
  readonly #nominator: Nominator;
  readonly #scorers: readonly ConfiguredPlugin[];
  readonly #preBinders: readonly Plugin[];

  constructor(plugins: readonly ConfiguredPlugin[], nominator: Nominator) {
    this.plugins = plugins;
    this.#nominator = nominator;
    this.#scorers = plugins.filter(({ plugin }) => plugin.score);
    this.#preBinders = plugins.map(({ plugin }) => plugin).filter(({ preBind }) => preBind);
  }

  /** The plugin that holds the pod back from the queue, if one does. */
  gate(pod: PodInfo): string | undefined {
    return this.plugins.find(({ plugin }) => plugin.preEnqueue?.(pod) !== undefined)?.plugin.name;
  }

  /** A plan, or the refusal of the whole pod, told to the diagnosis. */
  preFilter(
    state: CycleState,
    pod: PodInfo,
    nodes: readonly NodeInfo[],
    diagnosis: Diagnosis,
  ): FilterPlan | Rejection {
    const filters: Plugin[] = [];
    state.write(activeFilters, filters);
    const narrowedBy: string[] = [];
    let nodeNames: ReadonlySet<string> | undefined;
    let refusal: Rejection | undefined;
    for (const { plugin } of this.plugins) {
      const outcome = attempt(`running PreFilter plugin "${plugin.name}"`, () =>
        plugin.preFilter?.(state, pod, nodes),
      );
      if (outcome === SKIP) continue;
      if (plugin.filter) filters.push(plugin);
      if (outcome === undefined) continue;
      if ('code' in outcome) {
        diagnosis.rejectors.add(plugin.name);
        if (outcome.code === 'UnschedulableAndUnresolvable') return outcome;
        // Taking pods away may help later in this cycle, so the others must have prepared themselves too.
        refusal = outcome;
        continue;
      }
      narrowedBy.push(plugin.name);
      nodeNames = intersect(nodeNames, outcome);
      if (nodeNames.size === 0) {
        for (const name of narrowedBy) diagnosis.rejectors.add(name);
        return unresolvable(nothingLeft(narrowedBy));
      }
    }
    for (const name of narrowedBy) diagnosis.rejectors.add(name);
    return refusal ?? { nodeNames, narrowedBy: narrowedBy.sort() };
  }

  /**
   * Why the node is no place for the pod; `undefined` when it is one. A node that is promised to pods that go before
   * this one must have room beside them, and must do without them too: they may end up elsewhere.
   */
  filter(state: CycleState, pod: PodInfo, node: NodeInfo, rejectors?: Set<string>): Rejection | undefined {
    if (this.#nominator.isAny(node.name)) {
      const promised = [...this.#nominator.on(node.name)].filter(
        (other) => other.priority >= pod.priority && other.uid !== pod.uid && !node.pods.has(other.uid),
      );
      if (promised.length > 0) {
        const [stateWith, nodeWith] = [state.clone(), node.clone()];
        for (const other of promised) this.add(stateWith, pod, other, nodeWith);
        const rejection = this.#filterOnce(stateWith, pod, nodeWith, rejectors);
        if (rejection) return rejection;
      }
    }
    return this.#filterOnce(state, pod, node, rejectors);
  }

  #filterOnce(
    state: CycleState,
    pod: PodInfo,
    node: NodeInfo,
    rejectors: Set<string> | undefined,
  ): Rejection | undefined {
    for (const plugin of state.read(activeFilters) ?? NO_FILTERS) {
      let rejection: Rejection | undefined;
      try {
        rejection = plugin.filter!(state, pod, node);
      } catch (error) {
        throw new Error(`running "${plugin.name}" filter plugin: ${errorMessage(error)}`, { cause: error });
      }
      if (rejection) {
        rejectors?.add(plugin.name);
        return rejection;
      }
    }
    return undefined;
  }

  add(state: CycleState, pod: PodInfo, added: PodInfo, node: NodeInfo): void {
    node.add(added);
    for (const plugin of state.read(activeFilters) ?? NO_FILTERS) plugin.addPod?.(state, pod, added, node);
  }

  remove(state: CycleState, pod: PodInfo, removed: PodInfo, node: NodeInfo): void {
    node.remove(removed.uid);
    for (const plugin of state.read(activeFilters) ?? NO_FILTERS)
      plugin.removePod?.(state, pod, removed, node);
  }

  /** The first plugin that can promise a node does; otherwise all that they say. One that fails has the last word. */
  postFilter(state: CycleState, pod: PodInfo, statuses: NodeStatuses): PostFilterResult {
    const messages: string[] = [];
    let nominate: string | undefined;
    for (const { plugin } of this.plugins) {
      let result: PostFilterResult | undefined;
      try {
        result = plugin.postFilter?.(state, pod, statuses, this);
      } catch (error) {
        return { message: errorMessage(error) };
      }
      if (result?.nominate) return result;
      nominate = result?.nominate ?? nominate;
      if (result?.message) messages.push(result.message);
    }
    return { nominate, message: messages.join(', ') || undefined };
  }

  /** The weighted sum of all scores, node by node. */
  score(state: CycleState, pod: PodInfo, nodes: readonly NodeInfo[]): number[] {
    const totals = new Array<number>(nodes.length).fill(0);
    for (const { plugin, weight = 1 } of this.#scorers) {
      const skipped = attempt(`running PreScore plugin "${plugin.name}"`, () =>
        plugin.preScore?.(state, pod, nodes),
      );
      if (skipped === SKIP) continue;
      attempt(`running Score plugins: plugin "${plugin.name}" failed with`, () => {
        const scores = new Array<number>(nodes.length);
        for (let i = 0; i < nodes.length; i++) scores[i] = plugin.score!(state, pod, nodes[i]!);
        plugin.normalize?.(scores, state, nodes);
        for (let i = 0; i < scores.length; i++) {
          const score = scores[i]!;
          if (!(score >= 0 && score <= MAX_NODE_SCORE)) {
            throw new Error(`an invalid score ${score}, it should be in the range of [0, ${MAX_NODE_SCORE}]`);
          }
          totals[i]! += score * weight;
        }
      });
    }
    return totals;
  }

  reserve(state: CycleState, pod: PodInfo, nodeName: string, rejectors: Set<string>): Rejection | undefined {
    for (const { plugin } of this.plugins) {
      const rejection = attempt(`running Reserve plugin "${plugin.name}"`, () =>
        plugin.reserve?.(state, pod, nodeName),
      );
      if (rejection) {
        rejectors.add(plugin.name);
        return rejection;
      }
    }
    return undefined;
  }

  unreserve(state: CycleState, pod: PodInfo, nodeName: string): void {
    for (const { plugin } of this.plugins.toReversed()) plugin.unreserve?.(state, pod, nodeName);
  }

  /** The plugins that have something to do before the pod may be bound. */
  preBinders(state: CycleState, pod: PodInfo, nodeName: string): readonly Plugin[] {
    return this.#preBinders.filter(
      (plugin) =>
        attempt(`running PreBindPreFlight "${plugin.name}"`, () =>
          plugin.preBindPreFlight?.(state, pod, nodeName),
        ) !== SKIP,
    );
  }

  async preBind(
    plugins: readonly Plugin[],
    state: CycleState,
    pod: PodInfo,
    nodeName: string,
    signal: AbortSignal,
  ): Promise<void> {
    for (const plugin of plugins) {
      try {
        await plugin.preBind!(state, pod, nodeName, signal);
      } catch (error) {
        throw new Error(`running PreBind plugin "${plugin.name}": ${errorMessage(error)}`, { cause: error });
      }
    }
  }

  async bind(state: CycleState, pod: PodInfo, nodeName: string, signal: AbortSignal): Promise<void> {
    const binder = this.plugins.find(({ plugin }) => plugin.bind)?.plugin;
    if (!binder) throw new Error(`no plugin binds pods, so ${pod.key} cannot be bound to ${nodeName}`);
    try {
      await binder.bind!(state, pod, nodeName, signal);
    } catch (error) {
      throw new Error(`running Bind plugin "${binder.name}": ${errorMessage(error)}`, { cause: error });
    }
  }
}

function attempt<T>(what: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw new Error(`${what}: ${errorMessage(error)}`, { cause: error });
  }
}

function intersect(known: ReadonlySet<string> | undefined, { nodeNames }: NodeSubset): ReadonlySet<string> {
  return known === undefined ? nodeNames : new Set([...known].filter((name) => nodeNames.has(name)));
}

function nothingLeft(narrowedBy: readonly string[]): string {
  return narrowedBy.length === 1
    ? `node(s) didn't satisfy plugin ${narrowedBy[0]}`
    : `node(s) didn't satisfy plugin(s) [${[...narrowedBy].sort().join(' ')}] simultaneously`;
}
