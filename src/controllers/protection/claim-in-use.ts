import {
  claimNameOf,
  controllerOf,
  type PersistentVolumeClaim,
  type Pod,
  type Stored,
} from '../../kube/index.ts';

/**
 * Whether the pod keeps the claim from going. Only a pod that has a node counts, whatever its phase: the kubelet starts
 * no pod whose claim is being deleted. A claim made for a pod goes when the kubelet is done with that pod, or else the
 * two could wait for each other. Source: podUsesPVCForDeletion.
 */
export function podUsesClaim(pod: Pod, claim: Stored<PersistentVolumeClaim>): boolean {
  if (!pod.spec?.nodeName || pod.metadata?.namespace !== claim.metadata.namespace) return false;
  return (pod.spec.volumes ?? []).some((volume) => {
    if (claimNameOf(pod, volume) !== claim.metadata.name) return false;
    if (volume.persistentVolumeClaim) return true;
    return !isShutDown(pod) && controllerOf(claim)?.uid === pod.metadata?.uid;
  });
}

/** The kubelet has unpublished its volumes, or it was deleted by force. */
function isShutDown(pod: Pod): boolean {
  return pod.metadata?.deletionTimestamp !== undefined && pod.metadata.deletionGracePeriodSeconds === 0;
}
