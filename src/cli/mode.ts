import { checkPrivileges } from '../host/linux/index.ts';
import { type Entry, enter, findEntry, isRootless } from '../host/rootless/index.ts';
import { UsageError } from './usage-error.ts';

/** How nodes can be had here, the best first, and why it is no better. */
export type Mode =
  | { readonly name: 'real' }
  /** `entry`: the way into the user namespace; absent inside it. */
  | { readonly name: 'rootless'; readonly entry?: Entry }
  | { readonly name: 'simulated'; readonly why: string };

/** What having no root costs. */
export const ROOTLESS_COSTS =
  'volumes are directories: nothing holds them to their size, and there are no raw block volumes and no snapshots; ' +
  'containers run as you: one that asks for another user or group does not start';

export async function findMode(): Promise<Mode> {
  if (process.platform !== 'linux')
    return { name: 'simulated', why: `this is ${process.platform}, and mounts and namespaces are Linux's` };
  const { sufficient, sysAdmin, problems } = await checkPrivileges();
  if (isRootless() && sysAdmin) return { name: 'rootless' };
  if (sufficient) return { name: 'real' };
  const entry = await findEntry();
  if ('why' in entry) return { name: 'simulated', why: [...problems, entry.why].join('; ') };
  return { name: 'rootless', entry };
}

/**
 * Whether what a node needs is to be had rootless, not as root. Becomes this very command in the user namespace where that
 * is yet to be entered.
 * @throws UsageError where neither can be: what is missing, what to do, what works all the same.
 */
export async function enterBestMode(command: string): Promise<boolean> {
  const mode = await findMode();
  if (mode.name === 'simulated') {
    throw new UsageError(
      `${command}: ${mode.why}; "stowage up --nodes 0 --simulated-nodes 3" needs none of it (nodes in memory only)`,
    );
  }
  if (mode.name === 'rootless' && mode.entry) enterMode(mode.entry);
  return mode.name === 'rootless';
}

/** Becomes this very command in the user namespace. */
export function enterMode(entry: Entry): never {
  enter(entry, process.execPath, [...process.execArgv, ...process.argv.slice(1)]);
}
