import {
  ANN_BETA_DEFAULT_STORAGE_CLASS,
  ANN_BETA_STORAGE_CLASS,
  ANN_DEFAULT_STORAGE_CLASS,
  type PersistentVolumeClaim,
  persistentVolumeClaims,
  type StorageClass,
  type Stored,
  storageClasses,
} from '../../kube/index.ts';
import type { AdmissionPlugin } from './contract.ts';

/**
 * The class that claims without one get: the newest default, of equally old ones the first by name
 * (pkg/volume/util GetDefaultClass). `undefined` when there is none.
 */
export function defaultStorageClass(
  classes: Iterable<Stored<StorageClass>>,
): Stored<StorageClass> | undefined {
  let best: Stored<StorageClass> | undefined;
  for (const one of classes) {
    const { annotations, creationTimestamp, name } = one.metadata;
    const isDefault =
      annotations?.[ANN_DEFAULT_STORAGE_CLASS] === 'true' ||
      annotations?.[ANN_BETA_DEFAULT_STORAGE_CLASS] === 'true';
    if (!isDefault) continue;
    if (
      !best ||
      creationTimestamp > best.metadata.creationTimestamp ||
      (creationTimestamp === best.metadata.creationTimestamp && name < best.metadata.name)
    ) {
      best = one;
    }
  }
  return best;
}

/** A claim that says nothing about its class gets the default one; '' says: none. */
export const defaultStorageClassPlugin: AdmissionPlugin = {
  name: 'DefaultStorageClass',
  operations: ['CREATE'],
  resources: [persistentVolumeClaims],
  mutate(object, { reader }) {
    const claim = object as PersistentVolumeClaim;
    if (claim.spec?.storageClassName !== undefined) return claim;
    if (claim.metadata?.annotations?.[ANN_BETA_STORAGE_CLASS] !== undefined) return claim;
    const found = defaultStorageClass(reader.list(storageClasses));
    if (!found) return claim;
    return {
      ...claim,
      spec: { ...claim.spec, storageClassName: found.metadata.name },
    } as PersistentVolumeClaim;
  },
};
