import {
  claimClass,
  compareQuantity,
  forbidden,
  type PersistentVolumeClaim,
  persistentVolumeClaims,
  storageClasses,
} from '../../kube/index.ts';
import type { AdmissionPlugin } from './contract.ts';

/** A claim grows only when it is bound and its class allows it. */
export const persistentVolumeClaimResize: AdmissionPlugin = {
  name: 'PersistentVolumeClaimResize',
  operations: ['UPDATE'],
  resources: [persistentVolumeClaims],
  validate({ object, previous, name, reader }) {
    const next = object as PersistentVolumeClaim;
    const old = previous as PersistentVolumeClaim;
    const size = (claim: PersistentVolumeClaim) => claim.spec?.resources?.requests?.storage;
    if (compareQuantity(size(next), size(old)) <= 0) return;
    const refuse = (why: string) => forbidden(persistentVolumeClaims, name, why);
    if (old.status?.phase !== 'Bound') throw refuse('Only bound persistent volume claims can be expanded');
    const className = claimClass(next);
    const sameClass = className !== '' && className === claimClass(old);
    if (sameClass && reader.get(storageClasses, undefined, className)?.allowVolumeExpansion) return;
    throw refuse(
      'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize',
    );
  },
};
