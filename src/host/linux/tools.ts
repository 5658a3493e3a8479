import type { ExecOptions, ExecResult, Processes } from '../host.ts';

/** The Debian package of each tool that this host may call. */
const PACKAGES: Readonly<Record<string, string>> = {
  mount: 'mount',
  umount: 'mount',
  losetup: 'mount',
  blkid: 'util-linux',
  fsck: 'util-linux',
  unshare: 'util-linux',
  nsenter: 'util-linux',
  flock: 'util-linux',
  blockdev: 'util-linux',
  iscsiadm: 'open-iscsi',
  multipath: 'multipath-tools',
  perl: 'perl-base',
  'mkfs.ext2': 'e2fsprogs',
  'mkfs.ext3': 'e2fsprogs',
  'mkfs.ext4': 'e2fsprogs',
  'fsck.ext2': 'e2fsprogs',
  'fsck.ext3': 'e2fsprogs',
  'fsck.ext4': 'e2fsprogs',
  e2fsck: 'e2fsprogs',
  resize2fs: 'e2fsprogs',
  'mkfs.xfs': 'xfsprogs',
  xfs_growfs: 'xfsprogs',
  'mkfs.btrfs': 'btrfs-progs',
  btrfs: 'btrfs-progs',
  fsfreeze: 'util-linux',
  sync: 'coreutils',
  cp: 'coreutils',
  mkfifo: 'coreutils',
  mknod: 'coreutils',
};

/** A tool that is not on PATH. */
export class MissingToolError extends Error {
  override name = 'MissingToolError';
  readonly tool: string;

  constructor(tool: string, options?: ErrorOptions) {
    const known = PACKAGES[tool];
    const remedy = known ? `install the Debian package ${known}` : 'install it or put it on PATH';
    super(`${tool}: command not found; ${remedy}`, options);
    this.tool = tool;
  }
}

/** Runs a tool that leaves no process behind; any exit code but 0 rejects with what it was to do and what it said. */
export async function runTool(
  processes: Processes,
  purpose: string,
  command: string,
  args: readonly string[],
  options?: ExecOptions,
): Promise<ExecResult> {
  const result = await processes.exec(command, args, { leavesNoProcess: true, ...options });
  if (result.exitCode !== 0) throw new Error(`${purpose}: ${describeFailure(command, result)}`);
  return result;
}

/** What a tool said when it failed, on one line. */
export function describeFailure(command: string, { exitCode, stdout, stderr }: ExecResult): string {
  const said = (stderr.trim() || stdout.trim()).replace(/\s*\n\s*/g, '; ');
  return `${said || command} (exit code ${exitCode})`;
}
