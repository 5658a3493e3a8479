import { annotation, type Pod, type Stored } from '../../kube/index.ts';
import { isActive, isReady, readyCondition } from './pod-state.ts';

const ANN_DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost';
const PHASES = ['Pending', 'Unknown', 'Running'];

/**
 * The `count` pods that a scaling down takes first: unassigned ones, pending ones, not ready ones, cheap ones, those
 * that share their node with most of `related`, those ready for a shorter time, those that restarted more, younger ones
 * (ActivePodsWithRanks). Times are compared by their magnitude only, so that chance has a part.
 */
export function podsToDelete(
  pods: readonly Stored<Pod>[],
  related: readonly Pod[],
  count: number,
  nowMs: number,
): Stored<Pod>[] {
  const onNode = new Map<string, number>();
  for (const pod of related) {
    const node = pod.spec?.nodeName ?? '';
    if (isActive(pod)) onNode.set(node, (onNode.get(node) ?? 0) + 1);
  }
  const keys = new Map(pods.map((pod) => [pod, rank(pod, onNode, nowMs)]));
  const order = (a: Stored<Pod>, b: Stored<Pod>) => {
    const [first, second] = [keys.get(a)!, keys.get(b)!];
    const different = first.findIndex((value, index) => value !== second[index]);
    if (different >= 0) return first[different]! - second[different]!;
    return a.metadata.uid < b.metadata.uid ? -1 : 1;
  };
  return [...pods].sort(order).slice(0, count);
}

/** Numbers that are compared one after the other; the smaller goes first. */
function rank(pod: Stored<Pod>, onNode: ReadonlyMap<string, number>, nowMs: number): number[] {
  const ready = readyCondition(pod);
  const restarts = mostRestarts(pod);
  return [
    pod.spec?.nodeName ? 1 : 0,
    Math.max(0, PHASES.indexOf(pod.status?.phase ?? '')),
    isReady(pod) ? 1 : 0,
    deletionCost(pod),
    -(onNode.get(pod.spec?.nodeName ?? '') ?? 0),
    ready?.lastTransitionTime ? magnitude(ready.lastTransitionTime, nowMs) : -2,
    -restarts.regular,
    -restarts.sidecar,
    magnitude(pod.metadata.creationTimestamp, nowMs),
  ];
}

function deletionCost(pod: Pod): number {
  const cost = annotation(pod, ANN_DELETION_COST) ?? '';
  return /^([1-9][0-9]*|-[1-9][0-9]*|0)$/.test(cost) ? Number(cost) : 0;
}

/** The age as a power of two of nanoseconds; -1 when there is none. */
function magnitude(time: string, nowMs: number): number {
  const ageNs = (nowMs - Date.parse(time)) * 1e6;
  return ageNs > 0 ? Math.trunc(Math.log2(ageNs)) : -1;
}

function mostRestarts({ spec, status }: Pod): { regular: number; sidecar: number } {
  const sidecars = new Set(
    (spec?.initContainers ?? [])
      .filter(({ restartPolicy }) => restartPolicy === 'Always')
      .map(({ name }) => name),
  );
  const most = (counts: readonly number[]) => Math.max(0, ...counts);
  const inits = (status?.initContainerStatuses ?? []).filter(({ name }) => sidecars.has(name));
  return {
    regular: most((status?.containerStatuses ?? []).map(({ restartCount }) => restartCount)),
    sidecar: most(inits.map(({ restartCount }) => restartCount)),
  };
}
