import type { NodeCondition, NodeStatus, ObjectReference } from '../../kube/index.ts';

/** What a node tells of itself. Reasons and messages: pkg/kubelet/nodestatus/setters.go, kubelet_node_status.go. */
export interface NodeEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

/** A condition of some status is told by this name. */
const TOLD: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  MemoryPressure: { True: 'NodeHasInsufficientMemory', False: 'NodeHasSufficientMemory' },
  DiskPressure: { True: 'NodeHasDiskPressure', False: 'NodeHasNoDiskPressure' },
  PIDPressure: { True: 'NodeHasInsufficientPID', False: 'NodeHasSufficientPID' },
  Ready: { True: 'NodeReady', False: 'NodeNotReady' },
};

/** Whom the events are about. kubectl looks for those of a kubelet by the name in place of the uid. */
export function nodeReference(name: string): ObjectReference {
  return { apiVersion: 'v1', kind: 'Node', name, uid: name };
}

/** What is told at each start, whatever the server knows of the node from before (BirthCry, initialNode). */
export function registrationEvents(name: string, status: NodeStatus): NodeEvent[] {
  const starting: NodeEvent = { type: 'Normal', reason: 'Starting', message: 'Starting kubelet.' };
  return [starting, ...statusEvents(name, undefined, status)];
}

/** What has changed between two statuses of a node. One that is new is not told to be ready. */
export function statusEvents(
  name: string,
  before: NodeStatus | undefined,
  { conditions = [], nodeInfo }: NodeStatus,
): NodeEvent[] {
  const changed = conditions.filter(({ type, status }: NodeCondition) => {
    const old = before?.conditions?.find((condition) => condition.type === type);
    return old ? old.status !== status : type !== 'Ready';
  });
  const told = changed.flatMap(({ type, status }) => {
    const reason = TOLD[type]?.[status];
    return reason === undefined ? [] : [statusIsNow(name, reason)];
  });
  const bootBefore = before?.nodeInfo?.bootID;
  const message = `Node ${name} has been rebooted, boot id: ${nodeInfo?.bootID}`;
  return bootBefore && bootBefore !== nodeInfo?.bootID
    ? [{ type: 'Warning', reason: 'Rebooted', message }, ...told]
    : told;
}

/** What is told when somebody has changed spec.unschedulable (recordNodeSchedulableEvent). */
export function schedulableEvents(name: string, before: boolean, now: boolean): NodeEvent[] {
  if (before === now) return [];
  return [statusIsNow(name, now ? 'NodeNotSchedulable' : 'NodeSchedulable')];
}

function statusIsNow(name: string, reason: string): NodeEvent {
  return { type: 'Normal', reason, message: `Node ${name} status is now: ${reason}` };
}
