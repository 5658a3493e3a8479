import { errorMessage } from '../../base/index.ts';
import { type PersistentVolume, withAnnotations } from '../../kube/index.ts';
import { toInTreeTopology } from './in-tree-topology.ts';
import { TRANSLATIONS } from './registry.ts';
import type { Translation } from './translation.ts';

/**
 * A volume that a driver has made, as the in-tree plugin would have: so that it is one of the class that named the plugin.
 * @throws Error when it is of no such driver, or cannot be told. Source: TranslateCSIPVToInTree.
 */
export function translateVolumeToInTree<T extends PersistentVolume>(volume: T): T {
  const source = volume.spec?.csi;
  if (!source) throw new Error('CSI persistent volume source was nil');
  const translation = TRANSLATIONS.find(({ driver }) => driver === source.driver);
  if (!translation) throw new Error(`could not find in-tree plugin translation logic for ${source.driver}`);
  const { value, annotations } = translation.inTree(source);
  const placed = placedInTree(volume, translation);
  const { csi: _, ...spec } = placed.spec ?? {};
  const inTree = { ...volume, ...placed, spec: { ...spec, [translation.field]: value } };
  return annotations ? withAnnotations(inTree, annotations) : inTree;
}

function placedInTree(volume: PersistentVolume, translation: Translation): PersistentVolume {
  const { inTreeTopology, zoneKey, regionOf } = translation;
  try {
    if (inTreeTopology) return inTreeTopology(volume);
    return zoneKey ? toInTreeTopology(volume, zoneKey, regionOf) : volume;
  } catch (error) {
    const name = volume.metadata?.name ?? '';
    throw new Error(`failed to translate topology. PV:${name}. Error:${errorMessage(error)}`, {
      cause: error,
    });
  }
}

/**
 * The id by which a driver lists a volume, of the id that was made of an in-tree volume and does not say all.
 * @throws Error. Source: RepairVolumeHandle.
 */
export function repairVolumeHandle(driverName: string, volumeHandle: string, nodeId: string): string {
  const repair = TRANSLATIONS.find(({ driver }) => driver === driverName)?.repairHandle;
  return repair ? repair(volumeHandle, nodeId) : volumeHandle;
}
