import type { PersistentVolume, Stored, Volume } from '../kube/index.ts';
import type { VolumeSpec } from './plugin.ts';

/**
 * A volume that is written in the pod itself. What comes from the API is the node's to write: a container that could
 * would choose, by a link, what the node replaces (Attributes.ReadOnly of the configMap and secret plugins). An image is
 * everybody's. What asks for read-only itself is so in containers too, whatever its driver makes of it.
 */
export function specFromVolume(volume: Volume): VolumeSpec {
  const fromApi = (volume.configMap ?? volume.secret ?? volume.downwardAPI ?? volume.projected) !== undefined;
  const { csi, flexVolume, nfs, iscsi, fc } = volume;
  const asked = [csi, flexVolume, nfs, iscsi, fc].some((source) => source?.readOnly);
  return { name: volume.name, volume, readOnly: fromApi || volume.image !== undefined || asked };
}

/** A bound PersistentVolume; `readOnly` as the pod's claim reference asks. */
export function specFromPersistentVolume(
  persistentVolume: Stored<PersistentVolume>,
  readOnly: boolean,
): VolumeSpec {
  return { name: persistentVolume.metadata.name, persistentVolume, readOnly };
}

/** The claim that the volume is bound to, as `namespace/name`: the journey that its trace records belong to. */
export function claimOf(spec: VolumeSpec): string | undefined {
  const claim = spec.persistentVolume?.spec?.claimRef;
  return claim?.namespace && claim.name ? `${claim.namespace}/${claim.name}` : undefined;
}

/** PersistentVolume.spec.mountOptions, or the annotation that came before it (MountOptionFromSpec). */
export function mountOptionsOf(spec: VolumeSpec): readonly string[] {
  const volume = spec.persistentVolume;
  if (!volume) return [];
  const annotation = volume.metadata.annotations?.['volume.beta.kubernetes.io/mount-options'];
  return annotation ? annotation.split(',') : (volume.spec?.mountOptions ?? []);
}

/** Each option once, sorted (JoinMountOptions). */
export function joinMountOptions(...lists: readonly (readonly string[])[]): string[] {
  return [...new Set(lists.flat())].filter((option) => option !== '').sort();
}
