import { annotation } from './metadata.ts';
import type { StorageClass, Stored } from './types.ts';
import { ANN_BETA_DEFAULT_STORAGE_CLASS, ANN_DEFAULT_STORAGE_CLASS } from './well-known.ts';

export function isDefaultClass(storageClass: StorageClass): boolean {
  return (
    annotation(storageClass, ANN_DEFAULT_STORAGE_CLASS) === 'true' ||
    annotation(storageClass, ANN_BETA_DEFAULT_STORAGE_CLASS) === 'true'
  );
}

/** The default class: of several, the newest; of equally old ones, the first by name (util.GetDefaultClass). */
export function defaultStorageClass(
  classes: Iterable<Stored<StorageClass>>,
): Stored<StorageClass> | undefined {
  let best: Stored<StorageClass> | undefined;
  for (const candidate of classes) {
    if (isDefaultClass(candidate) && (!best || isBefore(candidate, best))) best = candidate;
  }
  return best;
}

function isBefore(a: Stored<StorageClass>, b: Stored<StorageClass>): boolean {
  const [atA, atB] = [a.metadata.creationTimestamp, b.metadata.creationTimestamp];
  return atA === atB ? a.metadata.name < b.metadata.name : atA > atB;
}
