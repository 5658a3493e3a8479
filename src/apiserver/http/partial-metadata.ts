import type { KubeObject, ObjectMeta } from '../../kube/index.ts';

/** A metav1.PartialObjectMetadata: an object's metadata alone. `version` is v1 or v1beta1 of meta.k8s.io. */
export function partialMetadata(object: KubeObject, version: string) {
  return {
    kind: 'PartialObjectMetadata',
    apiVersion: `meta.k8s.io/${version}`,
    metadata: object.metadata ?? ({} as ObjectMeta),
  };
}
