import { annotation } from '../../kube/index.ts';
import type { CsiSource, Translation } from './translation.ts';

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
};

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
