import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

/** Namespaces of one's own in which one is root, and mounts of one's own that containers may hand on. */
const NAMESPACES = ['--user', '--map-root-user', '--mount', '--propagation', 'shared'];
/** More users than oneself: those of /etc/subuid, by newuidmap. */
const MORE_USERS = '--map-auto';
/** What a container needs of the kernel. */
const CONTAINER =
  'exec unshare --mount --pid --ipc --uts --fork sh -c "mount -t proc proc /proc && mount -t tmpfs tmpfs /tmp"';

/** How to start a program in a user namespace: what to run before it. */
export interface Entry {
  readonly command: string;
  readonly args: readonly string[];
}

/** The way into a user namespace in which pods can run, or why there is none. */
export async function findEntry(): Promise<Entry | { readonly why: string }> {
  const command = onPath('unshare');
  if (command === undefined) return { why: 'unshare is missing; install the Debian package util-linux' };
  // With the users of /etc/subuid if there are any for him.
  const ways = onPath('newuidmap') ? [[...NAMESPACES, MORE_USERS], NAMESPACES] : [NAMESPACES];
  let why = '';
  for (const args of ways) {
    const failure = await tryEntry(command, [...args, '/bin/sh', '-c', CONTAINER]);
    if (failure === undefined) return { command, args };
    why = failure;
  }
  return { why: `user namespaces cannot be used here: ${why}` };
}

/** Becomes the program `file args` inside. Returns only by an error. */
export function enter({ command, args }: Entry, file: string, fileArgs: readonly string[]): never {
  process.execve!(command, [command, ...args, file, ...fileArgs], process.env);
  throw new Error(`${command} could not be run`);
}

/** Why it failed; undefined when it did not. */
function tryEntry(command: string, args: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(command, [...args], { timeout: 10_000 }, (error, _stdout, stderr) => {
      resolve(error ? stderr.trim().split('\n')[0] || error.message : undefined);
    });
  });
}

function onPath(name: string): string | undefined {
  const directories = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/usr/bin', '/sbin', '/bin'];
  return directories
    .filter((directory) => directory.startsWith('/'))
    .map((directory) => join(directory, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}
