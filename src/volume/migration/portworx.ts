import { annotation } from '../../kube/index.ts';
import { type CsiSource, filled, renamedTo, type Translation, translateParameters } from './translation.ts';

const DRIVER = 'pxd.portworx.com';
const SECRET_NAME = 'openstorage.io/auth-secret-name';
const SECRET_NAMESPACE = 'openstorage.io/auth-secret-namespace';
/** The calls that the secret goes with. */
const CALLS = [
  'provisioner',
  'controller-publish',
  'node-stage',
  'node-publish',
  'controller-expand',
  'node-expand',
];
const secretParameters = (part: string) =>
  renamedTo(...CALLS.map((call) => `csi.storage.k8s.io/${call}-secret-${part}`));

interface PortworxSource {
  readonly volumeID: string;
  readonly fsType?: string;
}

/** Source: portworx.go of k8s.io/csi-translation-lib. */
export const portworx: Translation = {
  plugin: 'kubernetes.io/portworx-volume',
  driver: DRIVER,
  field: 'portworxVolume',
  source(volume) {
    const source = csiSource(volume.spec!.portworxVolume!);
    const name = annotation(volume, SECRET_NAME);
    const namespace = annotation(volume, SECRET_NAMESPACE);
    if (name === undefined || namespace === undefined) return source;
    const secret = { name, namespace };
    return {
      ...source,
      controllerPublishSecretRef: secret,
      nodeStageSecretRef: secret,
      nodePublishSecretRef: secret,
      controllerExpandSecretRef: secret,
      nodeExpandSecretRef: secret,
    };
  },
  inline(volume) {
    const { readOnly } = volume.portworxVolume!;
    const source = csiSource(volume.portworxVolume!);
    const accessMode = readOnly ? 'ReadOnlyMany' : 'ReadWriteOnce';
    return { name: `${DRIVER}-${source.volumeHandle}`, source, accessMode };
  },
  topology: (volume) => volume,
  storageClass(storageClass) {
    const parameters = translateParameters(storageClass.parameters, {
      [SECRET_NAME]: secretParameters('name'),
      [SECRET_NAMESPACE]: secretParameters('namespace'),
    });
    return { ...storageClass, provisioner: DRIVER, parameters };
  },
  inTreeTopology: (volume) => volume,
  inTree: ({ volumeHandle, fsType, readOnly }) => ({
    value: { volumeID: volumeHandle, ...filled({ fsType, readOnly }) },
  }),
};

function csiSource({ volumeID, fsType }: PortworxSource): CsiSource {
  return { driver: DRIVER, volumeHandle: volumeID, fsType, volumeAttributes: {} };
}
