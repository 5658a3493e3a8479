import {
  ANN_CONTROLLER_MANAGED_ATTACH,
  ANN_KEEP_TERMINATED_POD_VOLUMES,
  annotation,
  type Node,
  TAINT_OUT_OF_SERVICE,
} from '../../kube/index.ts';
import type { NodeCondition } from './reconciler.ts';

/** Whether the node leaves attaching to this controller: the annotation is there, whatever its value. */
export function isManaged(node: Node): boolean {
  return annotation(node, ANN_CONTROLLER_MANAGED_ATTACH) !== undefined;
}

export function keepsTerminatedPodVolumes(node: Node | undefined): boolean {
  return node !== undefined && annotation(node, ANN_KEEP_TERMINATED_POD_VOLUMES) === 'true';
}

export function nodeCondition(node: Node | undefined): NodeCondition {
  if (!node) return { healthy: false, outOfService: false, attachesForItself: false };
  return {
    healthy: (node.status?.conditions ?? []).some(
      ({ type, status }) => type === 'Ready' && status === 'True',
    ),
    outOfService: (node.spec?.taints ?? []).some(({ key }) => key === TAINT_OUT_OF_SERVICE),
    attachesForItself: !isManaged(node),
  };
}
