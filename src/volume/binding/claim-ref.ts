import {
  ANN_BOUND_BY_CONTROLLER,
  isBoundToClaim,
  type PersistentVolume,
  type PersistentVolumeClaim,
  referenceTo,
  type Stored,
  withAnnotations,
} from '../../kube/index.ts';

/**
 * The volume, held for the claim; `undefined` when it is already. The annotation says that whoever undoes the binding
 * may take the reference away as well; without it, the volume's maker put it there (GetBindVolumeToClaim).
 */
export function withClaimRef(
  volume: Stored<PersistentVolume>,
  claim: Stored<PersistentVolumeClaim>,
): Stored<PersistentVolume> | undefined {
  const reference = volume.spec?.claimRef;
  const { name, namespace, uid } = claim.metadata;
  if (reference?.uid === uid && reference.name === name && reference.namespace === namespace)
    return undefined;
  const held = { ...volume, spec: { ...volume.spec, claimRef: referenceTo(claim) } };
  return isBoundToClaim(volume, claim) ? held : withAnnotations(held, { [ANN_BOUND_BY_CONTROLLER]: 'yes' });
}
