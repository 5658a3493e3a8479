import {
  FINALIZER_PV_PROTECTION,
  FINALIZER_PVC_PROTECTION,
  persistentVolumeClaims,
  persistentVolumes,
  withFinalizer,
} from '../../kube/index.ts';
import type { AdmissionPlugin } from './contract.ts';

/** New claims and volumes get the finalizer that keeps them while they are in use. */
export const storageObjectInUseProtection: AdmissionPlugin = {
  name: 'StorageObjectInUseProtection',
  operations: ['CREATE'],
  resources: [persistentVolumeClaims, persistentVolumes],
  mutate: (object, { resource }) =>
    withFinalizer(
      object,
      resource.plural === persistentVolumes.plural ? FINALIZER_PV_PROTECTION : FINALIZER_PVC_PROTECTION,
    ),
};
