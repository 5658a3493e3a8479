import type { StorageClass } from '../../kube/index.ts';
import { type CsiSource, type Translation, translateZonalClass } from './translation.ts';

const DRIVER = 'disk.csi.azure.com';
const ZONE_KEY = 'topology.disk.csi.azure.com/zone';
const MANAGED = 'Managed';

interface DiskSource {
  readonly diskURI: string;
  readonly cachingMode?: string;
  readonly fsType?: string;
  readonly kind?: string;
  readonly readOnly?: boolean;
}

/** Source: azure_disk.go of k8s.io/csi-translation-lib. */
export const azureDisk: Translation = {
  plugin: 'kubernetes.io/azure-disk',
  driver: DRIVER,
  field: 'azureDisk',
  source: (volume) => csiSource(volume.spec!.azureDisk!),
  inline(volume) {
    const source = csiSource(volume.azureDisk!);
    return { name: source.volumeHandle, source, accessMode: 'ReadWriteOnce' };
  },
  // Zones of volumes are not translated: upstream's plugin does not, either.
  topology: (volume) => volume,
  storageClass: (storageClass) => withoutFailureDomains(translateZonalClass(storageClass, ZONE_KEY, {})),
  inTreeTopology: (volume) => volume,
  inTree({ volumeHandle, fsType = '', readOnly = false, volumeAttributes = {} }) {
    const attribute = (wanted: string) =>
      Object.entries(volumeAttributes).find(([name]) => name.toLowerCase() === wanted)?.[1];
    const cachingMode = attribute('cachingmode');
    return {
      value: {
        diskName: diskNameOf(volumeHandle),
        diskURI: volumeHandle,
        ...(cachingMode && { cachingMode }),
        fsType: attribute('fstype') || fsType,
        readOnly,
        kind: MANAGED,
      },
    };
  },
};

const MANAGED_PATH =
  /.*\/subscriptions\/(?:.*)\/resourceGroups\/(?:.*)\/providers\/Microsoft.Compute\/disks\/(.+)/;
const UNMANAGED_PATH = /http(?:.*):\/\/(?:.*)\/vhds\/(.+)/;

/** @throws Error */
export function diskNameOf(diskURI: string): string {
  const isUnmanaged = /^http./i.test(diskURI);
  const path = isUnmanaged ? UNMANAGED_PATH : MANAGED_PATH;
  const name = path.exec(diskURI)?.[1];
  if (name !== undefined) return name;
  throw new Error(
    `could not get disk name from ${diskURI}, correct format: ${path.source.replaceAll('\\/', '/')}`,
  );
}

function csiSource({ diskURI, cachingMode, fsType, kind, readOnly }: DiskSource): CsiSource {
  if (kind !== undefined && kind.toLowerCase() !== MANAGED.toLowerCase()) {
    throw new Error(`kind(${kind}) is not supported in csi migration`);
  }
  return {
    driver: DRIVER,
    volumeHandle: diskURI,
    readOnly,
    fsType,
    volumeAttributes: {
      kind: MANAGED,
      ...(cachingMode && { cachingmode: cachingMode }),
      ...(fsType !== undefined && { fstype: fsType }),
    },
  };
}

/** Where there are no zones, the in-tree plugin numbered failure domains; the driver wants an empty zone there. */
function withoutFailureDomains(storageClass: StorageClass): StorageClass {
  if (!storageClass.allowedTopologies) return storageClass;
  const allowedTopologies = storageClass.allowedTopologies.map((term) => ({
    ...term,
    matchLabelExpressions: term.matchLabelExpressions?.map((expression) =>
      expression.key === ZONE_KEY
        ? { ...expression, values: expression.values.map((zone) => (/^\d+$/.test(zone) ? '' : zone)) }
        : expression,
    ),
  }));
  return { ...storageClass, allowedTopologies };
}
