import { Code, CsiStatus } from '../../csi/index.ts';
import type { FileStat, Files, PlaceHandle } from '../../host/index.ts';
import { partsOf } from './parameters.ts';

/** Directories between the share and a volume's own. */
const PARENT_MODE = 0o755;

/**
 * The directories of volumes below a share. Who uses a volume may put links into it, and what was a volume once may lie
 * above another: so no link is followed on the way to any of them.
 */
export class Tree {
  readonly root: string;
  readonly #files: Files;
  /** Names are changed one after another: directories that are emptied are not taken away from under a newcomer. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(root: string, files: Files) {
    this.root = root;
    this.#files = files;
  }

  /** The directory, held open. The caller closes it. @throws CsiStatus NOT_FOUND, INVALID_ARGUMENT */
  async open(path: string): Promise<PlaceHandle> {
    const place = await this.#open(partsOf(path, 'directory'));
    if (!place) throw new CsiStatus(Code.NOT_FOUND, `directory ${this.root}/${path} does not exist`);
    const { kind } = await place.stat();
    if (kind === 'directory') return place;
    await place.close();
    throw new CsiStatus(Code.INVALID_ARGUMENT, `${this.root}/${path} is a ${kind}, not a directory`);
  }

  /** Undefined: nothing is there. @throws CsiStatus INVALID_ARGUMENT where a link or a file is in the way. */
  async stat(path: string): Promise<FileStat | undefined> {
    const place = await this.#open(partsOf(path, 'directory'));
    if (!place) return undefined;
    try {
      return await place.stat();
    } finally {
      await place.close();
    }
  }

  /** Brings a directory from elsewhere on the file system to its place; durable on return. */
  async bring(from: string, path: string): Promise<void> {
    await this.#inTurn(async () => {
      const parts = partsOf(path, 'directory');
      const parents = parts.slice(0, -1);
      await this.#within(parents, PARENT_MODE, async (parent) => {
        await this.#files.rename(from, `${parent.path}/${parts.at(-1)}`);
      });
      // From the new name up to the root, which was there before.
      for (let depth = parents.length; depth >= 0; depth--)
        await this.#within(parents.slice(0, depth), undefined, ({ path: at }) =>
          this.#files.syncDirectory(at),
        );
    });
  }

  /** Takes a directory away to elsewhere on the file system, and with it the parents that are empty then. */
  async take(path: string, to: string): Promise<void> {
    await this.#inTurn(async () => {
      const parts = partsOf(path, 'directory');
      await this.#within(parts.slice(0, -1), undefined, async (parent) => {
        await this.#files.rename(`${parent.path}/${parts.at(-1)}`, to);
        await this.#files.syncDirectory(parent.path);
      });
      await this.#prune(parts.slice(0, -1));
    });
  }

  /** Removes the parents of a directory that is not there (any more), as far as they are empty. */
  async prune(path: string): Promise<void> {
    await this.#inTurn(() => this.#prune(partsOf(path, 'directory').slice(0, -1)));
  }

  async #prune(parents: readonly string[]): Promise<void> {
    for (let depth = parents.length; depth > 0; depth--) {
      const above = await this.#open(parents.slice(0, depth - 1)).catch(() => undefined);
      if (!above) continue;
      try {
        await this.#files.removeDirectory(`${above.path}/${parents[depth - 1]}`);
      } catch {
        // Somebody else is in it.
        return;
      } finally {
        await above.close();
      }
    }
  }

  async #within(
    parts: readonly string[],
    makeMode: number | undefined,
    work: (place: PlaceHandle) => Promise<void>,
  ): Promise<void> {
    const place = await this.#open(parts, makeMode);
    if (!place)
      throw Object.assign(new Error(`${[this.root, ...parts].join('/')} does not exist`), { code: 'ENOENT' });
    try {
      await work(place);
    } finally {
      await place.close();
    }
  }

  async #open(parts: readonly string[], makeMode?: number): Promise<PlaceHandle | undefined> {
    try {
      return await this.#files.openWithin(this.root, parts, makeMode);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return undefined;
      if (code === 'ELOOP' || code === 'ENOTDIR') throw new CsiStatus(Code.INVALID_ARGUMENT, message);
      throw error;
    }
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const run = this.#last.then(work, work);
    this.#last = run.catch(() => undefined);
    return run;
  }
}
