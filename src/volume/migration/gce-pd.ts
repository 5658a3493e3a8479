import { LABEL_ZONE, type PersistentVolume } from '../../kube/index.ts';
import { ZONES_DELIMITER } from './topology.ts';
import {
  CSI_FS_TYPE,
  type CsiSource,
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
};

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
  const regions = zones.map((zone) => {
    const parts = zone.split('-');
    if (parts.length === 3) return parts.slice(0, 2).join('-');
    throw new Error(
      `failed to get region from zones: zone in unexpected format, expected: {locale}-{region}-{zone}, got: ${zone}`,
    );
  });
  const [region, ...others] = new Set(regions);
  if (others.length === 0) return region!;
  throw new Error(
    `failed to get region from zones: multiple or no regions gotten from zones, got: ${regions}`,
  );
}
