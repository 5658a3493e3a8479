import type {
  CSIDriver,
  CSINode,
  CSIStorageCapacity,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  StorageClass,
  Stored,
  VolumeAttachment,
} from '../kube/index.ts';
import type { PodInfo } from './pod-info.ts';
import { podRequests, type Resources } from './resources.ts';

/** What happened to an object; bits, so that an interest can name several. */
export const ADD = 1;
export const DELETE = 1 << 1;
export const UPDATE_NODE_ALLOCATABLE = 1 << 2;
export const UPDATE_NODE_LABEL = 1 << 3;
export const UPDATE_NODE_TAINT = 1 << 4;
export const UPDATE_NODE_CONDITION = 1 << 5;
const UPDATE_NODE_ANNOTATION = 1 << 6;
export const UPDATE_POD_LABEL = 1 << 7;
export const UPDATE_POD_SCALE_DOWN = 1 << 8;
export const UPDATE_POD_TOLERATION = 1 << 9;
export const UPDATE_POD_GATES_ELIMINATED = 1 << 10;
/** Any update. As an incoming event: one that is of no particular kind. */
export const UPDATE = (1 << 11) - 1 - ADD - DELETE;

/** The kinds of objects whose changes can help a waiting pod. */
export interface EventObjects {
  Pod: Stored<Pod>;
  Node: Stored<Node>;
  PersistentVolume: Stored<PersistentVolume>;
  PersistentVolumeClaim: Stored<PersistentVolumeClaim>;
  StorageClass: Stored<StorageClass>;
  CSINode: Stored<CSINode>;
  CSIDriver: Stored<CSIDriver>;
  CSIStorageCapacity: Stored<CSIStorageCapacity>;
  VolumeAttachment: Stored<VolumeAttachment>;
}
export type EventResource = keyof EventObjects;

/** A change, with the object before (absent: it is new) and after (absent: it is gone). */
export interface ClusterEvent {
  readonly resource: EventResource;
  readonly action: number;
  readonly before?: unknown;
  readonly after?: unknown;
}

/** Which changes a plugin's refusal may be lifted by, and (the queueing hint) whether this one may lift it for this pod. */
export interface Interest {
  readonly resource: EventResource;
  readonly actions: number;
  readonly helps: (pod: PodInfo, event: ClusterEvent) => boolean;
}

/** `hint` absent: every such change may help. */
export function interest<R extends EventResource>(
  resource: R,
  actions: number,
  hint?: (pod: PodInfo, before: EventObjects[R] | undefined, after: EventObjects[R] | undefined) => boolean,
): Interest {
  const helps = hint
    ? (pod: PodInfo, event: ClusterEvent) =>
        hint(pod, event.before as EventObjects[R] | undefined, event.after as EventObjects[R] | undefined)
    : () => true;
  return { resource, actions, helps };
}

/** An update of no particular kind reaches only those who asked for every update (framework.MatchClusterEvents). */
export function matches(wanted: Interest, event: Pick<ClusterEvent, 'resource' | 'action'>): boolean {
  return (
    wanted.resource === event.resource &&
    (wanted.actions & event.action) !== 0 &&
    event.action <= wanted.actions
  );
}

export function event<R extends EventResource>(
  resource: R,
  action: number,
  before: EventObjects[R] | undefined,
  after: EventObjects[R] | undefined,
): ClusterEvent {
  return { resource, action, before, after };
}

/** What an update of a node means to scheduling; empty when it means nothing (heartbeats). */
export function nodeUpdateEvents(before: Stored<Node>, after: Stored<Node>): readonly ClusterEvent[] {
  const actions: number[] = [];
  if (before.spec?.unschedulable && !after.spec?.unschedulable) actions.push(UPDATE_NODE_TAINT);
  if (!sameJson(before.status?.allocatable, after.status?.allocatable)) actions.push(UPDATE_NODE_ALLOCATABLE);
  if (!sameJson(before.metadata.labels, after.metadata.labels)) actions.push(UPDATE_NODE_LABEL);
  if (!sameJson(before.spec?.taints, after.spec?.taints)) actions.push(UPDATE_NODE_TAINT);
  if (!sameJson(conditionsOf(before), conditionsOf(after))) actions.push(UPDATE_NODE_CONDITION);
  if (!sameJson(before.metadata.annotations, after.metadata.annotations)) {
    actions.push(UPDATE_NODE_ANNOTATION);
  }
  return actions.map((action) => event('Node', action, before, after));
}

/** What an update of a pod, waiting or placed, means to scheduling. */
export function podUpdateEvents(before: Stored<Pod>, after: Stored<Pod>): readonly ClusterEvent[] {
  const actions: number[] = [];
  if (!sameJson(before.metadata.labels, after.metadata.labels)) actions.push(UPDATE_POD_LABEL);
  if (!sameJson(before.spec, after.spec)) {
    if (scaledDown(podRequests(before).requests, podRequests(after).requests)) {
      actions.push(UPDATE_POD_SCALE_DOWN);
    }
    if (before.spec?.schedulingGates?.length && !after.spec?.schedulingGates?.length) {
      actions.push(UPDATE_POD_GATES_ELIMINATED);
    }
    if ((before.spec?.tolerations?.length ?? 0) !== (after.spec?.tolerations?.length ?? 0)) {
      actions.push(UPDATE_POD_TOLERATION);
    }
  }
  if (actions.length === 0) actions.push(UPDATE);
  return actions.map((action) => event('Pod', action, before, after));
}

function scaledDown(before: Resources, after: Resources): boolean {
  if (before.milliCpu > after.milliCpu || before.memory > after.memory) return true;
  if (before.ephemeralStorage > after.ephemeralStorage) return true;
  for (const [name, amount] of before.scalar) if (amount > (after.scalar.get(name) ?? 0)) return true;
  return false;
}

function conditionsOf(node: Stored<Node>): Record<string, string> {
  return Object.fromEntries((node.status?.conditions ?? []).map(({ type, status }) => [type, status]));
}

/** Equal as JSON values; an absent map equals an empty one, and the order of keys does not count. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a) || Array.isArray(b)) {
    const [x, y] = [(a ?? []) as unknown[], (b ?? []) as unknown[]];
    return x.length === y.length && x.every((item, i) => sameJson(item, y[i]));
  }
  if (!isObject(a ?? {}) || !isObject(b ?? {})) return false;
  const [x, y] = [(a ?? {}) as Record<string, unknown>, (b ?? {}) as Record<string, unknown>];
  const names = Object.keys(x);
  return (
    names.length === Object.keys(y).length && names.every((name) => name in y && sameJson(x[name], y[name]))
  );
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}
