import { dirname, join } from 'node:path';
import type { FileStat, Files } from '../../../host/index.ts';
import { executableOf } from './driver.ts';

/** A driver as found on disk. */
export interface FoundDriver {
  /** Its directory's name: VENDOR~DRIVER. */
  readonly directory: string;
  readonly executable: string;
  /** Changes with the executable. */
  readonly identity: string;
}

/** A directory to watch; one of another identity is another one at its path. */
export interface WatchedDirectory {
  readonly path: string;
  readonly identity: string;
}

/** What is there now, and what has to be watched to learn of the next change. */
export interface Found {
  readonly drivers: readonly FoundDriver[];
  readonly watched: readonly WatchedDirectory[];
}

/**
 * Looks for `DIRECTORY/VENDOR~DRIVER/DRIVER`. Names with a dot at the beginning are none: who installs a driver makes it
 * under such a name, and renames it. Where the directory is not there, what is to hold it is watched.
 */
export async function findDrivers(files: Files, directory: string): Promise<Found> {
  const watched = await directoryAt(files, directory);
  if (!watched) return { drivers: [], watched: [await nearest(files, directory)] };
  const names = (await files.list(directory)).filter((name) => !name.startsWith('.'));
  const found = await Promise.all(names.map((name) => findDriver(files, directory, name)));
  const present = found.filter((one) => one !== undefined);
  return {
    drivers: present.flatMap(({ driver }) => driver ?? []),
    watched: [watched, ...present.map((one) => one.watched)],
  };
}

async function findDriver(
  files: Files,
  directory: string,
  name: string,
): Promise<{ watched: WatchedDirectory; driver?: FoundDriver } | undefined> {
  const watched = await directoryAt(files, join(directory, name));
  if (!watched) return undefined;
  const executable = executableOf(directory, name);
  const stat = await follow(files, executable);
  if (stat?.kind !== 'file') return { watched };
  const { sizeBytes, modifiedAtMs, mode } = stat;
  const identity = [identityOf(stat), sizeBytes, modifiedAtMs, mode].join();
  return { watched, driver: { directory: name, executable, identity } };
}

/** The directory that is there and is to hold the path. */
async function nearest(files: Files, path: string): Promise<WatchedDirectory> {
  const parent = dirname(path);
  return (await directoryAt(files, parent)) ?? (await nearest(files, parent));
}

async function directoryAt(files: Files, path: string): Promise<WatchedDirectory | undefined> {
  const stat = await follow(files, path);
  return stat?.kind === 'directory' ? { path, identity: identityOf(stat) } : undefined;
}

function identityOf({ device, inode }: FileStat): string {
  return `${device}:${inode}`;
}

/** What links at the end of the path lead to; undefined where that is nothing. */
async function follow(files: Files, path: string): Promise<FileStat | undefined> {
  try {
    return await files.stat(await files.realPath(path));
  } catch {
    return undefined;
  }
}
