import { errorMessage, type Logger } from '../../../base/index.ts';
import type { Files } from '../../../host/index.ts';
import type { WatchedDirectory } from './find-drivers.ts';

/** Watches a set of directories that changes. */
export class DirectoryWatches {
  readonly #files: Files;
  readonly #log: Logger;
  readonly #changed: () => void;
  readonly #watches = new Map<string, { identity: string; stop: () => void }>();

  constructor(files: Files, log: Logger, changed: () => void) {
    this.#files = files;
    this.#log = log;
    this.#changed = changed;
  }

  /** Watches these and no others. Whether one is new: something may have happened there unseen. */
  keep(directories: readonly WatchedDirectory[]): boolean {
    const wanted = new Map(directories.map(({ path, identity }) => [path, identity]));
    for (const [path, { identity, stop }] of this.#watches) {
      if (wanted.get(path) === identity) continue;
      stop();
      this.#watches.delete(path);
    }
    let isNew = false;
    for (const [path, identity] of wanted) {
      if (this.#watches.has(path)) continue;
      try {
        this.#watches.set(path, { identity, stop: this.#files.watchDirectory(path, this.#changed) });
        isNew = true;
      } catch (error) {
        this.#log.warn('a directory cannot be watched; it is looked at now and then', {
          directory: path,
          error: errorMessage(error),
        });
      }
    }
    return isNew;
  }

  close(): void {
    this.keep([]);
  }
}
