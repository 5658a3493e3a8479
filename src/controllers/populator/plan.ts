import {
  ANN_MIGRATED_TO,
  ANN_SELECTED_NODE,
  annotation,
  hasFinalizer,
  isBeingDeleted,
  type KubeObject,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
  type StorageClass,
  type Stored,
} from '../../kube/index.ts';

/** All that is known of a claim whose volume is to be filled. */
export interface World {
  readonly claim: Stored<PersistentVolumeClaim>;
  readonly source: Stored<KubeObject> | undefined;
  /** Of the claim; undefined when it names none, or that is not there. */
  readonly class: Stored<StorageClass> | undefined;
  readonly prime: Stored<PersistentVolumeClaim> | undefined;
  /** The pod that fills; undefined where functions do. */
  readonly pod: Stored<Pod> | undefined;
  /** The volume of the prime claim. */
  readonly volume: Stored<PersistentVolume> | undefined;
}

/** What to do next. After all but `protect` and `fill by functions` something changes that calls for another look. */
export type Step =
  | 'nothing'
  | 'tell that the source is missing'
  | 'protect the claim'
  | 'make the prime claim'
  | 'fill by functions'
  | 'make the pod'
  | 'delete the failed pod'
  | 'rebind the volume'
  | 'finish'
  | 'clean up';

/**
 * The next step for a claim. Source: syncPvc of lib-volume-populator, with two differences, both of the end: a claim that is
 * deleted lets go whatever has become of its source and its class, and one that got another volume meanwhile does not wait
 * for the volume that was filled. And a claim is protected before, not after, what its deletion would have to take away.
 */
export function nextStep(world: World, by: 'pod' | 'functions', finalizer: string): Step {
  const { claim, source, prime, pod, volume } = world;
  const isProtected = hasFinalizer(claim, finalizer);
  const has = claim.spec?.volumeName ?? '';
  if (isBeingDeleted(claim)) return isProtected || prime || pod ? 'clean up' : 'nothing';
  if (has !== '') {
    if (!isProtected && !prime && !pod) return 'nothing';
    const isTheirs = prime?.spec?.volumeName === has;
    return isTheirs && prime?.status?.phase !== 'Lost' ? 'nothing' : 'finish';
  }
  if (!source) return 'tell that the source is missing';
  if (!mayFill(world)) return 'nothing';
  if (!isProtected) return 'protect the claim';
  if (!prime) return 'make the prime claim';
  // Its volume has been taken from it for the claim.
  if (prime.status?.phase === 'Lost' && isOf(volume, claim)) return 'nothing';
  if (by === 'functions') {
    if (!prime.spec?.volumeName) return 'nothing';
    return isOf(volume, claim) ? 'nothing' : 'fill by functions';
  }
  if (!pod) return 'make the pod';
  if (pod.status?.phase === 'Failed') return isBeingDeleted(pod) ? 'nothing' : 'delete the failed pod';
  if (pod.status?.phase !== 'Succeeded' || !volume || isOf(volume, claim)) return 'nothing';
  return 'rebind the volume';
}

/** Whether a volume of the claim's class can be made now, for somebody else to fill. */
function mayFill({ claim, class: storageClass }: World): boolean {
  if (claim.spec?.storageClassName === undefined) return true;
  if (!storageClass) return false;
  const isInTree = storageClass.provisioner.startsWith('kubernetes.io/');
  if (isInTree && !annotation(claim, ANN_MIGRATED_TO)) return false;
  return storageClass.volumeBindingMode !== 'WaitForFirstConsumer' || selectedNode(claim) !== undefined;
}

/** The node that the claim's first pod is to run on. */
export function selectedNode(claim: PersistentVolumeClaim): string | undefined {
  return annotation(claim, ANN_SELECTED_NODE) || undefined;
}

/** Whether the volume is given to this very claim. */
function isOf(volume: PersistentVolume | undefined, { metadata }: Stored<PersistentVolumeClaim>): boolean {
  const reference = volume?.spec?.claimRef;
  return (
    reference?.name === metadata.name &&
    reference?.namespace === metadata.namespace &&
    reference?.uid === metadata.uid
  );
}
