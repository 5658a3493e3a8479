import { isControlledBy } from './metadata.ts';
import type { PersistentVolume, PersistentVolumeClaim, Pod, Stored, Volume } from './types.ts';
import { ANN_BETA_STORAGE_CLASS } from './well-known.ts';

// What controllers, scheduler, sidecars and node must all read from claims and volumes in the same way.
// Source: component-helpers, storage/volume and storage/ephemeral.

/** The class a claim asks for; '' when it asks for none. The beta annotation goes before the field. */
export function claimClass(claim: PersistentVolumeClaim): string {
  return claim.metadata?.annotations?.[ANN_BETA_STORAGE_CLASS] ?? claim.spec?.storageClassName ?? '';
}

/** Whether the claim says anything about its class: '' is an answer, too. */
export function claimNamesClass(claim: PersistentVolumeClaim): boolean {
  return (
    claim.metadata?.annotations?.[ANN_BETA_STORAGE_CLASS] !== undefined ||
    (claim.spec?.storageClassName ?? undefined) !== undefined
  );
}

/** The class of a volume; '' when it has none. */
export function volumeClass(volume: PersistentVolume): string {
  return volume.metadata?.annotations?.[ANN_BETA_STORAGE_CLASS] ?? volume.spec?.storageClassName ?? '';
}

/** Filesystem unless Block is asked for. */
export function volumeModeOf(object: PersistentVolume | PersistentVolumeClaim): string {
  return object.spec?.volumeMode ?? 'Filesystem';
}

/** Whether the volume has every access mode that the claim asks for. */
export function hasAccessModes(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  const offered = volume.spec?.accessModes ?? [];
  return (claim.spec?.accessModes ?? []).every((mode) => offered.includes(mode));
}

/** Whether the volume is bound to this very claim, or reserved for a claim of its name. */
export function isBoundToClaim(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  const reference = volume.spec?.claimRef;
  return (
    reference !== undefined &&
    reference.name === claim.metadata?.name &&
    reference.namespace === claim.metadata?.namespace &&
    (!reference.uid || reference.uid === claim.metadata?.uid)
  );
}

/** The name of the claim behind a pod's volume: named by it, or made for it (generic ephemeral). */
export function claimNameOf(pod: Pod, volume: Volume): string | undefined {
  if (volume.persistentVolumeClaim) return volume.persistentVolumeClaim.claimName;
  return volume.ephemeral ? `${pod.metadata?.name}-${volume.name}` : undefined;
}

/** The name of the informers' index over claimKeysOf; who asks for it by this name shares it (PodPVCIndex). */
export const POD_PVC_INDEX = 'pod-pvc-index';

/** `namespace/name` of every claim that the pod's volumes refer to. */
export function claimKeysOf(pod: Pod): readonly string[] {
  const keys: string[] = [];
  for (const volume of pod.spec?.volumes ?? []) {
    const name = claimNameOf(pod, volume);
    if (name !== undefined) keys.push(`${pod.metadata?.namespace}/${name}`);
  }
  return keys;
}

/** Why a claim is not the one made for the pod's ephemeral volume; `undefined` when it is (ephemeral.VolumeIsForPod). */
export function notMadeFor(pod: Stored<Pod>, claim: PersistentVolumeClaim): string | undefined {
  const { namespace, name } = pod.metadata;
  if (claim.metadata?.namespace === namespace && isControlledBy(claim, pod)) return undefined;
  return `PVC ${claim.metadata?.namespace}/${claim.metadata?.name} was not created for pod ${namespace}/${name} (pod is not owner)`;
}

/** The attributes classes that the claim has, had until a change that is under way, or shall have. */
export function attributesClassNames({ spec, status }: PersistentVolumeClaim): readonly string[] {
  const names = [
    spec?.volumeAttributesClassName,
    status?.currentVolumeAttributesClassName,
    status?.modifyVolumeStatus?.targetVolumeAttributesClassName,
  ];
  return names.filter((name): name is string => Boolean(name));
}
