import { homedir } from 'node:os';
import { join } from 'node:path';
import { isRootless } from '../host/rootless/is-rootless.ts';

/** Where the data directory is unless somebody says otherwise: the machine's, or for an ordinary user his own. */
export function defaultDataDir(): string {
  if (process.geteuid?.() === 0 && !isRootless()) return '/var/lib/stowage';
  return join(process.env.XDG_DATA_HOME || join(homedir(), '.local', 'share'), 'stowage');
}
