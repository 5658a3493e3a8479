import type { Clock, Timer } from '../../base/index.ts';
import type { WatchOptions } from '../../client/index.ts';
import { apiVersionOf, type KubeObject, type Stored } from '../../kube/index.ts';
import { type Store, StoredEntry, type StoreEvent, type Table } from '../store/index.ts';
import type { EntryEvent, ResourceDefinition } from './contract.ts';
import { list, parseRevision, tooOld } from './list.ts';
import { parseSelection, type Selection } from './selection.ts';

const BOOKMARK_INTERVAL_MS = 60_000;
/** Changes handed over at once. */
const BATCH_LIMIT = 1000;

/**
 * The changes of a resource as they become durable, in batches. Without a revision the present state comes first, as
 * ADDED. The reader holds only a position in the resource's log: a slow one costs nothing and, once the log has left
 * it behind, gets a 410. What is wrong with the request is thrown at once, before the first batch.
 * @throws StatusError 400; 410 when the revision, or the reader, is out of the window; 503 when the store has failed
 */
export function watch(
  store: Store,
  table: Table,
  definition: ResourceDefinition,
  clock: Clock,
  options: WatchOptions = {},
): AsyncGenerator<readonly EntryEvent[], void, undefined> {
  store.assertServing();
  const selection = parseSelection(definition, options);
  const prefix = definition.namespaced && options.namespace ? `${options.namespace}/` : '';
  const asked = parseRevision(options.resourceVersion);
  // A revision beyond the present one comes from another store's life: only a new list helps.
  const position =
    asked === undefined ? table.log.end : asked > store.revision ? undefined : table.log.after(asked);
  if (position === undefined) throw tooOld(asked!, Math.max(table.log.floor, store.revision));
  const initial =
    asked === undefined
      ? list(store, table, definition, { ...options, resourceVersion: undefined }).entries.map(
          (entry) => ({ type: 'ADDED', entry }) as const,
        )
      : [];
  const see = (event: StoreEvent) =>
    event.key.startsWith(prefix) ? changeSeen(selection, event) : undefined;
  return follow({ store, table, definition, clock, options, initial, position, see });
}

async function* follow(from: {
  readonly store: Store;
  readonly table: Table;
  readonly definition: ResourceDefinition;
  readonly clock: Clock;
  readonly options: WatchOptions;
  readonly initial: readonly EntryEvent[];
  readonly position: number;
  see(event: StoreEvent): EntryEvent | undefined;
}): AsyncGenerator<readonly EntryEvent[], void, undefined> {
  const { store, table, clock, options } = from;
  const bell = new Bell();
  let ended = options.signal?.aborted ?? false;
  const end = () => {
    ended = true;
    bell.ring();
  };
  options.signal?.addEventListener('abort', end, { once: true });
  const stopListening = table.onChange(() => bell.ring());
  const limit =
    options.timeoutSeconds !== undefined && options.timeoutSeconds > 0
      ? clock.after(options.timeoutSeconds * 1000, end, { unref: true })
      : undefined;
  const bookmarks = options.allowWatchBookmarks ? new BookmarkTimer(clock, () => bell.ring()) : undefined;
  let position = from.position;
  try {
    if (from.initial.length > 0) yield from.initial;
    while (!ended) {
      store.assertServing();
      const events = table.log.read(position, BATCH_LIMIT);
      if (!events) throw tooOld(Number(options.resourceVersion ?? 0), table.log.floor);
      position += events.length;
      const seen: EntryEvent[] = [];
      for (const event of events) {
        const change = from.see(event);
        if (change) seen.push(change);
      }
      if (bookmarks?.due && position === table.log.end) {
        bookmarks.restart();
        seen.push({ type: 'BOOKMARK', entry: bookmark(from.definition, store.revision) });
      }
      if (seen.length > 0) yield seen;
      else if (events.length === 0) await bell.rung();
    }
  } finally {
    stopListening();
    limit?.cancel();
    bookmarks?.cancel();
    options.signal?.removeEventListener('abort', end);
  }
}

/** How one change looks through a selection; `undefined` when it does not show. */
export function changeSeen(selection: Selection, event: StoreEvent): EntryEvent | undefined {
  const before = event.previous !== undefined && selection.matches(event.previous.object);
  const after = !event.deleted && selection.matches(event.entry.object);
  if (after) return { type: before ? 'MODIFIED' : 'ADDED', entry: event.entry };
  return before ? { type: 'DELETED', entry: event.departed() } : undefined;
}

/** Wakes the one who waits for it; rung while nobody waits, it wakes the next at once. */
class Bell {
  #isRung = false;
  #wake: (() => void) | undefined;

  ring(): void {
    this.#isRung = true;
    this.#wake?.();
  }

  async rung(): Promise<void> {
    if (!this.#isRung) await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#isRung = false;
    this.#wake = undefined;
  }
}

class BookmarkTimer {
  readonly #clock: Clock;
  readonly #onDue: () => void;
  #timer!: Timer;
  due = false;

  constructor(clock: Clock, onDue: () => void) {
    this.#clock = clock;
    this.#onDue = onDue;
    this.restart();
  }

  restart(): void {
    this.due = false;
    const ring = () => {
      this.due = true;
      this.#onDue();
    };
    this.#timer = this.#clock.after(BOOKMARK_INTERVAL_MS, ring, { unref: true });
  }

  cancel(): void {
    this.#timer.cancel();
  }
}

/** An object that carries nothing but how far the watch has come. */
function bookmark(definition: ResourceDefinition, revision: number): StoredEntry {
  const object = {
    kind: definition.kind,
    apiVersion: apiVersionOf(definition),
    metadata: { resourceVersion: String(revision), creationTimestamp: null },
  };
  return new StoredEntry(Object.freeze(object) as unknown as Stored<KubeObject>, revision);
}
