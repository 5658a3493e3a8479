import type { Files } from '../../host/index.ts';
import { coalesced } from './coalesced.ts';
import { isHandle } from './names.ts';

/** Files read at once when a directory of records is opened. */
const READ_BATCH = 64;

export interface RecordFilesOptions<T> {
  readonly files: Files;
  /** Made by the caller. */
  readonly directory: string;
  /** How the files are named: `ID.SUFFIX`. @default json */
  readonly suffix?: string;
  /** @throws Error that names the path, for anything that the driver has not written there. */
  readonly parse: (text: string, path: string, id: string) => T;
}

/**
 * One kind of records in a directory, a JSON file each: `ID.SUFFIX`. A record is there whole or not at all, whenever the
 * process dies: it is written beside, synced and renamed. Names are durable after `sync`.
 */
export class RecordFiles<T> {
  readonly #files: Files;
  readonly #directory: string;
  readonly #suffix: string;
  readonly #parse: RecordFilesOptions<T>['parse'];
  /** Makes every change of names in the directory durable that was made before the call: many calls, one fsync. */
  readonly sync: () => Promise<void>;

  constructor({ files, directory, suffix = 'json', parse }: RecordFilesOptions<T>) {
    this.#files = files;
    this.#directory = directory;
    this.#suffix = suffix;
    this.#parse = parse;
    this.sync = coalesced(() => files.syncDirectory(directory));
  }

  /** The ids that have a record among these entries of the directory. */
  idsAmong(names: readonly string[]): readonly string[] {
    const ending = `.${this.#suffix}`;
    return names
      .filter((name) => name.endsWith(ending))
      .map((name) => name.slice(0, -ending.length))
      .filter(isHandle);
  }

  /** @throws Error that names the file which cannot be read. */
  async readAll(ids: readonly string[]): Promise<Map<string, T>> {
    const records = new Map<string, T>();
    for (let from = 0; from < ids.length; from += READ_BATCH) {
      const batch = ids.slice(from, from + READ_BATCH);
      const found = await Promise.all(batch.map((id) => this.#read(id)));
      for (const [index, id] of batch.entries()) records.set(id, found[index]!);
    }
    return records;
  }

  /** Writes or replaces a record. */
  async write(id: string, record: T): Promise<void> {
    await this.#files.writeAtomic(this.#path(id), textOf(record), 0o600);
  }

  /** Writes a record that does not count before `commit`. Its content is durable, its name not yet. */
  async prepare(id: string, record: T): Promise<void> {
    await this.#files.write(this.#preparedPath(id), textOf(record), 0o600);
  }

  async commit(id: string): Promise<void> {
    await this.#files.rename(this.#preparedPath(id), this.#path(id));
  }

  /** Removes a record, prepared or written. Not there is fine. */
  async remove(id: string): Promise<void> {
    await this.#files.removeFile(this.#path(id));
    await this.#files.removeFile(this.#preparedPath(id));
  }

  async #read(id: string): Promise<T> {
    const path = this.#path(id);
    const stat = await this.#files.stat(path);
    if (stat?.kind !== 'file')
      throw new Error(`${path}: not a plain file; move it away to open ${this.#directory}`);
    return this.#parse(await this.#files.read(path), path, id);
  }

  #path(id: string): string {
    return `${this.#directory}/${id}.${this.#suffix}`;
  }

  #preparedPath(id: string): string {
    return `${this.#directory}/${preparedName(id, this.#suffix)}`;
  }
}

/** The file of a record that does not count yet. */
export function preparedName(id: string, suffix: string): string {
  return `.${id}.${suffix}.tmp`;
}

/** Whether a directory entry is what a write or a preparation that was cut short has left. */
export function isUnfinished(name: string): boolean {
  return /^\..+\.tmp$/.test(name);
}

/** The fields of a JSON object; none for any other text. For the parse functions of records. */
export function fieldsOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

function textOf(record: unknown): string {
  return `${JSON.stringify(record)}\n`;
}
