import type { Entry } from '../registry/contract.ts';
import { atRevision } from './entry.ts';

/** A durable change of one object. */
export class StoreEvent {
  readonly revision: number;
  readonly key: string;
  /** The state after; for a deletion the last state with the deletion's revision. */
  readonly entry: Entry;
  readonly previous: Entry | undefined;
  readonly deleted: boolean;
  #departed: Entry | undefined;

  constructor(change: { key: string; entry: Entry; previous: Entry | undefined; deleted: boolean }) {
    this.revision = change.entry.revision;
    this.key = change.key;
    this.entry = change.entry;
    this.previous = change.previous;
    this.deleted = change.deleted;
  }

  /** The previous state with this event's revision: what a watch whose selection it left gets as DELETED. */
  departed(): Entry {
    if (this.deleted || !this.previous) return this.entry;
    this.#departed ??= atRevision(this.previous.object, this.revision);
    return this.#departed;
  }
}

/**
 * The recent changes of one resource, oldest first. Readers hold a cursor: the position of the next event, counted
 * from the start of the log, so that dropping old events moves nobody.
 */
export class EventLog {
  readonly #capacity: number;
  #events: StoreEvent[] = [];
  /** The position of #events[0]. */
  #first = 0;
  /** Changes up to this revision are not, or no longer, in the log. */
  #floor: number;

  constructor(capacity: number, floor: number) {
    this.#capacity = capacity;
    this.#floor = floor;
  }

  get floor(): number {
    return this.#floor;
  }

  /** The position after the newest event. */
  get end(): number {
    return this.#first + this.#events.length;
  }

  append(event: StoreEvent): void {
    this.#events.push(event);
    if (this.#events.length < this.#capacity * 2) return;
    const drop = this.#events.length - this.#capacity;
    this.#floor = this.#events[drop - 1]!.revision;
    this.#events = this.#events.slice(drop);
    this.#first += drop;
  }

  /** The position of the first change after `revision`; `undefined` when some of them have been dropped. */
  after(revision: number): number | undefined {
    if (revision < this.#floor) return undefined;
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#events[middle]!.revision <= revision) low = middle + 1;
      else high = middle;
    }
    return this.#first + low;
  }

  /** Up to `limit` events from a position on; `undefined` when the position has been dropped. */
  read(position: number, limit: number): readonly StoreEvent[] | undefined {
    if (position < this.#first) return undefined;
    return this.#events.slice(position - this.#first, position - this.#first + limit);
  }
}
