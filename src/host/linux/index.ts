import type { Clock } from '../../base/index.ts';
import type { Host } from '../host.ts';
import { createDisks } from './disks.ts';
import { createFiles } from './files.ts';
import { hostInfo } from './info.ts';
import { createLoopDevices } from './loops.ts';
import { createMounts } from './mounts.ts';
import { createNetwork } from './network.ts';
import { createProcesses } from './processes.ts';

export { makeDirectories } from './make-directories.ts';
export { checkPrivileges } from './privileges.ts';

/** This machine: node:fs for files, util-linux and e2fsprogs for mounts and devices. */
export function createLinuxHost(options: { readonly clock: Clock }): Host {
  const processes = createProcesses(options.clock);
  return {
    files: createFiles(),
    mounts: createMounts(processes),
    loops: createLoopDevices(processes, options.clock),
    disks: createDisks(processes),
    processes,
    network: createNetwork(options.clock),
    info: hostInfo,
  };
}
