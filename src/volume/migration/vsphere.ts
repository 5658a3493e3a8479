import { topologyLabels, topologyValues, withKeyReplaced, withLabels, withTopology } from './topology.ts';
import {
  CSI_FS_TYPE,
  type CsiSource,
  filled,
  type ParameterRules,
  renamedTo,
  type Translation,
  translatedTopologies,
  translateParameters,
} from './translation.ts';

const DRIVER = 'csi.vsphere.vmware.com';
const ZONE_KEY = 'topology.csi.vmware.com/zone';
const REGION_KEY = 'topology.csi.vmware.com/region';
const POLICY = 'storagepolicyname';
/** Where the driver tells the path by which the plugin knew the volume. */
const FILE_PATH = 'initialvolumefilepath';

/** The driver takes these from the plugin's classes only under these names. */
const MIGRATED_PARAMETERS = [
  'datastore',
  'diskformat',
  'hostfailurestotolerate',
  'forceprovisioning',
  'cachereservation',
  'diskstripes',
  'objectspacereservation',
  'iopslimit',
];
const RULES: ParameterRules = {
  fstype: renamedTo(CSI_FS_TYPE),
  [POLICY]: renamedTo(POLICY),
  ...Object.fromEntries(MIGRATED_PARAMETERS.map((name) => [name, renamedTo(`${name}-migrationparam`)])),
};

interface DiskSource {
  readonly volumePath: string;
  readonly fsType?: string;
  readonly storagePolicyName?: string;
}

/** Source: vsphere_volume.go of k8s.io/csi-translation-lib. */
export const vsphere: Translation = {
  plugin: 'kubernetes.io/vsphere-volume',
  driver: DRIVER,
  field: 'vsphereVolume',
  source: (volume) => csiSource(volume.spec!.vsphereVolume!),
  inline(volume) {
    const source = csiSource(volume.vsphereVolume!);
    return { name: `${DRIVER}-${source.volumeHandle}`, source, accessMode: 'ReadWriteOnce' };
  },
  /** Zone and region both, each as it is, from the affinity or else from the label. */
  topology(volume) {
    const labels = topologyLabels(volume);
    const pairs = [
      [labels.zone, ZONE_KEY],
      [labels.region, REGION_KEY],
    ] as const;
    return pairs.reduce((translated, [label, key]) => {
      if (topologyValues(volume, label).length > 0) return withKeyReplaced(translated, label, key);
      return withTopology(translated, key, [volume.metadata?.labels?.[label] ?? '']);
    }, volume);
  },
  storageClass(storageClass) {
    const known = Object.entries(storageClass.parameters ?? {}).filter(
      ([name]) => name.toLowerCase() in RULES,
    );
    return {
      ...storageClass,
      // By this the driver tells a request for a migrated volume.
      parameters: { ...translateParameters(Object.fromEntries(known), RULES), csimigration: 'true' },
      ...translatedTopologies(storageClass, ZONE_KEY),
    };
  },
  inTree: ({ fsType, volumeAttributes }) => ({
    value: { volumePath: volumeAttributes?.[FILE_PATH] ?? '', ...filled({ fsType }) },
  }),
  /** Zone and region both; of several the first is the label. */
  inTreeTopology(volume) {
    const labels = topologyLabels(volume);
    const pairs = [
      [labels.zone, ZONE_KEY],
      [labels.region, REGION_KEY],
    ] as const;
    const replaced = pairs.reduce((next, [label, key]) => withKeyReplaced(next, key, label), volume);
    return pairs.reduce((next, [label]) => {
      const [first] = topologyValues(next, label);
      return first === undefined ? next : withLabels(next, { [label]: first });
    }, replaced);
  },
};

function csiSource({ volumePath, fsType, storagePolicyName }: DiskSource): CsiSource {
  const volumeAttributes: Record<string, string> = storagePolicyName ? { [POLICY]: storagePolicyName } : {};
  return { driver: DRIVER, volumeHandle: volumePath, fsType, volumeAttributes };
}
