import type { Clock, Timer } from '../../base/index.ts';
import type { WatchOptions } from '../../client/index.ts';
import { apiVersionOf, type KubeObject, type Stored } from '../../kube/index.ts';
import { type Store, StoredEntry, type StoreEvent, type Table } from '../store/index.ts';
import {
  type Entry,
  type EntryEvent,
  type ResourceDefinition,
  type StoredForm,
  storedForm,
} from './contract.ts';
import { list, parseRevision, tooLarge, tooOld } from './list.ts';
import { Pulled } from './pulled.ts';
import { parseSelection, type Selection } from './selection.ts';

const BOOKMARK_INTERVAL_MS = 60_000;
/** How long before its time limit a watch gets its last bookmark. */
const LAST_BOOKMARK_MS = 2_000;
/** How long a revision is waited for whose state is asked for (cacher blockTimeout). */
const FUTURE_LIMIT_MS = 3_000;
/** Marks the bookmark after the present state (metav1.InitialEventsAnnotationKey). */
const INITIAL_EVENTS_END = 'k8s.io/initial-events-end';
/** Changes handed over at once. */
const BATCH_LIMIT = 1000;

/**
 * The changes of a resource as they become durable, in batches. Where the present state is asked for (as it is without
 * a revision) it comes first, as ADDED, and then a bookmark that says so. The reader holds only a position in the
 * resource's log: a slow one costs nothing and, once the log has left it behind, gets a 410. A revision that is not
 * reached yet is waited for. What is wrong with the request is thrown at once, before the first batch.
 * @throws StatusError 400; 410 when the revision, or the reader, is out of the window; 503 when the store has failed;
 * 504 when the present state of a revision is asked for that is not reached in time
 */
export function watch(
  store: Store,
  table: Table,
  definition: ResourceDefinition,
  clock: Clock,
  options: WatchOptions = {},
): AsyncIterableIterator<readonly EntryEvent[], undefined> {
  store.assertServing();
  const selection = parseSelection(definition, options);
  const prefix = definition.namespaced && options.namespace ? `${options.namespace}/` : '';
  const asked = parseRevision(options.resourceVersion);
  const wantsState = options.sendInitialEvents ?? asked === undefined;
  const { namespace, labelSelector, fieldSelector } = options;
  const snapshot = (): Snapshot => {
    const { entries, revision } = list(store, table, definition, { namespace, labelSelector, fieldSelector });
    return { entries, revision, position: table.log.end };
  };
  const changesAfter = (revision: number): Snapshot => {
    const position = table.log.after(revision);
    if (position === undefined) throw tooOld(revision, table.log.floor);
    return { entries: [], revision, position };
  };
  const isFuture = asked !== undefined && asked > store.revision;
  const start =
    isFuture && wantsState ? undefined : wantsState ? snapshot() : changesAfter(asked ?? store.revision);
  const see = (event: StoreEvent) =>
    event.key.startsWith(prefix) ? changeSeen(selection, event, definition) : undefined;
  return new Pulled((ring) =>
    follow({ store, table, definition, clock, options, start, asked, wantsState, snapshot, see, ring }),
  );
}

/** Where a watch starts: objects to show first, the state they show, and the position of the first change after it. */
interface Snapshot {
  entries: readonly Entry[];
  readonly revision: number;
  readonly position: number;
}

/** Yields batches, and `undefined` where there is nothing until it is rung. */
function* follow(from: {
  readonly store: Store;
  readonly table: Table;
  readonly definition: ResourceDefinition;
  readonly clock: Clock;
  readonly options: WatchOptions;
  /** Undefined: the present state once revision `asked` is reached. */
  readonly start: Snapshot | undefined;
  readonly asked: number | undefined;
  readonly wantsState: boolean;
  snapshot(): Snapshot;
  see(event: StoreEvent): EntryEvent | undefined;
  ring(): void;
}): Generator<readonly EntryEvent[] | undefined, void, void> {
  const { store, table, definition, clock, options, asked = 0, ring } = from;
  // What is watched may be removed. No AbortSignal.any: the process would hold the watch that nobody reads any more.
  const signals = [options.signal, definition.custom?.removed].filter((signal) => signal !== undefined);
  let ended = signals.some(({ aborted }) => aborted);
  const end = () => {
    ended = true;
    ring();
  };
  for (const signal of signals) signal.addEventListener('abort', end, { once: true });
  const stopListening = table.onChange(ring);
  const limitMs =
    options.timeoutSeconds && options.timeoutSeconds > 0 ? options.timeoutSeconds * 1000 : undefined;
  const timers: { cancel(): void }[] = [];
  if (limitMs !== undefined) timers.push(clock.after(limitMs, end, { unref: true }));
  const endsAt = limitMs === undefined ? Number.POSITIVE_INFINITY : clock.monotonic() + limitMs;
  const bookmarks = options.allowWatchBookmarks ? new BookmarkTimer(clock, endsAt, ring) : undefined;
  try {
    if (!from.start) {
      let late = false;
      const onLate = () => {
        late = true;
        ring();
      };
      timers.push(clock.after(FUTURE_LIMIT_MS, onLate, { unref: true }));
      while (!ended && store.revision < asked) {
        store.assertServing();
        if (late) throw tooLarge(asked, store.revision);
        yield undefined;
      }
      if (ended) return;
    }
    const start = from.start ?? from.snapshot();
    for (let index = 0; index < start.entries.length && !ended; index += BATCH_LIMIT)
      yield start.entries
        .slice(index, index + BATCH_LIMIT)
        .map((entry) => ({ type: 'ADDED', entry }) as const);
    // A watch lives long: it must not keep objects that have since changed or gone.
    start.entries = [];
    if (bookmarks && from.wantsState && !ended)
      yield [{ type: 'BOOKMARK', entry: bookmark(definition, start.revision, true) }];
    let position = start.position;
    while (!ended) {
      store.assertServing();
      const events = table.log.read(position, BATCH_LIMIT);
      if (!events) throw tooOld(start.revision, table.log.floor);
      position += events.length;
      const seen: EntryEvent[] = [];
      for (const event of events) {
        // Only a revision from the future lies beyond a change of the log.
        const change = event.revision > start.revision ? from.see(event) : undefined;
        if (change) seen.push(change);
      }
      if (bookmarks?.due && position === table.log.end && store.revision >= start.revision) {
        bookmarks.restart();
        seen.push({ type: 'BOOKMARK', entry: bookmark(definition, store.revision) });
      }
      if (seen.length > 0) yield seen;
      else if (events.length === 0) yield undefined;
    }
  } finally {
    stopListening();
    for (const timer of timers) timer.cancel();
    bookmarks?.cancel();
    for (const signal of signals) signal.removeEventListener('abort', end);
  }
}

/** How one change looks through a selection; `undefined` when it does not show. */
export function changeSeen(
  selection: Selection,
  stored: StoreEvent,
  definition?: ResourceDefinition,
): EntryEvent | undefined {
  const form = definition && storedForm(definition);
  const event = form ? asShown(stored, form) : stored;
  const before = event.previous !== undefined && selection.matches(event.previous.object);
  const after = !event.deleted && selection.matches(event.entry.object);
  if (after) return { type: before ? 'MODIFIED' : 'ADDED', entry: event.entry };
  return before ? { type: 'DELETED', entry: event.departed() } : undefined;
}

/** A change of what is stored in another form, as the watched kind or version shows it. */
function asShown(
  event: StoreEvent,
  { read }: StoredForm,
): Pick<StoreEvent, 'previous' | 'deleted' | 'entry' | 'departed'> {
  return {
    deleted: event.deleted,
    entry: read(event.entry),
    previous: event.previous && read(event.previous),
    departed: () => read(event.departed()),
  };
}

/** Rings each minute, and once shortly before the watch ends (cacher nextBookmarkTime). */
class BookmarkTimer {
  readonly #clock: Clock;
  readonly #endsAt: number;
  readonly #onDue: () => void;
  #timer: Timer | undefined;
  due = false;

  /** `endsAt`: monotonic milliseconds. */
  constructor(clock: Clock, endsAt: number, onDue: () => void) {
    this.#clock = clock;
    this.#endsAt = endsAt;
    this.#onDue = onDue;
    this.restart();
  }

  restart(): void {
    this.due = false;
    const untilLast = this.#endsAt - LAST_BOOKMARK_MS - this.#clock.monotonic();
    // The last one has been sent.
    if (untilLast <= 0) return;
    const ring = () => {
      this.due = true;
      this.#onDue();
    };
    const delayMs = Math.min(BOOKMARK_INTERVAL_MS, untilLast);
    this.#timer = this.#clock.after(delayMs, ring, { unref: true });
  }

  cancel(): void {
    this.#timer?.cancel();
  }
}

/** An object that carries nothing but how far the watch has come, and whether the present state ends with it. */
function bookmark(definition: ResourceDefinition, revision: number, endsState = false): StoredEntry {
  const object = {
    kind: definition.kind,
    apiVersion: apiVersionOf(definition),
    metadata: {
      resourceVersion: String(revision),
      creationTimestamp: null,
      annotations: endsState ? { [INITIAL_EVENTS_END]: 'true' } : undefined,
    },
  };
  return new StoredEntry(Object.freeze(object) as unknown as Stored<KubeObject>, revision);
}
