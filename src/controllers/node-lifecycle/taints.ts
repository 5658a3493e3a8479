import {
  type Node,
  sameTaint,
  TAINT_DISK_PRESSURE,
  TAINT_MEMORY_PRESSURE,
  TAINT_NETWORK_UNAVAILABLE,
  TAINT_NOT_READY,
  TAINT_PID_PRESSURE,
  TAINT_UNREACHABLE,
  TAINT_UNSCHEDULABLE,
  type Taint,
} from '../../kube/index.ts';

export const NOT_READY: Taint = { key: TAINT_NOT_READY, effect: 'NoExecute' };
export const UNREACHABLE: Taint = { key: TAINT_UNREACHABLE, effect: 'NoExecute' };

/** Which taint a condition means, by its type and status. */
const TAINT_OF_CONDITION: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Ready: { False: TAINT_NOT_READY, Unknown: TAINT_UNREACHABLE },
  MemoryPressure: { True: TAINT_MEMORY_PRESSURE },
  DiskPressure: { True: TAINT_DISK_PRESSURE },
  NetworkUnavailable: { True: TAINT_NETWORK_UNAVAILABLE },
  PIDPressure: { True: TAINT_PID_PRESSURE },
};

const OWNED_KEYS = new Set([
  TAINT_UNSCHEDULABLE,
  ...Object.values(TAINT_OF_CONDITION).flatMap((byStatus) => Object.values(byStatus)),
]);

export interface TaintChange {
  readonly add: readonly Taint[];
  readonly remove: readonly Taint[];
}

/** How the NoSchedule taints of a node must change to say what its conditions and spec.unschedulable say. */
export function noScheduleChange(node: Node): TaintChange {
  const keys = (node.status?.conditions ?? []).flatMap(
    ({ type, status }) => TAINT_OF_CONDITION[type]?.[status] ?? [],
  );
  if (node.spec?.unschedulable) keys.push(TAINT_UNSCHEDULABLE);
  const wanted = keys.map((key): Taint => ({ key, effect: 'NoSchedule' }));
  const present = (node.spec?.taints ?? []).filter(
    ({ key, effect }) => effect === 'NoSchedule' && OWNED_KEYS.has(key),
  );
  return { add: without(wanted, present), remove: without(present, wanted) };
}

/** How the NoExecute taints must change for a Ready condition of this status. The two exclude each other. */
export function noExecuteChange(readyStatus: string): TaintChange {
  switch (readyStatus) {
    case 'False':
      return { add: [NOT_READY], remove: [UNREACHABLE] };
    case 'Unknown':
      return { add: [UNREACHABLE], remove: [NOT_READY] };
    default:
      return { add: [], remove: [UNREACHABLE, NOT_READY] };
  }
}

/** The taints after a change; undefined when they have it already. New ones say since when. */
export function changedTaints(
  taints: readonly Taint[] | undefined,
  { add, remove }: TaintChange,
  nowText: string,
): Taint[] | undefined {
  const present = taints ?? [];
  const kept = without(present, remove);
  const added = without(add, kept).map((taint) => ({ ...taint, timeAdded: nowText }));
  if (kept.length === present.length && added.length === 0) return undefined;
  return [...kept, ...added];
}

export function hasTaint(node: Node, taint: Taint): boolean {
  return (node.spec?.taints ?? []).some((one) => sameTaint(one, taint));
}

function without(taints: readonly Taint[], others: readonly Taint[]): Taint[] {
  return taints.filter((taint) => !others.some((other) => sameTaint(other, taint)));
}
