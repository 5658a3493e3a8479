import type { StorageClass } from '../../kube/index.ts';

/** The prefix of provisioners that live in the controller itself. */
const IN_TREE = 'kubernetes.io/';

/** What makes the volumes of a class, or why nothing does, in upstream's words. */
export function provisionerOf(
  storageClass: StorageClass | undefined,
  className: string,
): { readonly provisioner: string } | { readonly error: string } {
  // The words of a lister, which speaks of the resource in the singular.
  if (!storageClass) {
    return { error: `storageclass.storage.k8s.io "${className}" not found` };
  }
  const { provisioner } = storageClass;
  if (provisioner.startsWith(IN_TREE)) return { error: `no volume plugin matched name: ${provisioner}` };
  return { provisioner };
}
