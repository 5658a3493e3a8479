import { isPodTerminal, type Node, type Pod, type Stored, TAINT_OUT_OF_SERVICE } from '../../kube/index.ts';

/** Why a pod is deleted for good. */
export type CollectReason =
  | 'terminated'
  | 'terminating-out-of-service'
  | 'orphaned'
  | 'terminating-unscheduled';

export interface CollectInput {
  readonly pods: readonly Stored<Pod>[];
  node(name: string): Node | undefined;
  /** Nodes that are gone for long enough, and certainly. */
  readonly goneNodes: ReadonlySet<string>;
  /** How many ended pods may stay; 0: all. */
  readonly terminatedPodThreshold: number;
}

/** The pods that nobody else will delete (pkg/controller/podgc). */
export function podsToCollect(input: CollectInput): Map<Stored<Pod>, CollectReason> {
  const found = new Map<Stored<Pod>, CollectReason>();
  for (const pod of excessEnded(input)) found.set(pod, 'terminated');
  for (const pod of input.pods) {
    const nodeName = pod.spec?.nodeName;
    const terminating = pod.metadata.deletionTimestamp !== undefined;
    if (nodeName && input.goneNodes.has(nodeName)) found.set(pod, 'orphaned');
    else if (terminating && !nodeName) found.set(pod, 'terminating-unscheduled');
    else if (terminating && isOutOfService(input.node(nodeName!))) {
      found.set(pod, 'terminating-out-of-service');
    }
  }
  return found;
}

/** Ended pods beyond the threshold: evicted ones first, then the oldest. */
function excessEnded({ pods, terminatedPodThreshold }: CollectInput): readonly Stored<Pod>[] {
  if (terminatedPodThreshold <= 0) return [];
  const ended = pods.filter(isPodTerminal);
  const excess = ended.length - terminatedPodThreshold;
  if (excess <= 0) return [];
  return ended.sort(byEvictionAndAge).slice(0, excess);
}

function byEvictionAndAge(a: Stored<Pod>, b: Stored<Pod>): number {
  return (
    Number(isEvicted(b)) - Number(isEvicted(a)) ||
    a.metadata.creationTimestamp.localeCompare(b.metadata.creationTimestamp) ||
    a.metadata.name.localeCompare(b.metadata.name)
  );
}

function isEvicted({ status }: Pod): boolean {
  return status?.phase === 'Failed' && status.reason === 'Evicted';
}

/** Neither Ready nor expected back. */
function isOutOfService(node: Node | undefined): boolean {
  if (!node) return false;
  const ready = (node.status?.conditions ?? []).some(
    ({ type, status }) => type === 'Ready' && status === 'True',
  );
  return !ready && (node.spec?.taints ?? []).some(({ key }) => key === TAINT_OUT_OF_SERVICE);
}
