import { errorMessage } from '../../base/index.ts';
import { LABEL_ZONE, type PersistentVolume } from '../../kube/index.ts';
import { gceRegionOf } from './regions.ts';
import { ZONES_DELIMITER } from './topology.ts';
import {
  CSI_FS_TYPE,
  type CsiSource,
  filled,
  partitionOf,
  renamedTo,
  type Translation,
  translateZonalClass,
} from './translation.ts';

const DRIVER = 'pd.csi.storage.gke.io';
const ZONE_KEY = 'topology.gke.io/zone';
const UNSPECIFIED = 'UNSPECIFIED';

interface DiskSource {
  readonly pdName: string;
  readonly fsType?: string;
  readonly partition?: number;
  readonly readOnly?: boolean;
}

/** Source: gce_pd.go of k8s.io/csi-translation-lib. */
export const gcePd: Translation = {
  plugin: 'kubernetes.io/gce-pd',
  driver: DRIVER,
  field: 'gcePersistentDisk',
  zoneKey: ZONE_KEY,
  source(volume) {
    const source = volume.spec!.gcePersistentDisk!;
    return csiSource(source, `projects/${UNSPECIFIED}/${placeOf(volume)}/disks/${source.pdName}`);
  },
  inline(volume) {
    const source = volume.gcePersistentDisk!;
    const handle = `projects/${UNSPECIFIED}/zones/${UNSPECIFIED}/disks/${source.pdName}`;
    return {
      name: `${DRIVER}-${source.pdName}`,
      source: csiSource(source, handle),
      accessMode: source.readOnly ? 'ReadOnlyMany' : 'ReadWriteOnce',
    };
  },
  // The plugin never enforced modes; the driver refuses what a disk cannot do.
  accessModes: (modes) =>
    modes.length > 0 && modes.every((mode) => mode === 'ReadOnlyMany') ? ['ReadOnlyMany'] : ['ReadWriteOnce'],
  storageClass: (storageClass) =>
    translateZonalClass(storageClass, ZONE_KEY, { fstype: renamedTo(CSI_FS_TYPE) }),
  inTree(source) {
    const { volumeHandle, fsType, readOnly } = source;
    const parts = volumeHandle.split('/');
    if (parts.length < HANDLE_PARTS) {
      throw new Error(
        `failed to get id components.Got: ${parts.length}, wanted ${HANDLE_PARTS} components or more. `,
      );
    }
    const partition = partitionOf(source, 'Failed');
    return { value: { pdName: parts[5]!, ...filled({ fsType, partition, readOnly }) } };
  },
  regionOf: gceRegionOf,
  repairHandle: wholeHandle,
};

/** projects/PROJECT/zones/ZONE/disks/NAME, or regions/REGION in its middle. */
const HANDLE_PARTS = 6;

/** A volume of the plugin says nothing of its project, and not always where it is: the node that uses it does. */
function wholeHandle(volumeHandle: string, nodeId: string): string {
  const parts = volumeHandle.split('/');
  requireParts('volume', parts);
  const [, project, kind, place, , disk] = parts;
  if (project !== UNSPECIFIED) return volumeHandle;
  const nodeParts = nodeId.split('/');
  requireParts('node', nodeParts);
  const [, nodeProject, , nodeZone] = nodeParts;
  if (kind !== 'zones' && kind !== 'regions') {
    throw new Error(`expected volume handle to have zones or regions regionality value, got: ${kind}`);
  }
  const ofNode = () => (kind === 'zones' ? nodeZone! : nodeRegion(nodeZone!));
  return `projects/${nodeProject}/${kind}/${place === UNSPECIFIED ? ofNode() : place}/disks/${disk}`;
}

function requireParts(what: string, parts: readonly string[]): void {
  if (parts.length >= HANDLE_PARTS) return;
  throw new Error(
    `${what} handle has wrong number of elements; got ${parts.length}, wanted ${HANDLE_PARTS} or more`,
  );
}

function nodeRegion(zone: string): string {
  try {
    return gceRegionOf([zone]);
  } catch (error) {
    throw new Error(`failed to get region from zone ${zone}: ${errorMessage(error)}`, { cause: error });
  }
}

function csiSource({ fsType, partition, readOnly }: DiskSource, volumeHandle: string): CsiSource {
  const volumeAttributes = { partition: partition ? String(partition) : '' };
  return { driver: DRIVER, volumeHandle, readOnly, fsType, volumeAttributes };
}

/** `zones/ZONE`, or `regions/REGION` of a disk that is in several zones. */
function placeOf({ metadata }: PersistentVolume): string {
  const label =
    metadata?.labels?.['failure-domain.beta.kubernetes.io/zone'] || metadata?.labels?.[LABEL_ZONE];
  const zones = label?.split(ZONES_DELIMITER) ?? [];
  return zones.length > 1 ? `regions/${regionOf(zones)}` : `zones/${zones[0] ?? UNSPECIFIED}`;
}

function regionOf(zones: readonly string[]): string {
  try {
    return gceRegionOf(zones);
  } catch (error) {
    throw new Error(`failed to get region from zones: ${errorMessage(error)}`, { cause: error });
  }
}
