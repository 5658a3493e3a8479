import { readFileSync } from 'node:fs';
import type { MountEntry, MountRequest, Mounts, Processes } from '../host.ts';
import { parseMountInfo } from './mountinfo.ts';
import { describeFailure, runTool } from './tools.ts';

/** File systems that the kernel mounts by itself, so that no /sbin/mount.TYPE needs to be looked for. */
const KERNEL_TYPES = new Set(['ext2', 'ext3', 'ext4', 'xfs', 'btrfs', 'tmpfs', 'overlay', 'proc', 'sysfs']);

const INTERNAL_ONLY = '--internal-only';

/** Read at once: the kernel answers from memory, quicker than the thread pool would be asked. */
export async function readMounts(): Promise<MountEntry[]> {
  return parseMountInfo(readFileSync('/proc/self/mountinfo', 'utf8'));
}

export function createMounts(processes: Processes): Mounts {
  return {
    list: readMounts,
    async mount(request) {
      const { source, target } = request;
      const args = mountArguments(request);
      // A helper for another file system may stay as its server.
      const leavesNoProcess = args.includes(INTERNAL_ONLY);
      await runTool(processes, `mount ${source} at ${target}`, 'mount', args, { leavesNoProcess });
    },
    async unmount(target, { force = false, timeoutMs } = {}) {
      // --no-canonicalize: the target is named as the mount table names it, and must not be touched to find that out.
      const args = ['--no-canonicalize', '--no-mtab', ...(force ? ['--force'] : []), '--', target];
      await runTool(processes, `unmount ${target}`, 'umount', args, { timeoutMs });
    },
    async sync(target) {
      await runTool(processes, `sync ${target}`, 'sync', ['--file-system', '--', target]);
    },
    async freeze(target) {
      await runTool(processes, `freeze ${target}`, 'fsfreeze', ['--freeze', target]);
    },
    async thaw(target) {
      const result = await processes.exec('fsfreeze', ['--unfreeze', target], { leavesNoProcess: true });
      if (result.exitCode !== 0 && !/Invalid argument/.test(result.stderr))
        throw new Error(`thaw ${target}: ${describeFailure('fsfreeze', result)}`);
    },
    async isMountPoint(target) {
      return (await readMounts()).some((entry) => entry.target === target);
    },
  };
}

/** The command line of mount(8). Paths are absolute, so nothing is canonicalized. */
export function mountArguments({ source, target, fsType, options = [] }: MountRequest): string[] {
  const args = ['--no-canonicalize', '--no-mtab'];
  const bind = options.includes('bind') || options.includes('rbind');
  if (bind || (fsType !== undefined && KERNEL_TYPES.has(fsType))) args.push(INTERNAL_ONLY);
  if (fsType !== undefined && !bind) args.push('-t', fsType);
  if (options.length > 0) args.push('-o', options.join(','));
  return [...args, '--', source, target];
}
