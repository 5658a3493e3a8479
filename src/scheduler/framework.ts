import { errorMessage } from '../base/index.ts';
import type { CycleState } from './cycle-state.ts';
import type { Diagnosis, NodeStatuses } from './fit-error.ts';
import type { NodeInfo } from './node-info.ts';
import { type ConfiguredPlugin, MAX_NODE_SCORE, type NodeSubset, type Plugin } from './plugin.ts';
import type { PodInfo } from './pod-info.ts';
import { type Rejection, SKIP, unresolvable } from './status.ts';

/** What is left to ask of the nodes once the pod itself has passed. */
export interface FilterPlan {
  readonly filters: readonly Plugin[];
  /** The nodes in question; all when absent. */
  readonly nodeNames?: ReadonlySet<string>;
  /** The plugins that narrowed them down, by name. */
  readonly narrowedBy: readonly string[];
}

/** Runs the extension points over the plugins in their order, and says in errors which plugin failed where. */
export class Framework {
  readonly plugins: readonly ConfiguredPlugin[];

  constructor(plugins: readonly ConfiguredPlugin[]) {
    this.plugins = plugins;
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
    return refusal ?? { filters, nodeNames, narrowedBy: narrowedBy.sort() };
  }

  /** Why the node is no place for the pod; `undefined` when it is one. */
  filter(
    plan: FilterPlan,
    state: CycleState,
    pod: PodInfo,
    node: NodeInfo,
    rejectors: Set<string>,
  ): Rejection | undefined {
    for (const plugin of plan.filters) {
      let rejection: Rejection | undefined;
      try {
        rejection = plugin.filter!(state, pod, node);
      } catch (error) {
        throw new Error(`running "${plugin.name}" filter plugin: ${errorMessage(error)}`, { cause: error });
      }
      if (rejection) {
        rejectors.add(plugin.name);
        return rejection;
      }
    }
    return undefined;
  }

  /** What was tried for a pod that fits nowhere. */
  postFilter(state: CycleState, pod: PodInfo, statuses: NodeStatuses): string | undefined {
    const messages = this.plugins.map(({ plugin }) => plugin.postFilter?.(state, pod, statuses));
    return messages.filter((message) => message !== undefined).join(', ') || undefined;
  }

  /** The weighted sum of all scores, node by node. */
  score(state: CycleState, pod: PodInfo, nodes: readonly NodeInfo[]): number[] {
    const totals = new Array<number>(nodes.length).fill(0);
    for (const { plugin, weight = 1 } of this.plugins) {
      if (!plugin.score) continue;
      const skipped = attempt(`running PreScore plugin "${plugin.name}"`, () =>
        plugin.preScore?.(state, pod, nodes),
      );
      if (skipped === SKIP) continue;
      attempt(`running Score plugins: plugin "${plugin.name}" failed with`, () => {
        const scores = new Array<number>(nodes.length);
        for (let i = 0; i < nodes.length; i++) scores[i] = plugin.score!(state, pod, nodes[i]!);
        plugin.normalize?.(scores);
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

  async preBind(state: CycleState, pod: PodInfo, nodeName: string, signal: AbortSignal): Promise<void> {
    for (const { plugin } of this.plugins) {
      if (!plugin.preBind) continue;
      try {
        await plugin.preBind(state, pod, nodeName, signal);
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
