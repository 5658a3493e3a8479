import { type Clock, errorMessage, type Logger } from '../../base/index.ts';
import { type Host, type MountEntry, untilGone } from '../../host/index.ts';
import { deepestAbove, type MountNamespace, mountNamespaceOf } from '../../host/namespaces/index.ts';
import type { Running } from '../running.ts';
import { findHolder, holdersIn, startHolder } from './holder.ts';
import { bindToItself, isBoundToItself } from './self-bind.ts';

/** The mounts of one run must not be taken for those of another: a line that says whose they are, and what to do. */
export class MountsLeftError extends Error {
  override name = 'MountsLeftError';
}

/** A node, as far as its mount namespace is concerned. */
export interface NodePlace {
  /** The kubelet's root directory. */
  readonly root: string;
  /** What else is kept of it. */
  readonly stateDirectory: string;
}

interface OpenOptions {
  readonly host: Host;
  /** Of the disk driver. */
  readonly pool: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly running: Running;
}

/**
 * A mount namespace for each node, which a process of its own holds: what a node has mounted waits for its next start, also
 * when everything else was killed. At the end they go, with all that is still mounted in them.
 *
 * What somebody mounts below a node's root on the machine (a CSI driver, say) is seen in the namespace of that node and in
 * no other; what a node mounts is seen in its own only.
 * @returns What is seen and mounted below each node's root, by the root, and whose process holds it.
 */
export async function openNodeNamespaces(
  nodes: readonly NodePlace[],
  options: OpenOptions,
): Promise<ReadonlyMap<string, MountNamespace & { readonly holder: number }>> {
  const { host, clock, log, running } = options;
  const roots = nodes.map(({ root }) => root);
  const ends: (() => Promise<void>)[] = [];
  running.onStop('mount namespaces', async () => {
    for (const end of ends.toReversed())
      await end().catch((error: unknown) => log.warn('a mount stays', { error: errorMessage(error) }));
  });
  for (const root of roots) {
    await bindToItself(host, root);
    if (isBoundToItself(await host.mounts.list(), root)) ends.push(() => host.mounts.unmount(root));
  }
  const byRoot = new Map<string, MountNamespace & { readonly holder: number }>();
  for (const { root, stateDirectory } of nodes) {
    let holder = await findHolder(host, stateDirectory);
    if (!holder) {
      refuseForeign(await host.mounts.list(), root, roots);
      const others = roots.filter((other) => other !== root);
      holder = await startHolder(host, stateDirectory, [options.pool, ...others]);
    }
    const { pid } = holder;
    ends.push(async () => {
      await host.processes.kill(holder, 'SIGKILL', { group: true });
      // The next run must not take it for one that stays.
      await untilGone(host.processes, clock, holder);
    });
    byRoot.set(root, { ...mountNamespaceOf(pid, host), holder: pid });
  }
  return byRoot;
}

/** What is mounted in the namespaces of a data directory's nodes, whether or not they run. */
export async function mountsOfNodes(host: Host, directory: string): Promise<readonly MountEntry[]> {
  const holders = await holdersIn(host, directory);
  return (await Promise.all(holders.map(({ pid }) => mountNamespaceOf(pid, host).mounts.list()))).flat();
}

/** @throws MountsLeftError when nodes that were processes are still there in part: their mounts cannot be seen from here. */
export async function refuseNamespaces(host: Host, directory: string): Promise<void> {
  const [left] = await holdersIn(host, directory);
  if (left)
    throw new MountsLeftError(
      `the last run had nodes in mount namespaces of their own and did not come to its end (process ${left.pid} holds one); ` +
        'start it with the --nodes that it had, and end it with Ctrl-C',
    );
}

/** @throws MountsLeftError when something is mounted below a node's root that would not be in its namespace. */
function refuseForeign(table: readonly MountEntry[], root: string, roots: readonly string[]): void {
  const foreign = table.find(({ target }) => !roots.includes(target) && deepestAbove(target, roots) === root);
  if (foreign)
    throw new MountsLeftError(
      `${foreign.target} is mounted, and not in the mount namespace that the node is to have; if it is of a run with ` +
        '--nodes 1 that did not come to its end, start that again and end it with Ctrl-C; else unmount it',
    );
}
