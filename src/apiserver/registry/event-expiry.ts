import { type Clock, errorMessage, type Logger, type Timer } from '../../base/index.ts';
import { type Event, isConflict, isNotFound, type Stored } from '../../kube/index.ts';
import type { Table } from '../store/index.ts';

/** How long an event stays after it was last written (upstream: --event-ttl). */
export const EVENT_TTL_MS = 3_600_000;
/** When the events of the last run are looked at: not while everything starts. */
const FIRST_LOOK_MS = 60_000;
/** At most so many go at once, and so long passes before the next: 1,000 a second, etcd's rate of lease revocation. */
const BATCH = 100;
const PAUSE_MS = 100;

export interface EventExpiryOptions {
  /** The table of events. */
  readonly table: Table;
  readonly clock: Clock;
  readonly log: Logger;
  readonly ttlMs: number;
  /** Deletes an event unless it has changed since. */
  remove(event: Stored<Event>): Promise<unknown>;
}

/**
 * Lets events go when nobody has written them for a time, a few at a time, so that a burst of events does not become a
 * burst of deletions. Upstream leaves this to etcd's leases: each write of an event begins its time anew.
 */
export class EventExpiry {
  readonly #options: EventExpiryOptions;
  /** When each event goes, in wall milliseconds. Writes come in the order of time, so the first is due first. */
  readonly #due = new Map<string, number>();
  readonly #stopListening: () => void;
  /** Up to where the table's log has been read; undefined until its objects have been looked at. */
  #position: number | undefined;
  #timer: Timer | undefined;
  #removing = false;
  #stopped = false;

  constructor(options: EventExpiryOptions) {
    this.#options = options;
    if (options.table.size === 0) this.#position = options.table.log.end;
    else this.#arm(FIRST_LOOK_MS);
    this.#stopListening = options.table.onChange(() => this.#follow());
  }

  stop(): void {
    this.#stopped = true;
    this.#stopListening();
    this.#timer?.cancel();
  }

  #follow(): void {
    const { table, clock, ttlMs } = this.#options;
    if (this.#position === undefined) return;
    const changes = table.log.read(this.#position, Number.POSITIVE_INFINITY);
    if (!changes) {
      this.#load();
    } else {
      this.#position += changes.length;
      for (const { key, deleted } of changes) {
        this.#due.delete(key);
        if (!deleted) this.#due.set(key, clock.now() + ttlMs);
      }
    }
    this.#armForFirst();
  }

  /** Takes what is in the table by its own timestamps. */
  #load(): void {
    const { table, clock, ttlMs } = this.#options;
    const nowMs = clock.now();
    const due: [string, number][] = [];
    for (const [key, { object }] of table.entries())
      due.push([key, lastWritten(object as Stored<Event>, nowMs) + ttlMs]);
    this.#due.clear();
    for (const [key, at] of due.sort(([, a], [, b]) => a - b)) this.#due.set(key, at);
    this.#position = table.log.end;
  }

  #armForFirst(): void {
    if (this.#timer || this.#removing) return;
    for (const at of this.#due.values()) {
      this.#arm(Math.max(PAUSE_MS, at - this.#options.clock.now()));
      return;
    }
  }

  #arm(delayMs: number): void {
    if (this.#stopped) return;
    const fire = () => {
      this.#timer = undefined;
      if (this.#position === undefined) this.#load();
      void this.#removeDue();
    };
    this.#timer = this.#options.clock.after(delayMs, fire, { unref: true });
  }

  async #removeDue(): Promise<void> {
    const { table, clock, log, ttlMs } = this.#options;
    const nowMs = clock.now();
    const going: Promise<unknown>[] = [];
    for (const [key, at] of this.#due) {
      if (at > nowMs || going.length === BATCH) break;
      this.#due.delete(key);
      const entry = table.get(key);
      if (!entry) continue;
      const removal = this.#options.remove(entry.object as Stored<Event>).catch((error) => {
        if (this.#stopped || isNotFound(error) || isConflict(error)) return;
        log.warn('an old event could not be deleted', { event: key, error: errorMessage(error) });
        // It is tried again as if it had been written now.
        this.#due.set(key, clock.now() + ttlMs);
      });
      going.push(removal);
    }
    this.#removing = true;
    await Promise.all(going);
    this.#removing = false;
    this.#armForFirst();
  }
}

/** When an event of an earlier run was last written, as far as it tells. What lies in the future does not count. */
export function lastWritten({ metadata, lastTimestamp, series }: Stored<Event>, nowMs: number): number {
  const times = [metadata.creationTimestamp, lastTimestamp, series?.lastObservedTime]
    .map((text) => (text ? Date.parse(text) : Number.NaN))
    .filter((time) => time <= nowMs);
  return times.length > 0 ? Math.max(...times) : nowMs;
}
