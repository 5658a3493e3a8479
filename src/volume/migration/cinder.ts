import {
  CSI_FS_TYPE,
  type CsiSource,
  filled,
  renamedTo,
  type Translation,
  translatedTopologies,
  translateParameters,
} from './translation.ts';

const DRIVER = 'cinder.csi.openstack.org';
const ZONE_KEY = 'topology.cinder.csi.openstack.org/zone';

interface CinderSource {
  readonly volumeID: string;
  readonly fsType?: string;
  readonly readOnly?: boolean;
}

/** Source: openstack_cinder.go of k8s.io/csi-translation-lib. */
export const cinder: Translation = {
  plugin: 'kubernetes.io/cinder',
  driver: DRIVER,
  field: 'cinder',
  zoneKey: ZONE_KEY,
  source: (volume) => csiSource(volume.spec!.cinder!),
  inline(volume) {
    const source = csiSource(volume.cinder!);
    return { name: `${DRIVER}-${source.volumeHandle}`, source, accessMode: 'ReadWriteOnce' };
  },
  // The driver knows `availability`, so that it does not become a topology.
  storageClass: (storageClass) => ({
    ...storageClass,
    parameters: translateParameters(storageClass.parameters, { fstype: renamedTo(CSI_FS_TYPE) }),
    ...translatedTopologies(storageClass, ZONE_KEY),
  }),
  inTree: ({ volumeHandle, fsType, readOnly }) => ({
    value: { volumeID: volumeHandle, ...filled({ fsType, readOnly }) },
  }),
};

function csiSource({ volumeID, fsType, readOnly }: CinderSource): CsiSource {
  return { driver: DRIVER, volumeHandle: volumeID, readOnly, fsType, volumeAttributes: {} };
}
