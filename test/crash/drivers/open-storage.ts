import { join } from 'node:path';
import { storageDirectory } from './directories.ts';
import { diskStorage } from './disk-storage.ts';
import { nasStorage } from './nas-storage.ts';
import { ossStorage } from './oss-storage.ts';
import type { Storage } from './storage.ts';

export const DRIVER_KINDS = ['disk', 'nas', 'oss'] as const;
export type DriverKind = (typeof DRIVER_KINDS)[number];

export async function openStorage(kind: DriverKind, directory: string): Promise<Storage> {
  const open = { disk: diskStorage, nas: nasStorage, oss: ossStorage }[kind];
  return open(storageDirectory(directory), join(directory, 'pods'));
}
