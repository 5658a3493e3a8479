import type { Host, MountEntry } from '../../host/index.ts';
import { deepestAbove } from '../../host/namespaces/index.ts';

/** Makes a directory a mount of its own, unless it is one already, that hands on to others what is mounted below it. */
export async function bindToItself({ files, mounts, processes }: Host, directory: string): Promise<void> {
  await files.makeDirectory(directory, 0o750);
  const isNew = !(await mounts.isMountPoint(directory));
  if (isNew) await mounts.mount({ source: directory, target: directory, options: ['bind'] });
  // A bind of what is shared is shared with it: first it must be parted from that.
  for (const kind of isNew ? ['--make-private', '--make-shared'] : ['--make-shared']) {
    const { exitCode, stderr } = await processes.exec('mount', [kind, directory]);
    if (exitCode !== 0)
      throw new Error(`mount ${kind} ${directory}: ${stderr.trim()} (exit code ${exitCode})`);
  }
}

/** Whether it is what bindToItself makes: a mount of the same file system as around it. One of the user's is another. */
export function isBoundToItself(table: readonly MountEntry[], directory: string): boolean {
  const bound = table.findLast(({ target }) => target === directory);
  const around = deepestAbove(directory, new Set(table.map(({ target }) => (target === '/' ? '' : target))));
  const home = table.findLast(({ target }) => target === (around || '/'));
  return bound !== undefined && bound.device === home?.device;
}
