import type { Entry } from '../registry/contract.ts';
import { EventLog, StoreEvent } from './event-log.ts';
import { FieldIndex, type FieldReader } from './field-index.ts';
import { compare, OrderedMap } from './ordered-map.ts';

/** A write that is applied in memory and not yet on disk. */
export interface PendingWrite {
  readonly table: Table;
  readonly key: string;
  /** The state after; for a deletion the last state with the deletion's revision. */
  readonly entry: Entry;
  readonly deleted: boolean;
  /** Settles with the batch that holds the write. */
  readonly durable: Promise<void>;
}

/**
 * The objects of one resource: what is durable, which readers see, and over it the head, which only writers see.
 */
export class Table {
  readonly id: string;
  readonly log: EventLog;
  readonly #durable = new OrderedMap<Entry>();
  readonly #head = new Map<string, PendingWrite>();
  readonly #listeners = new Set<() => void>();
  readonly #indexes = new Map<string, FieldIndex>();

  constructor(id: string, logCapacity: number, revision: number) {
    this.id = id;
    this.log = new EventLog(logCapacity, revision);
  }

  get size(): number {
    return this.#durable.size;
  }

  get(key: string): Entry | undefined {
    return this.#durable.get(key);
  }

  /** The newest state, durable or not: what a write must build on. */
  head(key: string): Entry | undefined {
    const pending = this.#head.get(key);
    if (pending) return pending.deleted ? undefined : pending.entry;
    return this.#durable.get(key);
  }

  /** The newest states, durable or not, in no order; of one namespace when `prefix` names it. */
  *heads(prefix = ''): Generator<Entry> {
    for (const { key, deleted, entry } of this.#head.values()) {
      if (!deleted && key.startsWith(prefix)) yield entry;
    }
    for (const [key, entry] of this.entries('', prefix)) if (!this.#head.has(key)) yield entry;
  }

  /** Settles when the newest state of a key is durable; undefined when it is already. */
  settled(key: string): Promise<void> | undefined {
    return this.#head.get(key)?.durable;
  }

  /** Durable entries in key order from `start` on, of one namespace when `prefix` names it. */
  *entries(start = '', prefix = ''): Generator<[string, Entry]> {
    for (const key of this.#durable.keysFrom(start < prefix ? prefix : start, prefix)) {
      yield [key, this.#durable.get(key)!];
    }
  }

  /**
   * The durable entries whose field has a value, in the same order. The index of the field is made at its first use
   * and kept from then on.
   */
  *entriesWith(
    field: { readonly path: string; readonly read: FieldReader; readonly value: string },
    start = '',
    prefix = '',
  ): Generator<[string, Entry]> {
    let index = this.#indexes.get(field.path);
    if (!index) {
      index = new FieldIndex(field.read, this.entries());
      this.#indexes.set(field.path, index);
    }
    for (const key of index.keysOf(field.value)) {
      const entry = key >= start && key.startsWith(prefix) ? this.#durable.get(key) : undefined;
      if (entry) yield [key, entry];
    }
  }

  /**
   * The same as of an earlier revision, by undoing what the log has since then.
   * @returns undefined when the log does not reach back.
   */
  entriesAt(revision: number, start = '', prefix = ''): Iterable<[string, Entry]> | undefined {
    const position = this.log.after(revision);
    if (position === undefined) return undefined;
    const before = new Map<string, Entry | undefined>();
    for (const event of this.log.read(position, Number.POSITIVE_INFINITY)!) {
      if (!before.has(event.key)) before.set(event.key, event.previous);
    }
    return before.size === 0 ? this.entries(start, prefix) : this.#undone(before, start, prefix);
  }

  *#undone(
    before: ReadonlyMap<string, Entry | undefined>,
    start: string,
    prefix: string,
  ): Generator<[string, Entry]> {
    const from = start < prefix ? prefix : start;
    const changed = [...before.keys()].filter((key) => key >= from && key.startsWith(prefix)).sort(compare);
    let next = 0;
    const undoneUpTo = function* (limit: string | undefined): Generator<[string, Entry]> {
      while (next < changed.length && (limit === undefined || changed[next]! < limit)) {
        const key = changed[next++]!;
        const entry = before.get(key);
        if (entry) yield [key, entry];
      }
    };
    for (const [key, entry] of this.entries(start, prefix)) {
      yield* undoneUpTo(key);
      if (!before.has(key)) yield [key, entry];
    }
    yield* undoneUpTo(undefined);
  }

  /** Calls the listener after every batch with durable changes, until the returned function is called. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** For the store alone: a row of the last run. */
  load(key: string, entry: Entry): void {
    this.#durable.set(key, entry);
  }

  /** For the store alone: a write was applied in memory. */
  stage(write: PendingWrite): void {
    this.#head.set(write.key, write);
  }

  /** For the store alone: the write is on disk; readers may see it. */
  publish(write: PendingWrite): void {
    const previous = this.#durable.get(write.key);
    if (write.deleted) this.#durable.delete(write.key);
    else this.#durable.set(write.key, write.entry);
    for (const index of this.#indexes.values())
      index.change(write.key, previous, write.deleted ? undefined : write.entry);
    if (this.#head.get(write.key) === write) this.#head.delete(write.key);
    this.log.append(new StoreEvent({ key: write.key, entry: write.entry, previous, deleted: write.deleted }));
  }

  /** For the store alone: wakes watchers after a batch. */
  wake(): void {
    for (const listener of this.#listeners) listener();
  }

  /** For the store alone: forgets what never became durable. */
  unstage(): void {
    this.#head.clear();
  }
}
