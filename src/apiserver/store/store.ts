import type { Readable } from 'node:stream';
import type { Clock } from '../../base/index.ts';
import { type KubeObject, StatusError, statusFailure } from '../../kube/index.ts';
import type { Entry } from '../registry/contract.ts';
import { type Engine, type EngineWrite, StorageFullError } from './engine.ts';
import { atRevision, StoredEntry } from './entry.ts';
import { type PendingWrite, Table } from './table.ts';

/** How many recent changes a resource keeps for watches, at least (at most twice as many). */
const LOG_CAPACITY = 8192;

interface Batch {
  readonly writes: PendingWrite[];
  readonly durable: Promise<void>;
  readonly settle: (error?: Error) => void;
}

/** A write as an engine sees it: one that keeps nothing never asks for the JSON. */
class WriteToKeep implements EngineWrite {
  readonly table: string;
  readonly key: string;
  readonly revision: number;
  readonly deleted: boolean;
  readonly #entry: Entry;

  constructor({ table, key, entry, deleted }: PendingWrite) {
    this.table = table.id;
    this.key = key;
    this.revision = entry.revision;
    this.deleted = deleted;
    this.#entry = entry;
  }

  get value(): Buffer | undefined {
    return this.deleted ? undefined : this.#entry.json();
  }
}

/** A write that was applied; it may be acknowledged once `durable` has resolved. */
export interface AppliedWrite {
  readonly entry: Entry;
  readonly durable: Promise<void>;
}

/**
 * Objects in memory over an engine on disk, with one revision for all. A write is applied to the head at once and
 * joins the batch that goes to disk next; while one batch is being synced the next one fills (group commit). Readers
 * see a batch, all of it, once it is durable.
 */
export class Store {
  readonly #engine: Engine;
  readonly #clock: Pick<Clock, 'soon'>;
  readonly #tables = new Map<string, Table>();
  readonly #loadedRevision: number;
  readonly #logCapacity: number;
  #headRevision: number;
  #durableRevision: number;
  #open: Batch | undefined;
  #working = false;
  #closed = false;
  #failure: Error | undefined;
  #fail!: (error: Error) => void;
  /** Resolves with the reason when the disk has failed. The store then refuses everything; the process must end. */
  readonly failed: Promise<Error>;

  constructor(engine: Engine, clock: Pick<Clock, 'soon'>, options: { logCapacity?: number } = {}) {
    this.#engine = engine;
    this.#clock = clock;
    this.#logCapacity = options.logCapacity ?? LOG_CAPACITY;
    this.failed = new Promise((resolve) => {
      this.#fail = resolve;
    });
    const { revision, rows } = engine.load();
    // etcd's first revision is 1 as well: 0 means "any" in a resourceVersion.
    this.#loadedRevision = Math.max(1, revision);
    this.#headRevision = this.#loadedRevision;
    this.#durableRevision = this.#loadedRevision;
    for (const { table, key, revision, value, object } of rows) {
      this.table(table).load(key, StoredEntry.fromJson(value, revision, object));
    }
  }

  /** The revision of the last durable write. */
  get revision(): number {
    return this.#durableRevision;
  }

  table(id: string): Table {
    let table = this.#tables.get(id);
    if (!table) {
      table = new Table(id, this.#logCapacity, this.#loadedRevision);
      this.#tables.set(id, table);
    }
    return table;
  }

  /** @throws StatusError 503 when the disk has failed or the store is closed. */
  assertServing(): void {
    if (this.#failure) {
      throw statusFailure(503, 'ServiceUnavailable', `the store has failed: ${this.#failure.message}`);
    }
    if (this.#closed) throw statusFailure(503, 'ServiceUnavailable', 'the API server is shutting down');
  }

  /** Writes the object, which must be frozen, under the next revision. */
  put(table: Table, key: string, object: KubeObject): AppliedWrite {
    return this.#apply(table, key, object, false);
  }

  /** Removes a key; `object` is the last state that watchers are to see. */
  remove(table: Table, key: string, object: KubeObject): AppliedWrite {
    return this.#apply(table, key, object, true);
  }

  /** A consistent copy of all that is durable, as the bytes of a database file; undefined when nothing is kept on disk. */
  snapshot(): Promise<Readable> | undefined {
    this.assertServing();
    return this.#engine.snapshot?.();
  }

  /** Waits for the writes under way, then lets go of the disk. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#open?.durable.catch(() => {});
    while (this.#working) await new Promise<void>((resolve) => this.#clock.soon(resolve));
    for (const table of this.#tables.values()) table.wake();
    await this.#engine.close();
  }

  #apply(table: Table, key: string, object: KubeObject, deleted: boolean): AppliedWrite {
    this.assertServing();
    const batch = this.#openBatch();
    const entry = atRevision(object, ++this.#headRevision);
    const write: PendingWrite = { table, key, entry, deleted, durable: batch.durable };
    batch.writes.push(write);
    table.stage(write);
    return { entry, durable: batch.durable };
  }

  #openBatch(): Batch {
    if (this.#open) return this.#open;
    let settle!: Batch['settle'];
    const durable = new Promise<void>((resolve, reject) => {
      settle = (error) => (error ? reject(error) : resolve());
    });
    // Whoever waits handles the failure; a batch nobody waits for must not end the process as unhandled.
    durable.catch(() => {});
    this.#open = { writes: [], durable, settle };
    if (!this.#working) {
      this.#working = true;
      // One turn later, so that requests read in the same turn share the first batch too.
      this.#clock.soon(() => void this.#work());
    }
    return this.#open;
  }

  async #work(): Promise<void> {
    for (let batch = this.#open; batch; batch = this.#open) {
      this.#open = undefined;
      try {
        await this.#engine.commit({
          revision: batch.writes.at(-1)!.entry.revision,
          writes: batch.writes.map((write) => new WriteToKeep(write)),
        });
      } catch (error) {
        this.#abandon(batch, error as Error);
        continue;
      }
      this.#publish(batch);
    }
    this.#working = false;
  }

  #publish(batch: Batch): void {
    const touched = new Set<Table>();
    for (const write of batch.writes) {
      write.table.publish(write);
      touched.add(write.table);
    }
    this.#durableRevision = batch.writes.at(-1)!.entry.revision;
    batch.settle();
    for (const table of touched) table.wake();
  }

  /** A batch is lost, and with it what was built on it: the batch that has been filling meanwhile. */
  #abandon(batch: Batch, error: Error): void {
    const full = error instanceof StorageFullError;
    const answer = full
      ? statusFailure(507, 'InternalError', error.message)
      : new StatusError(
          statusFailure(503, 'ServiceUnavailable', `the store has failed: ${error.message}`).status,
          { cause: error },
        );
    const next = this.#open;
    this.#open = undefined;
    for (const table of this.#tables.values()) table.unstage();
    if (!full) this.#failure = error;
    batch.settle(answer);
    next?.settle(answer);
    if (full) return;
    for (const table of this.#tables.values()) table.wake();
    this.#fail(error);
  }
}
