import { constants } from 'node:fs';
import * as fs from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { mountsBelow } from './mountinfo.ts';
import { readMounts } from './mounts.ts';
import { O_PATH } from './open-within.ts';

/** How deep directories are entered, each by a descriptor of its own. What lies deeper is brought up first. */
const MAX_DEPTH = 64;

/**
 * Removes a tree that lies on one file system. A mount below would have its content removed, and that content is
 * somebody's volume: so the mount table is looked at first, and each directory's device before it is entered.
 *
 * What is in the tree was made by containers, some of which may still be at it: a directory is entered by the handle on
 * it, never by its name, which may have become a link to somewhere else. Names are bytes: they need not be text.
 */
export async function removeTree(path: string): Promise<void> {
  let real: string;
  let device: bigint;
  try {
    // The mount table names true paths; the last part may be a link, which is removed itself.
    real = join(await fs.realpath(dirname(path)), basename(path));
    const stat = await fs.lstat(real, { bigint: true });
    if (!stat.isDirectory()) return await fs.unlink(real);
    device = stat.dev;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return;
    throw error;
  }
  const below = mountsBelow(await readMounts(), real);
  if (below.length > 0)
    throw new Error(
      `remove ${path}: ${below[0]!.source} is mounted at ${below[0]!.target}; nothing was removed; unmount it first`,
    );
  const tree = new Tree(path, device);
  await tree.remove(Buffer.from(real));
}

class Tree {
  readonly #name: string;
  readonly #device: bigint;
  /** The topmost directory. */
  #top: fs.FileHandle | undefined;
  #broughtUp = 0;

  constructor(name: string, device: bigint) {
    this.#name = name;
    this.#device = device;
  }

  /** Removes a directory and all that is in it. */
  async remove(path: Buffer, depth = 0): Promise<void> {
    const directory = await this.#open(path);
    if (!directory) return;
    this.#top ??= directory;
    try {
      const { dev } = await directory.stat({ bigint: true });
      if (dev !== this.#device) throw new Error(`remove ${this.#name}: ${path} is on another file system`);
      if (depth === MAX_DEPTH) return await this.#bringUp(path);
      const before = this.#broughtUp;
      await this.#empty(directory, depth);
      // What was brought up lies here now.
      if (depth === 0 && this.#broughtUp > before) return await this.remove(path);
    } finally {
      if (depth === 0) this.#top = undefined;
      await directory.close();
    }
    await fs.rmdir(path).catch(ignore('ENOENT'));
  }

  async #empty(directory: fs.FileHandle, depth: number): Promise<void> {
    const at = `/proc/self/fd/${directory.fd}`;
    for (const entry of await fs.readdir(at, { withFileTypes: true, encoding: 'buffer' })) {
      const child = Buffer.concat([Buffer.from(`${at}/`), entry.name]);
      if (entry.isDirectory()) await this.remove(child, depth + 1);
      else await fs.unlink(child).catch(ignore('ENOENT'));
    }
  }

  /** Undefined if it is no directory any more: whatever it has become is gone then. */
  async #open(path: Buffer): Promise<fs.FileHandle | undefined> {
    try {
      return await fs.open(path, O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    } catch (error) {
      if (!hasCode(error, 'ENOTDIR', 'ELOOP')) return ignore('ENOENT')(error);
      await fs.unlink(path).catch(ignore('ENOENT'));
      return undefined;
    }
  }

  /** A container can make directories so deep that neither a path nor the descriptors of a process reach there. */
  async #bringUp(path: Buffer): Promise<void> {
    for (;;) {
      const name = `.stowage-removed-${this.#broughtUp++}`;
      try {
        return await fs.rename(path, `/proc/self/fd/${this.#top!.fd}/${name}`);
      } catch (error) {
        // There is something of that name.
        if (!hasCode(error, 'ENOTEMPTY', 'EEXIST', 'ENOTDIR')) throw error;
      }
    }
  }
}

function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return codes.includes((error as NodeJS.ErrnoException).code ?? '');
}

function ignore(code: string): (error: unknown) => undefined {
  return (error) => {
    if (!hasCode(error, code)) throw error;
    return undefined;
  };
}
