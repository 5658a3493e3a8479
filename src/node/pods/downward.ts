import {
  type Container,
  metadataFieldValue,
  type Pod,
  resourceFieldValue,
  type Stored,
} from '../../kube/index.ts';

/** What a pod's fields are on this node. */
export interface PodPlace {
  readonly nodeName: string;
  readonly hostIp: string;
  readonly podIp: string;
  /** The node's, for containers without limits of their own. */
  readonly allocatable: Readonly<Record<string, string>>;
}

/** The value of a fieldRef. @throws Error on a path that cannot be referred to. */
export function fieldValue(path: string, pod: Stored<Pod>, place: PodPlace): string {
  switch (path) {
    case 'spec.nodeName':
      return place.nodeName;
    case 'spec.serviceAccountName':
      return pod.spec?.serviceAccountName ?? '';
    case 'status.hostIP':
    case 'status.hostIPs':
      return place.hostIp;
    case 'status.podIP':
    case 'status.podIPs':
      return place.podIp;
    default:
      return metadataFieldValue(pod, path);
  }
}

/** The value of a resourceFieldRef. @throws Error on a name that cannot be referred to. */
export function resourceValue(
  resource: string,
  divisor: string | undefined,
  container: Container,
  place: PodPlace,
): string {
  return resourceFieldValue(resource, divisor, container, place.allocatable);
}
