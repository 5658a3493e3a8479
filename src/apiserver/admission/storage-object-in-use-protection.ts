import {
  FINALIZER_PV_PROTECTION,
  FINALIZER_PVC_PROTECTION,
  FINALIZER_VAC_PROTECTION,
  persistentVolumeClaims,
  persistentVolumes,
  volumeAttributesClasses,
  withFinalizer,
} from '../../kube/index.ts';
import type { AdmissionPlugin } from './contract.ts';

const FINALIZERS: Readonly<Record<string, string>> = {
  [persistentVolumeClaims.plural]: FINALIZER_PVC_PROTECTION,
  [persistentVolumes.plural]: FINALIZER_PV_PROTECTION,
  [volumeAttributesClasses.plural]: FINALIZER_VAC_PROTECTION,
};

/** New claims, volumes and attributes classes get the finalizer that keeps them while they are in use. */
export const storageObjectInUseProtection: AdmissionPlugin = {
  name: 'StorageObjectInUseProtection',
  operations: ['CREATE'],
  resources: [persistentVolumeClaims, persistentVolumes, volumeAttributesClasses],
  mutate: (object, { resource }) => withFinalizer(object, FINALIZERS[resource.plural]!),
};
