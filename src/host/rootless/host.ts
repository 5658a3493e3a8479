import { readFileSync } from 'node:fs';
import type { Clock } from '../../base/index.ts';
import type { Host } from '../host.ts';
import { createLinuxHost } from '../linux/index.ts';
import { idOrRoot, parseIdMap } from './id-map.ts';
import { isRootless } from './is-rootless.ts';

/** The machine as this process may use it: the whole, or what a user namespace leaves of it. */
export function createMachineHost(options: { readonly clock: Clock }): Host {
  return isRootless() ? createRootlessHost(options) : createLinuxHost(options);
}

/**
 * What an ordinary user has of the machine in a user and mount namespace of his own: files, mounts of what is his, processes
 * in namespaces. No loop devices and no disks; files belong to users whom the namespace has, else to him.
 */
export function createRootlessHost(options: { readonly clock: Clock }): Host {
  const linux = createLinuxHost(options);
  const users = parseIdMap(readFileSync('/proc/self/uid_map', 'utf8'));
  const groups = parseIdMap(readFileSync('/proc/self/gid_map', 'utf8'));
  return {
    ...linux,
    files: {
      ...linux.files,
      chown: (path, uid, gid) => linux.files.chown(path, idOrRoot(users, uid), idOrRoot(groups, gid)),
    },
    loops: refusing<Host['loops']>({ list: async () => [] }),
    disks: refusing<Host['disks']>({ isInUse: async () => false }),
    info: () => ({ ...linux.info(), rootless: true }),
  };
}

/** What there is to say about block devices where there are none; any other call fails, and says which and why. */
function refusing<Part extends object>(answers: Partial<Part>): Part {
  const refuse = (call: string) => async (device: unknown) => {
    throw new Error(
      `${call} ${device}: block devices need root; a user namespace has none. Start it with sudo`,
    );
  };
  return new Proxy(answers as Part, {
    get: (target, call) => Reflect.get(target, call) ?? refuse(String(call)),
  });
}
