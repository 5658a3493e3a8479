import type { Host, MountEntry } from '../../host/index.ts';
import { usesOf } from '../shared/mounted.ts';
import type { Place } from './context.ts';
import type { NasVolume } from './record.ts';
import { type Sites, sourceOf } from './sites.ts';

/** What is mounted, as the mount table names it: a directory of this machine, or one of an export. */
export interface MountSource {
  readonly source: string;
  readonly isExport: boolean;
}

export function mountSourceOf({ export: from, path }: Place, directory: string): MountSource {
  return from
    ? { source: sourceOf(from, path), isExport: true }
    : { source: `${directory}/${path}`, isExport: false };
}

/** The mounts of it in the table. */
export async function mountsOf(
  host: Pick<Host, 'files'>,
  mounts: readonly MountEntry[],
  { source, isExport }: MountSource,
): Promise<readonly MountEntry[]> {
  if (isExport) return mounts.filter((entry) => /^nfs4?$/.test(entry.fsType) && entry.source === source);
  // A directory that is gone is mounted nowhere.
  return (await host.files.stat(source))?.kind === 'directory' ? usesOf(host, mounts, source) : [];
}

/** Where on this machine a volume is mounted; others nobody can ask. */
export async function usersOf(host: Host, sites: Sites, volume: NasVolume): Promise<readonly string[]> {
  const { directory } = sites;
  const table = await host.mounts.list();
  const found = await mountsOf(host, table, mountSourceOf(volume, directory));
  return found.map(({ target }) => target);
}
