import { spawnSync } from 'node:child_process';
import { chown } from 'node:fs/promises';
import { findEntry } from '../../src/host/rootless/index.ts';
import { STOWAGE } from './command.ts';

const NOBODY = 65534;
const isRoot = process.geteuid?.() === 0;

/** What to run a command through to run it as an ordinary user: nothing if we are one. */
export const asOrdinaryUser: readonly string[] = isRoot
  ? ['setpriv', '--reuid', `${NOBODY}`, '--regid', `${NOBODY}`, '--clear-groups']
  : [];

/** What to run a command through so that it is neither root nor can have a user namespace. */
export const withoutNamespaces: readonly string[] = [
  'unshare',
  '--user',
  '--map-root-user',
  '/bin/sh',
  '-c',
  'echo 0 >/proc/sys/user/max_user_namespaces && exec setpriv --bounding-set -all "$@"',
  'sh',
];

/** Why nothing can be run rootless here; false when it can. For the `skip` option of a test. */
export const cannotBeRootless: string | false = await (async () => {
  const [command, ...args] = [...asOrdinaryUser, process.execPath, STOWAGE, '--version'];
  if (spawnSync(command!, args).status !== 0) return 'an ordinary user cannot read this directory';
  const entry = await findEntry();
  return 'why' in entry ? entry.why : false;
})();

/** Makes a directory the ordinary user's. */
export async function giveToOrdinaryUser(directory: string): Promise<void> {
  if (isRoot) await chown(directory, NOBODY, NOBODY);
}
