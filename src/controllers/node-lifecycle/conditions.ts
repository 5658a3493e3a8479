import type { Node, NodeCondition } from '../../kube/index.ts';

/** NetworkUnavailable is not among them: the control plane owns it. */
const NODE_OWNED = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'];

export function readyCondition(node: Node | undefined): NodeCondition | undefined {
  return node?.status?.conditions?.find(({ type }) => type === 'Ready');
}

/** The conditions of a node that nobody has heard of for too long: what the node itself says becomes Unknown. */
export function unknownConditions(node: Node, nowText: string): NodeCondition[] {
  const known = node.status?.conditions ?? [];
  const silenced = known.map((condition): NodeCondition => {
    if (!NODE_OWNED.includes(condition.type) || condition.status === 'Unknown') return condition;
    return {
      ...condition,
      status: 'Unknown',
      reason: 'NodeStatusUnknown',
      message: 'Kubelet stopped posting node status.',
      lastTransitionTime: nowText,
    };
  });
  const missing = NODE_OWNED.filter((type) => !known.some((condition) => condition.type === type));
  const never = missing.map(
    (type): NodeCondition => ({
      type,
      status: 'Unknown',
      reason: 'NodeStatusNeverUpdated',
      message: 'Kubelet never posted node status.',
      lastHeartbeatTime: node.metadata?.creationTimestamp,
      lastTransitionTime: nowText,
    }),
  );
  return [...silenced, ...never];
}
