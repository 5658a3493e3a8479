import { hasFinalizer, isBeingDeleted, type KubeObject } from '../../kube/index.ts';

/** Only its protection holds the object back. Source: protectionutil.IsDeletionCandidate. */
export function mayGo(object: KubeObject, finalizer: string): boolean {
  return isBeingDeleted(object) && hasFinalizer(object, finalizer);
}

/** Made before admission protected such objects. Source: protectionutil.NeedToAddFinalizer. */
export function mustBeProtected(object: KubeObject, finalizer: string): boolean {
  return !isBeingDeleted(object) && !hasFinalizer(object, finalizer);
}
