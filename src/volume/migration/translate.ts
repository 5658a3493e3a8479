import type { PersistentVolume, StorageClass, Stored, Volume } from '../../kube/index.ts';
import type { VolumeSpec } from '../plugin.ts';
import { TRANSLATIONS } from './registry.ts';
import { toDriverTopology } from './topology.ts';
import type { Translation } from './translation.ts';

/** The in-tree plugin that a volume was written for, if a driver took over from it. */
export function migratedPluginOf(source: PersistentVolume | Volume): string | undefined {
  return translationOf(source)?.plugin;
}

/**
 * The volume as the driver that took over sees it; the same volume when none did.
 * @throws Error when it cannot be told. Source: TranslateInTreePVToCSI.
 */
export function translateVolume<T extends PersistentVolume>(volume: T): T {
  const translation = translationOf(volume);
  if (!translation) return volume;
  const { field, zoneKey, topology, accessModes } = translation;
  const placed = topology ? topology(volume) : zoneKey ? toDriverTopology(volume, zoneKey) : volume;
  const { [field]: _, ...spec } = { ...placed.spec, csi: translation.source(volume) };
  const modes = spec.accessModes;
  return {
    ...volume,
    ...placed,
    spec: { ...spec, ...(modes && accessModes && { accessModes: accessModes(modes) }) },
  };
}

/**
 * A volume that is written in a pod, as a PersistentVolume of the driver that took over; undefined when none did.
 * @throws Error when it cannot be told. Source: TranslateInTreeInlineVolumeToCSI.
 */
export function translateInlineVolume(
  volume: Volume,
  podNamespace: string,
): Stored<PersistentVolume> | undefined {
  const translation = translationOf(volume);
  if (!translation) return undefined;
  const { name, source, accessMode } = translation.inline(volume, podNamespace);
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    // The server does not know it.
    metadata: { name, uid: '', resourceVersion: '', creationTimestamp: '' },
    spec: { csi: source, accessModes: [accessMode], volumeMode: 'Filesystem' },
  };
}

/** The class as the driver that took over from its provisioner reads it; the same class when none did. */
export function translateStorageClass<T extends StorageClass>(storageClass: T): T {
  const translation = TRANSLATIONS.find(({ plugin }) => plugin === storageClass.provisioner);
  return translation ? { ...storageClass, ...translation.storageClass(storageClass) } : storageClass;
}

/**
 * What nodes and controllers really attach and mount.
 * @throws Error in upstream's words. Source: TranslateInTreeSpecToCSI.
 */
export function translateSpec(spec: VolumeSpec, podNamespace: string): VolumeSpec {
  const { volume, persistentVolume } = spec;
  const source = persistentVolume ?? volume;
  if (!source || !translationOf(source)) return spec;
  try {
    const translated = persistentVolume
      ? translateVolume(persistentVolume)
      : translateInlineVolume(volume!, podNamespace)!;
    const { name } = translated.metadata;
    const isInlineMigrated = persistentVolume === undefined;
    return {
      name,
      persistentVolume: translated,
      readOnly: spec.readOnly,
      ...(isInlineMigrated && { isInlineMigrated }),
      isMigrated: true,
    };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`failed to translate in-tree pv to CSI: ${why}`, { cause: error });
  }
}

function translationOf(source: PersistentVolume | Volume): Translation | undefined {
  const fields = ('spec' in source ? source.spec : source) as
    | { readonly [field: string]: unknown }
    | undefined;
  return fields && TRANSLATIONS.find(({ field }) => fields[field] !== undefined && fields[field] !== null);
}
