import { joinKey, type Pod, type Stored, type Volume } from '../kube/index.ts';
import { type PodAffinities, podAffinities } from './affinity-terms.ts';
import { type HostPort, hostPortsOf } from './host-ports.ts';
import { type PodClaim, podClaims } from './pod-claims.ts';
import { type PodRequests, podRequests } from './resources.ts';

/** A pod with what every cycle asks of it, computed once for each version of the pod. */
export interface PodInfo extends PodRequests {
  readonly pod: Stored<Pod>;
  /** `namespace/name` */
  readonly key: string;
  readonly uid: string;
  readonly namespace: string;
  readonly priority: number;
  readonly hostPorts: readonly HostPort[];
  readonly claims: readonly PodClaim[];
  /** How many volumes there are that a driver may serve: those of claims, and in-tree disks. */
  readonly driverVolumeCount: number;
  readonly affinities: PodAffinities;
}

/** Kinds of volumes that the node makes by itself. */
const LOCAL_KINDS: readonly (keyof Volume)[] = [
  'configMap',
  'secret',
  'emptyDir',
  'projected',
  'downwardAPI',
  'hostPath',
];

function mayHaveDriver(volume: Volume): boolean {
  return LOCAL_KINDS.every((kind) => volume[kind] === undefined);
}

export function podInfo(pod: Stored<Pod>): PodInfo {
  const { name, namespace = '', uid } = pod.metadata;
  return {
    pod,
    key: joinKey(namespace, name),
    uid,
    namespace,
    priority: pod.spec?.priority ?? 0,
    hostPorts: hostPortsOf(pod),
    claims: podClaims(pod),
    driverVolumeCount: (pod.spec?.volumes ?? []).filter(mayHaveDriver).length,
    affinities: podAffinities(pod),
    ...podRequests(pod),
  };
}
