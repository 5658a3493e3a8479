import {
  claimNameOf,
  controllerReference,
  type PersistentVolumeClaim,
  type Pod,
  type Stored,
  type Volume,
} from '../../kube/index.ts';

/** The claim of a pod's ephemeral volume, as its template says; the pod owns it, and it goes with the pod. */
export function claimFor(pod: Stored<Pod>, volume: Volume): PersistentVolumeClaim {
  const template = volume.ephemeral?.volumeClaimTemplate;
  return {
    metadata: {
      namespace: pod.metadata.namespace,
      name: claimNameOf(pod, volume),
      annotations: template?.metadata?.annotations,
      labels: template?.metadata?.labels,
      ownerReferences: [controllerReference(pod)],
    },
    spec: template?.spec,
  };
}
