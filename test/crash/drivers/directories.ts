import { join } from 'node:path';

/** Where a driver keeps its volumes, or what it knows of them. */
export function storageDirectory(directory: string): string {
  return join(directory, 'storage');
}
