import type { Node, Pod } from '../../../kube/index.ts';
import {
  ADD,
  DELETE,
  type Interest,
  interest,
  sameJson,
  UPDATE_NODE_LABEL,
  UPDATE_NODE_TAINT,
  UPDATE_POD_LABEL,
  UPDATE_POD_TOLERATION,
} from '../../cluster-events.ts';
import { hasPlace } from '../../placed.ts';
import type { PodInfo } from '../../pod-info.ts';
import { hasAllKeys, ownConstraints, selects } from './constraints.ts';

/** What can help a pod that its spread constraints refused. (podtopologyspread, EventsToRegister) */
export const spreadInterests: readonly Interest[] = [
  interest('Pod', ADD | UPDATE_POD_LABEL | UPDATE_POD_TOLERATION | DELETE, podChangeHelps),
  interest('Node', ADD | DELETE | UPDATE_NODE_LABEL | UPDATE_NODE_TAINT, nodeChangeHelps),
];

function podChangeHelps(pod: PodInfo, before: Pod | undefined, after: Pod | undefined): boolean {
  if (!isInvolved(pod, before) || !isInvolved(pod, after)) return false;
  const constraints = ownConstraints(pod, 'DoNotSchedule');
  const labels = (other: Pod | undefined) => other?.metadata?.labels;
  if (before && after) {
    const isItself = after.metadata?.uid === pod.uid;
    if (isItself && !sameJson(before.spec?.tolerations, after.spec?.tolerations)) {
      if (constraints.some(({ honorsTaints }) => honorsTaints)) return true;
    }
    return constraints.some(
      (constraint) => selects(constraint, labels(before)) !== selects(constraint, labels(after)),
    );
  }
  return constraints.some((constraint) => selects(constraint, labels(before ?? after)));
}

/** The pod itself, or one of its namespace that has a place. */
function isInvolved(pod: PodInfo, other: Pod | undefined): boolean {
  if (!other || other.metadata?.uid === pod.uid) return true;
  return hasPlace(other) && other.metadata?.namespace === pod.namespace;
}

function nodeChangeHelps(pod: PodInfo, before: Node | undefined, after: Node | undefined): boolean {
  const constraints = ownConstraints(pod, 'DoNotSchedule');
  const counted = before !== undefined && hasAllKeys(before, constraints);
  const counts = after !== undefined && hasAllKeys(after, constraints);
  if (!before || !after) return counted || counts;
  if (counted !== counts) return true;
  if (!counts) return false;
  const moved = constraints.some(
    ({ topologyKey }) => before.metadata?.labels?.[topologyKey] !== after.metadata?.labels?.[topologyKey],
  );
  return moved || !sameJson(before.spec?.taints, after.spec?.taints);
}
