import { isUnfinished, RecordFiles, type RecordFilesOptions } from './record-files.ts';

/**
 * What a driver must not forget: records in memory and in a directory of their own, a file each. A change is durable when
 * its call returns. When it fails, or the process dies meanwhile, the next opening finds the old record or the new one,
 * whole. One process at a time may have a directory open.
 */
export class RecordStore<T> {
  readonly #files: RecordFiles<T>;
  readonly #records: Map<string, T>;

  private constructor(files: RecordFiles<T>, records: Map<string, T>) {
    this.#files = files;
    this.#records = records;
  }

  /**
   * Opens the directory, making it if needed (0700).
   * @throws Error if a record cannot be read: nothing is removed then.
   */
  static async open<T>(options: RecordFilesOptions<T>): Promise<RecordStore<T>> {
    const { files, directory } = options;
    await files.makeDirectory(directory, 0o700);
    const records = new RecordFiles(options);
    const names = await files.list(directory);
    const store = new RecordStore(records, await records.readAll(records.idsAmong(names)));
    for (const name of names.filter(isUnfinished)) await files.removeFile(`${directory}/${name}`);
    return store;
  }

  /** The record, or undefined: also for any text that was never an id of ours. */
  get(id: string): T | undefined {
    return this.#records.get(id);
  }

  all(): readonly T[] {
    return [...this.#records.values()];
  }

  /** Writes or replaces a record. `id` must be a handle (see isHandle): it becomes the name of a file. */
  async put(id: string, record: T): Promise<void> {
    await this.#files.write(id, record);
    await this.#files.sync();
    this.#records.set(id, record);
  }

  /** Not there is fine. */
  async remove(id: string): Promise<void> {
    if (!this.#records.has(id)) return;
    await this.#files.remove(id);
    await this.#files.sync();
    this.#records.delete(id);
  }
}
