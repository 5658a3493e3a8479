import {
  claimNamesClass,
  defaultStorageClass,
  type PersistentVolumeClaim,
  persistentVolumeClaims,
  storageClasses,
} from '../../kube/index.ts';
import type { AdmissionPlugin } from './contract.ts';

/** A claim that says nothing about its class gets the default one; '' says: none. */
export const defaultStorageClassPlugin: AdmissionPlugin = {
  name: 'DefaultStorageClass',
  operations: ['CREATE'],
  resources: [persistentVolumeClaims],
  mutate(object, { reader }) {
    const claim = object as PersistentVolumeClaim;
    if (claimNamesClass(claim)) return claim;
    const found = defaultStorageClass(reader.list(storageClasses));
    if (!found) return claim;
    return {
      ...claim,
      spec: { ...claim.spec, storageClassName: found.metadata.name },
    } as PersistentVolumeClaim;
  },
};
