import { annotation } from '../../kube/index.ts';
import { type CsiSource, filled, type Translation } from './translation.ts';

const DRIVER = 'file.csi.azure.com';
const RESOURCE_GROUP = 'kubernetes.io/azure-file-resource-group';

interface Share {
  readonly secretName: string;
  readonly shareName: string;
  readonly readOnly?: boolean;
}

/** Source: azure_file.go of k8s.io/csi-translation-lib. */
export const azureFile: Translation = {
  plugin: 'kubernetes.io/azure-file',
  driver: DRIVER,
  field: 'azureFile',
  source(volume) {
    const share = volume.spec!.azureFile!;
    const namespace = share.secretNamespace ?? volume.spec?.claimRef?.namespace;
    if (!namespace)
      throw new Error('could not find a secret namespace in PersistentVolumeSource or ClaimRef');
    const group = annotation(volume, RESOURCE_GROUP) ?? '';
    return csiSource(share, handleOf(share, group, volume.metadata?.name ?? '', namespace), namespace);
  },
  inline(volume, podNamespace) {
    const share = volume.azureFile!;
    const namespace = podNamespace || 'default';
    const handle = handleOf(share, '', volume.name, namespace);
    return { name: handle, source: csiSource(share, handle, namespace), accessMode: 'ReadWriteMany' };
  },
  topology: (volume) => volume,
  storageClass: (storageClass) => storageClass,
  inTreeTopology: (volume) => volume,
  inTree({ volumeHandle, readOnly, volumeAttributes = {}, nodeStageSecretRef }) {
    const attributes = Object.fromEntries(
      Object.entries(volumeAttributes).map(([name, value]) => [name.toLowerCase(), value]),
    );
    const secret = nodeStageSecretRef?.name ? nodeStageSecretRef : undefined;
    const shareName = attributes.sharename;
    const secretName = secret?.name ?? attributes.secretname;
    const fromHandle = shareName && secretName ? undefined : partsOf(volumeHandle);
    return {
      value: {
        secretName: secretName || `azure-storage-account-${fromHandle!.account}-secret`,
        shareName: shareName || fromHandle!.share,
        ...filled({ readOnly }),
        secretNamespace: (secret ? secret.namespace : attributes.secretnamespace) ?? 'default',
      },
      ...(fromHandle?.group && { annotations: { [RESOURCE_GROUP]: fromHandle.group } }),
    };
  },
};

/** GROUP#ACCOUNT#SHARE#DISK… @throws Error */
export function partsOf(volumeHandle: string) {
  const [group, account, share, disk = ''] = volumeHandle.split('#');
  if (group === undefined || account === undefined || share === undefined) {
    throw new Error(
      `error parsing volume id: ${JSON.stringify(volumeHandle)}, should at least contain two #`,
    );
  }
  return { group, account, share, disk };
}

function handleOf({ secretName, shareName }: Share, group: string, name: string, namespace: string): string {
  const account = /azure-storage-account-(.+)-secret/.exec(secretName)?.[1] ?? secretName;
  return [group, account, shareName, name, namespace].join('#');
}

function csiSource(
  { secretName, shareName, readOnly }: Share,
  volumeHandle: string,
  namespace: string,
): CsiSource {
  return {
    driver: DRIVER,
    volumeHandle,
    readOnly,
    volumeAttributes: { sharename: shareName },
    nodeStageSecretRef: { name: secretName, namespace },
  };
}
