import type { Node, Stored } from '../../kube/index.ts';
import { ADD, DELETE, interest, UPDATE_NODE_ALLOCATABLE, UPDATE_POD_SCALE_DOWN } from '../cluster-events.ts';
import type { NodeInfo } from '../node-info.ts';
import { hasPlace } from '../placed.ts';
import { MAX_NODE_SCORE, type Plugin } from '../plugin.ts';
import type { PodInfo } from '../pod-info.ts';
import { podRequests, type Resources, toAllocatable } from '../resources.ts';
import type { Rejection } from '../status.ts';

/** Whether the node has what the pod asks for; scores the least allocated node best, by cpu and memory. */
export function nodeResourcesFit(): Plugin {
  return {
    name: 'NodeResourcesFit',
    interests: [
      interest('Pod', DELETE | UPDATE_POD_SCALE_DOWN, (pod, before, after) => {
        if (after === undefined) return hasPlace(before);
        if (after.metadata.uid === pod.uid) return true;
        if (!after.spec?.nodeName || before === undefined) return false;
        return freesAny(pod.requests, podRequests(before).requests, podRequests(after).requests);
      }),
      interest(
        'Node',
        ADD | UPDATE_NODE_ALLOCATABLE,
        (pod, before, after) => after !== undefined && hasRoom(pod, before, after),
      ),
    ],
    filter: (_state, pod, node) => shortage(pod, node),
    score: (_state, pod, node) => leastAllocated(pod, node),
  };
}

interface Free {
  readonly allocatable: Resources;
  readonly pods: { readonly size: number };
  readonly requested: Omit<Resources, 'pods'>;
}

const REASONS = new Map<string, Rejection>();

/** What the node lacks. Unresolvable when even the empty node would lack it. */
export function shortage({ requests }: Pick<PodInfo, 'requests'>, node: Free): Rejection | undefined {
  const { allocatable, requested } = node;
  const enough =
    node.pods.size + 1 <= allocatable.pods &&
    requests.milliCpu <= allocatable.milliCpu - requested.milliCpu &&
    requests.memory <= allocatable.memory - requested.memory &&
    requests.ephemeralStorage <= allocatable.ephemeralStorage - requested.ephemeralStorage;
  if (enough && requests.scalar.size === 0) return undefined;
  const lacking: string[] = [];
  let unresolvable = false;
  const check = (name: string, wanted: number, taken: number, total: number) => {
    if (wanted === 0 || wanted <= total - taken) return;
    lacking.push(`Insufficient ${name}`);
    if (wanted > total) unresolvable = true;
  };
  if (node.pods.size + 1 > allocatable.pods) lacking.push('Too many pods');
  check('cpu', requests.milliCpu, requested.milliCpu, allocatable.milliCpu);
  check('memory', requests.memory, requested.memory, allocatable.memory);
  check(
    'ephemeral-storage',
    requests.ephemeralStorage,
    requested.ephemeralStorage,
    allocatable.ephemeralStorage,
  );
  for (const [name, wanted] of requests.scalar) {
    check(name, wanted, requested.scalar.get(name) ?? 0, allocatable.scalar.get(name) ?? 0);
  }
  return lacking.length === 0 ? undefined : rejection(lacking, unresolvable);
}

/** Rejections are few and repeat for thousands of nodes: each is made once. */
function rejection(reasons: readonly string[], unresolvable: boolean): Rejection {
  const code = unresolvable ? 'UnschedulableAndUnresolvable' : 'Unschedulable';
  const key = [code, ...reasons].join('\n');
  let known = REASONS.get(key);
  if (!known) {
    if (REASONS.size > 1_000) REASONS.clear();
    known = Object.freeze({ code, reasons });
    REASONS.set(key, known);
  }
  return known;
}

/** 100 for a node that stays empty, 0 for one that becomes full: the mean over cpu and memory. */
export function leastAllocated(pod: Pick<PodInfo, 'nonZero'>, node: NodeInfo): number {
  const { allocatable, nonZeroRequested } = node;
  const cpu = unusedShare(allocatable.milliCpu, nonZeroRequested.milliCpu + pod.nonZero.milliCpu);
  const memory = unusedShare(allocatable.memory, nonZeroRequested.memory + pod.nonZero.memory);
  const counted = (allocatable.milliCpu > 0 ? 1 : 0) + (allocatable.memory > 0 ? 1 : 0);
  return counted === 0 ? 0 : Math.trunc((cpu + memory) / counted);
}

function unusedShare(total: number, taken: number): number {
  return total === 0 || taken > total ? 0 : Math.trunc(((total - taken) * MAX_NODE_SCORE) / total);
}

/** The empty node would take the pod, and it is new or has grown in something that the pod asks for. */
function hasRoom(pod: PodInfo, before: Stored<Node> | undefined, after: Stored<Node>): boolean {
  const now = allocatableOf(after);
  const empty = { milliCpu: 0, memory: 0, ephemeralStorage: 0, scalar: new Map<string, number>() };
  if (shortage(pod, { allocatable: now, pods: { size: 0 }, requested: empty })) return false;
  if (before === undefined) return true;
  const old = allocatableOf(before);
  return now.pods > old.pods || freesAny(pod.requests, now, old);
}

/** A change of a node is asked about for every pod that waits. */
const KNOWN_ALLOCATABLE = new WeakMap<Stored<Node>, Resources>();

function allocatableOf(node: Stored<Node>): Resources {
  let known = KNOWN_ALLOCATABLE.get(node);
  if (!known) {
    known = toAllocatable(node.status?.allocatable as Record<string, string> | undefined);
    KNOWN_ALLOCATABLE.set(node, known);
  }
  return known;
}

/** Whether `more` exceeds `less` in anything that is wanted. */
function freesAny(wanted: Resources, more: Resources, less: Resources): boolean {
  if (wanted.milliCpu > 0 && more.milliCpu > less.milliCpu) return true;
  if (wanted.memory > 0 && more.memory > less.memory) return true;
  if (wanted.ephemeralStorage > 0 && more.ephemeralStorage > less.ephemeralStorage) return true;
  for (const [name, amount] of wanted.scalar) {
    if (amount > 0 && (more.scalar.get(name) ?? 0) > (less.scalar.get(name) ?? 0)) return true;
  }
  return false;
}
