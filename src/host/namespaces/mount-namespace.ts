import { readFileSync } from 'node:fs';
import type { Host, Processes } from '../host.ts';
import { createDisks } from '../linux/disks.ts';
import { parseMountInfo } from '../linux/mountinfo.ts';
import { createMounts } from '../linux/mounts.ts';

/** What mounts and grows in a mount namespace, and looks there at what is mounted. */
export interface MountNamespace extends Pick<Host, 'mounts' | 'disks'> {
  readonly files: Pick<Host['files'], 'stat' | 'statFs'>;
}

/** Before a command that is to run in the mount namespace of a process. */
export const entering = (pid: number): readonly [string, ...string[]] => [
  ...(['nsenter', '--target', String(pid), '--mount', '--'] as const),
];

/**
 * The mount namespace of a process of this machine. By what /proc tells of the process, its mount table and its files can be
 * read without a command for each look; what changes something is a command that is run there.
 */
export function mountNamespaceOf(pid: number, host: Host): MountNamespace {
  const [command, ...args] = entering(pid);
  const processes: Processes = {
    ...host.processes,
    exec: (inside, insideArgs, options) =>
      host.processes.exec(command, [...args, inside, ...insideArgs], options),
  };
  const list = async () => parseMountInfo(readFileSync(`/proc/${pid}/mountinfo`, 'utf8'));
  const seen = (path: string) => `/proc/${pid}/root${path}`;
  return {
    mounts: {
      ...createMounts(processes),
      list,
      isMountPoint: async (target) => (await list()).some((entry) => entry.target === target),
    },
    disks: host.info().rootless ? host.disks : createDisks(processes),
    files: {
      stat: (path) => host.files.stat(seen(path)),
      statFs: (path) => host.files.statFs(seen(path)),
    },
  };
}
