import { withCondition } from './names.ts';
import type { Crd } from './types.ts';

/** Keeps a deleted definition until the last of its objects is gone. */
export const CLEANUP_FINALIZER = 'customresourcecleanup.apiextensions.k8s.io';

/** A definition whose deletion begins. */
export function markDeleting(crd: Crd): Crd {
  const finalizers = crd.metadata?.finalizers ?? [];
  if (finalizers.includes(CLEANUP_FINALIZER)) return crd;
  return {
    ...crd,
    metadata: { ...crd.metadata, finalizers: [...finalizers, CLEANUP_FINALIZER] },
    status: withCondition(
      crd.status ?? {},
      {
        type: 'Terminating',
        status: 'True',
        reason: 'InstanceDeletionPending',
        message: 'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon',
      },
      Date.parse(crd.metadata?.deletionTimestamp ?? ''),
    ),
  };
}
