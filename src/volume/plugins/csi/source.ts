import type { VolumeSpec } from '../../plugin.ts';
import { ephemeralHandle } from './names.ts';
import type { SecretReference } from './secret-data.ts';

export type LifecycleMode = 'Persistent' | 'Ephemeral';

/** What a spec says about its CSI volume, wherever it is written. */
export interface CsiSource {
  readonly mode: LifecycleMode;
  readonly driver: string;
  readonly handle: string;
  readonly fsType: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly readOnly: boolean;
  /** The first access mode counts. */
  readonly accessMode: string;
  readonly mountOptions: readonly string[];
  readonly stageSecret?: SecretReference;
  readonly publishSecret?: SecretReference;
  readonly expandSecret?: SecretReference;
}

/** The source of a PersistentVolume. @throws Error if the spec has none. */
export function persistentSource(spec: VolumeSpec): CsiSource {
  const csi = spec.persistentVolume?.spec?.csi;
  if (!csi) throw new Error('kubernetes.io/csi: volume source not found in volume.Spec');
  return {
    mode: 'Persistent',
    driver: csi.driver,
    handle: csi.volumeHandle,
    fsType: csi.fsType ?? '',
    attributes: csi.volumeAttributes ?? {},
    readOnly: spec.readOnly,
    accessMode: spec.persistentVolume?.spec?.accessModes?.[0] ?? 'ReadWriteOnce',
    mountOptions: spec.persistentVolume?.spec?.mountOptions ?? [],
    stageSecret: reference(csi.nodeStageSecretRef),
    publishSecret: reference(csi.nodePublishSecretRef),
    expandSecret: reference(csi.nodeExpandSecretRef),
  };
}

/** The source of either kind. `pod` owns the volume that is written in it. */
export function sourceOf(spec: VolumeSpec, pod: { namespace?: string; uid: string }): CsiSource {
  const csi = spec.volume?.csi;
  if (!csi) return persistentSource(spec);
  const secret = csi.nodePublishSecretRef?.name;
  return {
    mode: 'Ephemeral',
    driver: csi.driver,
    handle: ephemeralHandle(pod.uid, spec.name),
    fsType: csi.fsType ?? '',
    attributes: csi.volumeAttributes ?? {},
    readOnly: csi.readOnly ?? false,
    accessMode: 'ReadWriteOnce',
    mountOptions: [],
    publishSecret: secret ? { namespace: pod.namespace, name: secret } : undefined,
  };
}

export function isPersistent(spec: VolumeSpec): boolean {
  return spec.persistentVolume?.spec?.csi !== undefined;
}

export function driverOf(spec: VolumeSpec): string | undefined {
  return spec.persistentVolume?.spec?.csi?.driver ?? spec.volume?.csi?.driver;
}

function reference(ref: { readonly name?: string; readonly namespace?: string } | undefined) {
  return ref?.name ? { namespace: ref.namespace, name: ref.name } : undefined;
}
