import type { Pod } from '../kube/index.ts';

/** Whether the pod is on a node or has been promised one: what it takes, others cannot have. */
export function hasPlace(pod: Pod | undefined): boolean {
  return Boolean(pod?.spec?.nodeName || pod?.status?.nominatedNodeName);
}
