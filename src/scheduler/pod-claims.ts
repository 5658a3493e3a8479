import { claimNameOf, joinKey, type Pod, type Stored } from '../kube/index.ts';

/** A claim that a pod's volume stands on. */
export interface PodClaim {
  readonly name: string;
  /** `namespace/name` */
  readonly key: string;
  /** Made for this pod by the ephemeral volume controller, and of use only when this pod owns it. */
  readonly ephemeral: boolean;
}

/** The claims of a pod's volumes, in their order. */
export function podClaims(pod: Stored<Pod>): readonly PodClaim[] {
  const claims: PodClaim[] = [];
  for (const volume of pod.spec?.volumes ?? []) {
    const name = claimNameOf(pod, volume);
    if (name === undefined) continue;
    const ephemeral = volume.persistentVolumeClaim === undefined;
    claims.push({ name, key: joinKey(pod.metadata.namespace, name), ephemeral });
  }
  return claims;
}
