import { access, readFile } from 'node:fs/promises';

/** What this process may do to the machine. */
export interface Privileges {
  readonly root: boolean;
  /** CAP_SYS_ADMIN: mounts and namespaces. */
  readonly sysAdmin: boolean;
  /** CAP_SYS_RESOURCE: a mounted ext4 can be grown. Not counted in `sufficient`. */
  readonly sysResource: boolean;
  /** /dev/loop-control is there: disks from image files. */
  readonly loopDevices: boolean;
  /** Everything that a node and its drivers need. */
  readonly sufficient: boolean;
  /** One sentence for each thing that does not work and what to do; empty when sufficient. */
  readonly problems: readonly string[];
}

/** capabilities(7), linux/capability.h */
const CAP_SYS_ADMIN = 21n;
const CAP_SYS_RESOURCE = 24n;

export async function checkPrivileges(): Promise<Privileges> {
  const [status, loopDevices] = await Promise.all([
    readFile('/proc/self/status', 'utf8'),
    access('/dev/loop-control').then(
      () => true,
      () => false,
    ),
  ]);
  return judgePrivileges(status, loopDevices);
}

/** @param status /proc/self/status (proc_pid_status(5)). */
export function judgePrivileges(status: string, loopDevices: boolean): Privileges {
  const root = /^Uid:\s+\d+\s+(\d+)/m.exec(status)?.[1] === '0';
  const effective = BigInt(`0x${/^CapEff:\s+([0-9a-f]+)/m.exec(status)?.[1] ?? '0'}`);
  const has = (capability: bigint) => ((effective >> capability) & 1n) === 1n;
  const sysAdmin = has(CAP_SYS_ADMIN);
  const sysResource = has(CAP_SYS_RESOURCE);
  const problems: string[] = [];
  if (!root)
    problems.push(
      'not root: the API server, the controllers and the scheduler work; volumes cannot be mounted and pods cannot be run; start it with sudo',
    );
  else if (!sysAdmin)
    problems.push(
      'root without CAP_SYS_ADMIN: volumes cannot be mounted and pods cannot be run; in a container, start it with --privileged',
    );
  if (root && sysAdmin && !loopDevices)
    problems.push(
      '/dev/loop-control is missing: disks from image files cannot be attached; load the kernel module loop (in a container: --privileged, with /dev of the host)',
    );
  return { root, sysAdmin, sysResource, loopDevices, sufficient: problems.length === 0, problems };
}
