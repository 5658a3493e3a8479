import * as fs from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';

/** As the kernel has it (ELOOP). */
const MAX_LINKS = 40;

/**
 * The real directory at a path within `root`, links followed as a process would whose root it is: none leads out.
 * @throws Error when a component is no directory, or absent and not to be made
 */
export async function resolveWithin(
  root: string,
  parts: readonly string[],
  { make }: { readonly make: boolean },
): Promise<string> {
  let at = root;
  let links = 0;
  const left = [...parts].reverse();
  for (let part = left.pop(); part !== undefined; part = left.pop()) {
    if (part === '' || part === '.') continue;
    if (part === '..') {
      if (at !== root) at = dirname(at);
      continue;
    }
    const next = join(at, part);
    const stat = await fs.lstat(next).catch(() => undefined);
    if (stat?.isSymbolicLink()) {
      if (++links > MAX_LINKS) throw new Error(`${parts.join('/')}: too many levels of symbolic links`);
      const target = await fs.readlink(next);
      if (target.startsWith('/')) at = root;
      left.push(...target.split('/').reverse());
      continue;
    }
    if (!stat && make) await fs.mkdir(next, 0o755);
    else if (!stat?.isDirectory()) throw new Error(`${parts.join('/')}: ${part} is no directory`);
    at = next;
  }
  return at;
}

/** The real path of a file within `root`. @throws Error when there is none */
export async function fileWithin(root: string, path: string): Promise<string> {
  let left = path;
  for (let links = 0; links <= MAX_LINKS; links++) {
    const parent = await resolveWithin(root, dirname(left).split('/'), { make: false });
    const file = join(parent, basename(left));
    const stat = await fs.lstat(file).catch(() => undefined);
    if (stat?.isFile()) return file;
    if (!stat?.isSymbolicLink()) break;
    const target = await fs.readlink(file);
    left = target.startsWith('/') ? target : join(relative(root, parent), target);
  }
  throw new Error(`${path}: no such file`);
}
