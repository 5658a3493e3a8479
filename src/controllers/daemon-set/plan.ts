import {
  type DaemonSet,
  isBeingDeleted,
  isPodTerminal,
  type Node,
  type Pod,
  type Stored,
} from '../../kube/index.ts';
import { isAvailable, isReady, scaled } from '../workload/index.ts';
import { isUpdated, targetNode } from './daemon-pod.ts';
import { type Eligibility, eligibility } from './eligibility.ts';

export interface PlanInput {
  readonly set: Stored<DaemonSet>;
  readonly nodes: readonly Stored<Node>[];
  /** The set's pods. */
  readonly pods: readonly Stored<Pod>[];
  /** Of the newest template. */
  readonly hash: string;
  readonly nowMs: number;
}

export interface Plan {
  /** The nodes that get a pod. */
  readonly create: readonly string[];
  readonly delete: readonly Stored<Pod>[];
}

interface Place extends Eligibility {
  readonly node: Stored<Node>;
  readonly pods: readonly Stored<Pod>[];
}

export type ByNode = ReadonlyMap<string, readonly Stored<Pod>[]>;

/** The pods of each node, the oldest first; those that have ended and go are nobody's business any more. */
export function podsByNode(pods: readonly Stored<Pod>[]): ByNode {
  const alive = pods.filter((pod) => !(isPodTerminal(pod) && isBeingDeleted(pod)));
  const grouped = Map.groupBy([...alive].sort(scheduledAndOldestFirst), (pod) => targetNode(pod) ?? '');
  grouped.delete('');
  return grouped;
}

function scheduledAndOldestFirst(a: Stored<Pod>, b: Stored<Pod>): number {
  return (
    Number(!a.spec?.nodeName) - Number(!b.spec?.nodeName) ||
    a.metadata.creationTimestamp.localeCompare(b.metadata.creationTimestamp) ||
    (a.metadata.name < b.metadata.name ? -1 : 1)
  );
}

function places({ set, nodes, pods }: PlanInput): Place[] {
  const byNode = podsByNode(pods);
  return nodes.map((node) => ({
    node,
    pods: byNode.get(node.metadata.name) ?? [],
    ...eligibility(set, node),
  }));
}

/** Pods where there should be one and is none; away with those that should not be there (manage). */
export function planPresence(input: PlanInput): Plan {
  const create: string[] = [];
  const going: Stored<Pod>[] = [];
  for (const place of places(input)) {
    const { node, pods, shouldRun, mayStay } = place;
    if (shouldRun && pods.length === 0) create.push(node.metadata.name);
    else if (!mayStay) going.push(...pods.filter((pod) => !isBeingDeleted(pod)));
    else {
      const staying = pods.filter((pod) => !isBeingDeleted(pod));
      const running = staying.filter((pod) => !isPodTerminal(pod));
      going.push(...staying.filter(isPodTerminal), ...surplus(input, running));
      if (surge(input.set, 1) > 0 && shouldRun && running.length === 0) create.push(node.metadata.name);
    }
  }
  // Nobody else would ever delete a pod that waits for a node that is gone.
  const known = new Set(input.nodes.map(({ metadata }) => metadata.name));
  for (const [name, pods] of podsByNode(input.pods)) {
    if (!known.has(name)) going.push(...pods.filter(({ spec }) => !spec?.nodeName));
  }
  return { create, delete: going };
}

/** More than one pod on a node: the oldest stays. With surge the oldest of each template, until the new one is available. */
function surplus({ set, hash, nowMs }: PlanInput, running: readonly Stored<Pod>[]): Stored<Pod>[] {
  if (running.length <= 1) return [];
  if (surge(set, 1) === 0) return running.slice(1);
  const fresh = running.find((pod) => isUpdated(pod, set, hash));
  const old = running.find((pod) => !isUpdated(pod, set, hash));
  const rest = running.filter((pod) => pod !== fresh && pod !== old);
  const minReadySeconds = set.spec?.minReadySeconds ?? 0;
  const isOver = fresh && old && (!isReady(old) || isAvailable(fresh, minReadySeconds, nowMs));
  return isOver ? [...rest, old] : rest;
}

/** The next old pods to replace, within what the strategy allows (rollingUpdate). */
export function planUpdate(input: PlanInput): Plan {
  const { set, hash, nowMs } = input;
  const all = places(input).filter(({ shouldRun, pods }) => shouldRun || pods.length > 0);
  const desired = all.filter(({ shouldRun }) => shouldRun).length;
  const maxSurge = surge(set, desired);
  const rolling = set.spec?.updateStrategy?.rollingUpdate;
  const allowed = scaled(rolling?.maxUnavailable, desired, 'up');
  const maxUnavailable = allowed === 0 && maxSurge === 0 && desired > 0 ? 1 : allowed;
  const minReadySeconds = set.spec?.minReadySeconds ?? 0;
  const available = (pod: Pod) => isAvailable(pod, minReadySeconds, nowMs);
  const generations = all.map((place) => ({ place, ...generationsOf(place.pods, set, hash) }));
  return maxSurge === 0
    ? replaceInPlace(generations, maxUnavailable, available)
    : replaceBeside(generations, maxSurge, desired, available);
}

interface Generations {
  readonly place: Place;
  readonly fresh: readonly Stored<Pod>[];
  readonly old: readonly Stored<Pod>[];
}

function generationsOf(pods: readonly Stored<Pod>[], set: DaemonSet, hash: string) {
  const staying = pods.filter((pod) => !isBeingDeleted(pod));
  return {
    fresh: staying.filter((pod) => isUpdated(pod, set, hash)),
    old: staying.filter((pod) => !isUpdated(pod, set, hash)),
  };
}

/** Old pods that are not available go at once, others as long as few enough are missing. */
function replaceInPlace(
  all: readonly Generations[],
  maxUnavailable: number,
  available: (pod: Pod) => boolean,
): Plan {
  let unavailable = 0;
  const replaced: Stored<Pod>[] = [];
  const candidates: Stored<Pod>[] = [];
  for (const { fresh, old } of all) {
    if (fresh.length + old.length !== 1) unavailable++;
    else if (fresh[0]) unavailable += available(fresh[0]) ? 0 : 1;
    else if (available(old[0]!)) candidates.push(old[0]!);
    else {
      replaced.push(old[0]!);
      unavailable++;
    }
  }
  const free = Math.max(0, maxUnavailable - unavailable);
  return { create: [], delete: [...replaced, ...candidates.slice(0, free)] };
}

/** New pods beside available old ones, few at a time; an old pod goes when its successor is available. */
function replaceBeside(
  all: readonly Generations[],
  maxSurge: number,
  desired: number,
  available: (pod: Pod) => boolean,
): Plan {
  let surging = 0;
  let availableNodes = 0;
  const going: Stored<Pod>[] = [];
  const strayed: Stored<Pod>[] = [];
  const replaced: string[] = [];
  const candidates: string[] = [];
  for (const { place, fresh, old } of all) {
    if (fresh.length > 1 || old.length > 1) {
      surging++;
      continue;
    }
    const [newPod, oldPod] = [fresh[0], old[0]];
    const serving = oldPod ?? newPod;
    if (serving && available(serving)) availableNodes++;
    if (!oldPod) continue;
    const { name } = place.node.metadata;
    if (newPod) {
      if (available(newPod)) going.push(oldPod);
      else surging++;
    } else if (!available(oldPod)) {
      if (place.shouldRun) replaced.push(name);
      else going.push(oldPod);
    } else if (place.shouldRun) candidates.push(name);
    else strayed.push(oldPod);
  }
  const mayStray = Math.max(0, availableNodes - desired);
  const free = Math.max(0, maxSurge - surging);
  return {
    create: [...replaced, ...candidates.slice(0, free)],
    delete: [...going, ...strayed.slice(0, mayStray)],
  };
}

function surge({ spec }: DaemonSet, nodes: number): number {
  if ((spec?.updateStrategy?.type ?? 'RollingUpdate') !== 'RollingUpdate') return 0;
  return scaled(spec?.updateStrategy?.rollingUpdate?.maxSurge, nodes, 'up');
}

/** The counts of the status. */
export function computeCounts(input: PlanInput) {
  const { set, hash, nowMs } = input;
  const minReadySeconds = set.spec?.minReadySeconds ?? 0;
  const all = places(input);
  const wanted = all.filter(({ shouldRun }) => shouldRun);
  const first = wanted.flatMap(({ pods }) => pods.slice(0, 1));
  const available = first.filter((pod) => isAvailable(pod, minReadySeconds, nowMs)).length;
  return {
    currentNumberScheduled: first.length,
    numberMisscheduled: all.filter(({ shouldRun, pods }) => !shouldRun && pods.length > 0).length,
    desiredNumberScheduled: wanted.length,
    numberReady: first.filter(isReady).length,
    updatedNumberScheduled: first.filter((pod) => isUpdated(pod, set, hash)).length,
    numberAvailable: available,
    numberUnavailable: wanted.length - available,
  };
}
