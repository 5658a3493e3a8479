import {
  fromLabelSelector,
  isBeingDeleted,
  matchesSelector,
  type Pod,
  type PodDisruptionBudget,
} from '../../../kube/index.ts';
import type { CycleState } from '../../cycle-state.ts';
import type { NodeInfo } from '../../node-info.ts';
import type { Trial } from '../../plugin.ts';
import type { PodInfo } from '../../pod-info.ts';
import { type Rejection, unresolvable } from '../../status.ts';

const NO_VICTIMS = unresolvable('No preemption victims found for incoming pod');

/** The pods that must leave a node for the preemptor, the most important first. */
export interface Victims {
  readonly nodeName: string;
  readonly pods: readonly PodInfo[];
  /** How many of them a disruption budget would have kept. */
  readonly violations: number;
}

/**
 * The fewest pods of lower priority without which the pod fits on the node: all are taken away, then as many as
 * possible let back in, first those that a disruption budget protects, the most important first.
 * (defaultpreemption, SelectVictimsOnNode)
 */
export function selectVictims(
  state: CycleState,
  pod: PodInfo,
  original: NodeInfo,
  budgets: readonly PodDisruptionBudget[],
  trial: Trial,
): Victims | Rejection {
  const potential = [...original.pods.values()].filter((other) => other.priority < pod.priority);
  if (potential.length === 0) return NO_VICTIMS;
  const [tried, node] = [state.clone(), original.clone()];
  for (const other of potential) trial.remove(tried, pod, other, node);
  const refusal = trial.filter(tried, pod, node);
  if (refusal) return refusal;
  potential.sort(byImportance);
  const { violating, others } = splitByBudget(potential, budgets);
  const victims: PodInfo[] = [];
  const mustGo = (other: PodInfo): boolean => {
    trial.add(tried, pod, other, node);
    if (!trial.filter(tried, pod, node)) return false;
    trial.remove(tried, pod, other, node);
    victims.push(other);
    return true;
  };
  const violations = violating.filter(mustGo).length;
  others.forEach(mustGo);
  if (victims.length === 0) throw new Error(`expected at least one victim pod on node "${node.name}"`);
  return { nodeName: node.name, pods: victims.sort(byImportance), violations };
}

/** Higher priority first, then who has run for longer. One that has not started counts as the youngest. */
export function byImportance(a: PodInfo, b: PodInfo): number {
  return b.priority - a.priority || startOf(a) - startOf(b) || 0;
}

export function startOf({ pod }: Pick<PodInfo, 'pod'>): number {
  return pod.status?.startTime ? Date.parse(pod.status.startTime) : Number.MAX_SAFE_INTEGER;
}

/** Pods whose going would overdraw a budget, given those before them in the list. (filterPodsWithPDBViolation) */
export function splitByBudget(
  pods: readonly PodInfo[],
  budgets: readonly PodDisruptionBudget[],
): { violating: PodInfo[]; others: PodInfo[] } {
  const left = budgets.map((budget) => budget.status?.disruptionsAllowed ?? 0);
  const violating: PodInfo[] = [];
  const others: PodInfo[] = [];
  for (const info of pods) {
    let overdrawn = false;
    budgets.forEach((budget, at) => {
      // What is in disruptedPods has been counted by the API server.
      if (!protects(budget, info.pod) || budget.status?.disruptedPods?.[info.pod.metadata.name]) return;
      left[at]!--;
      if (left[at]! < 0) overdrawn = true;
    });
    (overdrawn ? violating : others).push(info);
  }
  return { violating, others };
}

/** An empty selector protects nothing here, as upstream. */
function protects({ metadata, spec }: PodDisruptionBudget, pod: Pod): boolean {
  if (metadata?.namespace !== pod.metadata?.namespace || !spec?.selector) return false;
  const selector = fromLabelSelector(spec.selector);
  const labels = pod.metadata?.labels ?? {};
  return selector.length > 0 && Object.keys(labels).length > 0 && matchesSelector(selector, labels);
}

/** Whether the pod is on its way out because of a preemption. */
export function isLeavingForPreemption(pod: Pod): boolean {
  const condition = pod.status?.conditions?.find(({ type }) => type === 'DisruptionTarget');
  return isBeingDeleted(pod) && condition?.status === 'True' && condition.reason === 'PreemptionByScheduler';
}
