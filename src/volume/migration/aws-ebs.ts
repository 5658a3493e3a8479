import { awsRegionOf } from './regions.ts';
import {
  CSI_FS_TYPE,
  type CsiSource,
  filled,
  partitionOf,
  renamedTo,
  type Translation,
  translateZonalClass,
} from './translation.ts';

const DRIVER = 'ebs.csi.aws.com';
const ZONE_KEY = `topology.${DRIVER}/zone`;

interface EbsSource {
  readonly volumeID: string;
  readonly fsType?: string;
  readonly partition?: number;
  readonly readOnly?: boolean;
}

/** Source: aws_ebs.go of k8s.io/csi-translation-lib. */
export const awsEbs: Translation = {
  plugin: 'kubernetes.io/aws-ebs',
  driver: DRIVER,
  field: 'awsElasticBlockStore',
  zoneKey: ZONE_KEY,
  source: (volume) => csiSource(volume.spec!.awsElasticBlockStore!),
  inline(volume) {
    const source = csiSource(volume.awsElasticBlockStore!);
    return { name: `${DRIVER}-${source.volumeHandle}`, source, accessMode: 'ReadWriteOnce' };
  },
  storageClass: (storageClass) =>
    translateZonalClass(storageClass, ZONE_KEY, {
      fstype: renamedTo(CSI_FS_TYPE),
      // What was too slow for a small volume was raised by the plugin, and is by the driver when it is told to.
      iopspergb: (value, name) => ({ [name]: value, allowautoiopspergbincrease: 'true' }),
    }),
  inTree(source) {
    const { volumeHandle, fsType, readOnly } = source;
    const partition = partitionOf(source, 'failed');
    return { value: { volumeID: volumeHandle, ...filled({ fsType, partition, readOnly }) } };
  },
  regionOf: awsRegionOf,
};

function csiSource({ volumeID, fsType, partition = 0, readOnly }: EbsSource): CsiSource {
  return {
    driver: DRIVER,
    volumeHandle: handleOf(volumeID),
    readOnly,
    fsType,
    volumeAttributes: { partition: String(partition) },
  };
}

/** `aws://ZONE/vol-ID`, `aws:///vol-ID` or the id itself. */
function handleOf(volumeID: string): string {
  const scheme = 'aws://';
  if (!volumeID.startsWith(scheme)) return volumeID;
  const path = volumeID.slice(scheme.length);
  const slash = path.indexOf('/');
  const id = (slash < 0 ? '' : path.slice(slash)).replace(/^\/+|\/+$/g, '');
  if (/^vol-[^/]*$/.test(id)) return id;
  throw new Error(
    `failed to translate Kubernetes ID to EBS Volume ID Invalid format for AWS volume (${volumeID})`,
  );
}
