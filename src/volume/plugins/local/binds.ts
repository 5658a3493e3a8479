import type { MountEntry } from '../../../host/index.ts';

/**
 * Where else a directory is mounted: what a bind mount of it shows. The directory need not be a mount point itself.
 * Source: SearchMountPoints of mount-utils.
 */
export function bindsOf(table: readonly MountEntry[], directory: string): readonly string[] {
  const below = (path: string, parent: string) => path === parent || path.startsWith(withSlash(parent));
  // The topmost mount that shows the directory: of the longest target, the last one.
  let host: MountEntry | undefined;
  for (const entry of table) {
    if (below(directory, entry.target) && entry.target.length >= (host?.target.length ?? 0)) host = entry;
  }
  if (!host) return [];
  const rest = directory.slice(withSlash(host.target).length);
  const root = rest === '' ? host.root : withSlash(host.root) + rest;
  return table
    .filter((entry) => entry.device === host.device && entry.root === root && entry.target !== directory)
    .map(({ target }) => target);
}

function withSlash(path: string): string {
  return path.endsWith('/') ? path : `${path}/`;
}
