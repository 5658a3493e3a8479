import type { MountEntry } from '../host.ts';

/** The kernel writes space, tab, line feed and backslash as three octal digits. */
function decode(text: string): string {
  if (!text.includes('\\')) return text;
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}

/** What the kernel adds to the root of a bind mount whose source is gone. */
const DELETED = '//deleted';

/**
 * Parses /proc/PID/mountinfo (proc_pid_mountinfo(5)):
 * `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue`.
 * Options are those of the mount, then those of the file system that are not among them.
 */
export function parseMountInfo(text: string): MountEntry[] {
  const entries: MountEntry[] = [];
  for (const line of text.split('\n')) {
    const separator = line.indexOf(' - ');
    if (separator < 0) continue;
    const [id, , device, root, target, options] = line.slice(0, separator).split(' ');
    const [fsType, source, superOptions] = line.slice(separator + 3).split(' ');
    if (options === undefined || fsType === undefined) continue;
    const where = decode(root!);
    const deleted = where.endsWith(DELETED);
    entries.push({
      id: Number(id),
      target: decode(target!),
      source: decode(source ?? ''),
      root: deleted ? where.slice(0, -DELETED.length) : where,
      fsType,
      options: [...new Set([...options.split(','), ...(superOptions ?? '').split(',')])].filter(Boolean),
      device: device!,
      deleted,
    });
  }
  return entries;
}

/** The mounts at `path` or below. */
export function mountsBelow(entries: readonly MountEntry[], path: string): MountEntry[] {
  const prefix = path.endsWith('/') ? path : `${path}/`;
  return entries.filter((entry) => entry.target === path || entry.target.startsWith(prefix));
}
