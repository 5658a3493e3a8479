import {
  FINALIZER_FOREGROUND,
  FINALIZER_ORPHAN,
  hasFinalizer,
  isBeingDeleted,
  type KubeObject,
  type OwnerReference,
  type Stored,
} from '../../kube/index.ts';

export type Kept = Stored<KubeObject>;

/** Owner uids: what the index of dependents is made of. */
export function ownerUids(object: KubeObject): string[] {
  return (object.metadata?.ownerReferences ?? []).map(({ uid }) => uid);
}

/** Being deleted, once its dependents are gone. */
export function isDeletingDependents(object: KubeObject): boolean {
  return isBeingDeleted(object) && hasFinalizer(object, FINALIZER_FOREGROUND);
}

/** Being deleted, once its dependents have let go. */
export function isOrphaningDependents(object: KubeObject): boolean {
  return isBeingDeleted(object) && hasFinalizer(object, FINALIZER_ORPHAN);
}

/** Whether `dependent` holds back the deletion of the owner with this uid. */
export function blocks(dependent: KubeObject, ownerUid: string): boolean {
  return (dependent.metadata?.ownerReferences ?? []).some(
    (reference) => reference.uid === ownerUid && reference.blockOwnerDeletion,
  );
}

export function withoutOwners(object: KubeObject, uids: ReadonlySet<string>): OwnerReference[] {
  return (object.metadata?.ownerReferences ?? []).filter(({ uid }) => !uids.has(uid));
}

export function withUnblockedOwners(object: KubeObject): OwnerReference[] {
  return (object.metadata?.ownerReferences ?? []).map((reference) => ({
    ...reference,
    blockOwnerDeletion: false,
  }));
}

/** Whether an update changed what the collector goes by: owners, finalizers or the deletion. */
export function matters(next: KubeObject, previous: KubeObject): boolean {
  const relevant = ({ metadata }: KubeObject) =>
    JSON.stringify([metadata?.ownerReferences, metadata?.finalizers, metadata?.deletionTimestamp]);
  return relevant(next) !== relevant(previous);
}

/** What an owner reference turned out to be. */
export type OwnerState =
  /** The owner exists. */
  | 'solid'
  /** It does not exist, or another object has its name. */
  | 'dangling'
  /** It exists and waits for its dependents to be deleted. */
  | 'waiting';

/** What to do about an object whose owners are known. */
export type Verdict =
  | { readonly action: 'keep' }
  /** It has a living owner; references to the others go. */
  | { readonly action: 'drop-references'; readonly uids: ReadonlySet<string> }
  | {
      readonly action: 'delete';
      readonly policy: 'Orphan' | 'Background' | 'Foreground';
      /** Part of a circle of foreground deletions: its references must stop blocking first. */
      readonly unblock: boolean;
    };

/**
 * What to do about an object, by the state of its owners (garbagecollector, attemptToDeleteItem).
 * @param owners each reference's uid with its state
 * @param dependents the objects that the object owns itself
 */
export function judge(
  object: KubeObject,
  owners: readonly { readonly uid: string; readonly state: OwnerState }[],
  dependents: readonly KubeObject[],
): Verdict {
  if (owners.length === 0) return { action: 'keep' };
  const gone = owners.filter(({ state }) => state !== 'solid');
  if (gone.length < owners.length) {
    if (gone.length === 0) return { action: 'keep' };
    return { action: 'drop-references', uids: new Set(gone.map(({ uid }) => uid)) };
  }
  if (owners.some(({ state }) => state === 'waiting') && dependents.length > 0) {
    return { action: 'delete', policy: 'Foreground', unblock: dependents.some(isDeletingDependents) };
  }
  const policy = hasFinalizer(object, FINALIZER_ORPHAN)
    ? 'Orphan'
    : hasFinalizer(object, FINALIZER_FOREGROUND)
      ? 'Foreground'
      : 'Background';
  return { action: 'delete', policy, unblock: false };
}
