import type { Node, Pod } from '../../../kube/index.ts';
import { matchesAllTerms, type NamespaceLabels, podAffinities } from '../../affinity-terms.ts';
import {
  ADD,
  DELETE,
  type Interest,
  interest,
  UPDATE_NODE_LABEL,
  UPDATE_POD_LABEL,
} from '../../cluster-events.ts';
import { hasPlace } from '../../placed.ts';
import type { PodInfo } from '../../pod-info.ts';

/** What can help a pod that affinity refused. (interpodaffinity, EventsToRegister) */
export function affinityInterests(labelsOf: NamespaceLabels): readonly Interest[] {
  return [
    interest('Pod', ADD | UPDATE_POD_LABEL | DELETE, (pod, before, after) =>
      podChangeHelps(pod, before, after, labelsOf),
    ),
    interest('Node', ADD | UPDATE_NODE_LABEL, nodeChangeHelps),
  ];
}

function podChangeHelps(
  { uid, pod, affinities: { required, requiredAnti } }: PodInfo,
  before: Pod | undefined,
  after: Pod | undefined,
  labelsOf: NamespaceLabels,
): boolean {
  // Its labels are others' now.
  if (before && after?.metadata?.uid === uid) return true;
  // Absent it is not the one to object.
  if ((before && !hasPlace(before)) || (after && !hasPlace(after))) return false;
  const isWanted = (other: Pod | undefined) =>
    other !== undefined && matchesAllTerms(required, other, labelsOf);
  const isUnwanted = (other: Pod | undefined) =>
    other !== undefined && matchesAllTerms(requiredAnti, other, labelsOf);
  if (after) return (!isWanted(before) && isWanted(after)) || (isUnwanted(before) && !isUnwanted(after));
  return isUnwanted(before) || matchesAllTerms(podAffinities(before!).requiredAnti, pod, labelsOf);
}

function nodeChangeHelps(
  { affinities }: PodInfo,
  before: Node | undefined,
  after: Node | undefined,
): boolean {
  const was = (key: string) => before?.metadata?.labels?.[key];
  const is = (key: string) => after?.metadata?.labels?.[key];
  if (affinities.required.some(({ topologyKey: key }) => is(key) !== undefined && is(key) !== was(key)))
    return true;
  const { requiredAnti } = affinities;
  // A new node may be in a part of the cluster that is free; one without the label always is.
  if (before === undefined) return requiredAnti.length > 0;
  return requiredAnti.some(({ topologyKey: key }) => was(key) !== undefined && is(key) !== was(key));
}
