import type { Host, MountEntry } from '../../host/index.ts';
import type { Tools } from './tools.ts';

/** How directories are held to a size. Bytes only; what is above the limit when it is set stays. */
export interface Quota {
  readonly kind: 'project' | 'btrfs';
  /** Makes an empty directory whose content counts under the id, at most so many bytes. */
  make(path: string, id: number, sizeBytes: bigint): Promise<void>;
  /** The same for a directory that is there, with what is in it. False: this one cannot be held to anything. */
  adopt(path: string, id: number, sizeBytes: bigint): Promise<boolean>;
  limit(path: string, id: number, sizeBytes: bigint): Promise<void>;
  /** The content counts under nothing any more. */
  release(path: string, id: number): Promise<void>;
  /** What a directory that is gone has left. */
  forget(id: number): Promise<void>;
}

/** Small numbers are in use by administrators (/etc/projects). */
export const FIRST_QUOTA_ID = 0x10000;

/** The file system that a directory is on: the deepest mount above it, the topmost where several are stacked. */
export function mountOf(mounts: readonly MountEntry[], directory: string): MountEntry | undefined {
  const isAbove = ({ target }: MountEntry) =>
    target === '/' || directory === target || directory.startsWith(`${target}/`);
  return mounts
    .filter(isAbove)
    .toReversed()
    .toSorted((a, b) => b.target.length - a.target.length)[0];
}

/** Which kind of quota a file system may have, by its type and options; undefined: none. */
export function quotaKindOf({
  fsType,
  options,
}: Pick<MountEntry, 'fsType' | 'options'>): 'xfs' | 'ext4' | 'btrfs' | undefined {
  // With pqnoenforce it counts, and lets everybody pass.
  const hasProjects = options.includes('prjquota') || options.includes('pquota');
  if ((fsType === 'xfs' || fsType === 'ext4') && hasProjects) return fsType;
  return fsType === 'btrfs' ? 'btrfs' : undefined;
}

/** The quota of the file system that a directory is on; undefined where nothing is held to a size. */
export async function quotaAt(
  directory: string,
  host: Pick<Host, 'files' | 'mounts' | 'processes'>,
  tools: Tools,
): Promise<Quota | undefined> {
  const mount = mountOf(await host.mounts.list(), directory);
  const kind = mount && quotaKindOf(mount);
  if (!mount || kind === undefined) return undefined;
  if (kind !== 'btrfs') return projectQuota(mount.target, kind, tools);
  // Fails where quotas were not enabled.
  const { exitCode } = await host.processes.exec('btrfs', ['qgroup', 'show', '--raw', directory]);
  return exitCode === 0 ? btrfsQuota(directory, host, tools) : undefined;
}

/** Project quotas: a directory and all that comes into it carries a number. */
function projectQuota(mountPoint: string, fsType: 'xfs' | 'ext4', tools: Tools): Quota {
  const limit = async (id: number, sizeBytes: bigint) => {
    const purpose = `limit project ${id} of ${mountPoint}`;
    if (fsType === 'xfs') {
      await tools.run(purpose, 'xfs_quota', ['-x', '-c', `limit -p bhard=${sizeBytes} ${id}`, mountPoint]);
    } else {
      const kib = (sizeBytes + 1023n) / 1024n;
      await tools.run(purpose, 'setquota', ['-P', `${id}`, '0', `${kib}`, '0', '0', mountPoint]);
    }
  };
  /** That which comes into a directory later counts as the directory does (P), where the id is not 0: nobody's. */
  const inherits = (id: number) => (id === 0 ? '-P' : '+P');
  const assign = (path: string, id: number) =>
    tools.run(`count ${path} as project ${id}`, 'chattr', ['-p', `${id}`, inherits(id), path]);
  /** With all that is in it; links, sockets and the like have no such number, files nothing to hand down. */
  const assignAll = async (path: string, id: number) => {
    const each = async (what: readonly string[], change: readonly string[]) => {
      const args = [`${path}/.`, '-xdev', ...what, '-exec', 'chattr', ...change, '{}', '+'];
      await tools.run(`count what is in ${path} as project ${id}`, 'find', args);
    };
    await each(['-type', 'd'], ['-p', `${id}`, inherits(id)]);
    await each(['-type', 'f'], ['-p', `${id}`]);
  };
  return {
    kind: 'project',
    async make(path, id, sizeBytes) {
      await tools.run(`make ${path}`, 'mkdir', ['--', path]);
      await assign(path, id);
      await limit(id, sizeBytes);
    },
    async adopt(path, id, sizeBytes) {
      await assignAll(path, id);
      await limit(id, sizeBytes);
      return true;
    },
    limit: (_path, id, sizeBytes) => limit(id, sizeBytes),
    async release(path, id) {
      await assignAll(path, 0);
      await limit(id, 0n);
    },
    forget: (id) => limit(id, 0n),
  };
}

/** Btrfs: a volume's directory is a subvolume, which has a quota group of its own. */
function btrfsQuota(root: string, { files }: Pick<Host, 'files'>, tools: Tools): Quota {
  /** The root of every subvolume has this inode number. */
  const isSubvolume = async (path: string) => (await files.stat(`${path}/.`))?.inode === 256n;
  const limit = async (path: string, most: string) => {
    await tools.run(`limit ${path}`, 'btrfs', ['qgroup', 'limit', most, path]);
  };
  return {
    kind: 'btrfs',
    async make(path, _id, sizeBytes) {
      await tools.run(`make ${path}`, 'btrfs', ['subvolume', 'create', path]);
      await limit(path, `${sizeBytes}`);
    },
    async adopt(path, _id, sizeBytes) {
      if (!(await isSubvolume(path))) return false;
      await limit(path, `${sizeBytes}`);
      return true;
    },
    limit: (path, _id, sizeBytes) => limit(path, `${sizeBytes}`),
    async release(path) {
      if (await isSubvolume(path)) await limit(path, 'none');
    },
    async forget() {
      // The group of a subvolume that has just gone is still in use; this removes those that went before.
      await tools.run('remove quota groups', 'btrfs', ['qgroup', 'clear-stale', root]).catch(() => undefined);
    },
  };
}

/** The group's numbers in what `btrfs qgroup show -r -f --raw PATH` writes; undefined without a limit. */
export function btrfsUsage(output: string): { totalBytes: bigint; usedBytes: bigint } | undefined {
  const [, referenced, , most] = /^\d+\/\d+\s+(\d+)\s+(\d+)\s+(\d+|none)/m.exec(output) ?? [];
  if (referenced === undefined || most === undefined || most === 'none') return undefined;
  return { totalBytes: BigInt(most), usedBytes: BigInt(referenced) };
}
