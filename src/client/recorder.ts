import { type Clock, errorMessage, type Logger, type Random, rfc3339, type Timer } from '../base/index.ts';
import { events, isNotFound, type KubeObject, type ObjectReference } from '../kube/index.ts';
import type { Client } from './client.ts';

/** What an event is about: a stored object, or a reference to one. */
export type EventSubject = KubeObject | ObjectReference;

/** Tells users what happened to an object (core/v1 Event, as client-go's recorder). */
export interface EventRecorder {
  event(subject: EventSubject, type: 'Normal' | 'Warning', reason: string, message: string): void;
}

export interface RecorderOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** event.source.component */
  readonly component: string;
  /** event.source.host */
  readonly host?: string;
}

/** Messages longer than this are cut (the API's limit). */
const MAX_MESSAGE_LENGTH = 1024;
/** How many distinct events are remembered for counting repeats. */
const MAX_REMEMBERED = 4096;
/** Events gather for so long and are written together: they share commits, and keep clear of the work they tell of. */
const GATHER_MS = 100;
/** How many are written at a time. */
const WRITERS = 32;

/** An event, and how often it was recorded since the last time it was written. */
interface Gathered {
  readonly involved: ObjectReference;
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  readonly firstAt: string;
  lastAt: string;
  count: number;
}

/**
 * Writes events in the background, within a tenth of a second; a repeat of an event counts up the one already written.
 * An event that cannot be written is logged and dropped: events never hold up the work they tell of.
 */
export class Recorder implements EventRecorder {
  readonly #options: RecorderOptions;
  #sequence: number;
  readonly #written = new Map<string, { name: string; namespace: string; count: number }>();
  #gathered = new Map<string, Gathered>();
  #due: Timer | undefined;
  #tail: Promise<void> = Promise.resolve();

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#sequence = Math.floor(options.random.next() * 900_000);
  }

  event(subject: EventSubject, type: 'Normal' | 'Warning', reason: string, message: string): void {
    const involved = referenceOf(subject);
    const text =
      message.length > MAX_MESSAGE_LENGTH ? `${message.slice(0, MAX_MESSAGE_LENGTH - 3)}...` : message;
    const { clock } = this.#options;
    const at = rfc3339(clock.now());
    const { kind, namespace, name, uid } = involved;
    const key = [kind, namespace, name, uid, type, reason, text].join('\u0000');
    const known = this.#gathered.get(key);
    if (known) {
      known.count++;
      known.lastAt = at;
      return;
    }
    this.#gathered.set(key, { involved, type, reason, message: text, firstAt: at, lastAt: at, count: 1 });
    this.#due ??= clock.after(GATHER_MS, () => void this.flush(), { unref: true });
  }

  /** Resolves once every event recorded so far is written or dropped. */
  flush(): Promise<void> {
    this.#due?.cancel();
    this.#due = undefined;
    if (this.#gathered.size > 0) this.#tail = this.#tail.then(() => this.#writeAll());
    return this.#tail;
  }

  /** What was recorded while an earlier writing took its time goes together: a server that was away is not flooded. */
  async #writeAll(): Promise<void> {
    const batch = this.#gathered;
    this.#gathered = new Map();
    const left = batch.entries();
    const work = async () => {
      for (const [key, event] of left) {
        await this.#write(key, event).catch((error) =>
          this.#options.log.warn('an event could not be written', {
            reason: event.reason,
            error: errorMessage(error),
          }),
        );
      }
    };
    await Promise.all(Array.from({ length: Math.min(WRITERS, batch.size) }, work));
  }

  async #write(key: string, event: Gathered): Promise<void> {
    const { client, component, host } = this.#options;
    const { involved, type, reason, message } = event;
    const known = this.#written.get(key);
    if (known) {
      try {
        const count = known.count + event.count;
        const body = { count, lastTimestamp: event.lastAt };
        await client.patch(events, known, { type: 'merge', body });
        known.count = count;
        return;
      } catch (error) {
        if (!isNotFound(error)) throw error;
        this.#written.delete(key);
      }
    }
    const namespace = involved.namespace ?? 'default';
    const unique = this.#uniqueSuffix();
    const created = await client.create(events, {
      metadata: { name: `${involved.name}.${unique}`, namespace },
      involvedObject: involved,
      type,
      reason,
      message,
      source: { component, host },
      firstTimestamp: event.firstAt,
      lastTimestamp: event.lastAt,
      count: event.count,
      reportingComponent: component,
      reportingInstance: host ?? '',
    });
    this.#written.set(key, { name: created.metadata.name, namespace, count: event.count });
    if (this.#written.size > MAX_REMEMBERED) this.#written.delete(this.#written.keys().next().value!);
  }

  /**
   * Nanoseconds in hexadecimal, as client-go. Below the millisecond we count, so that names sort in the order of the
   * events, from a number drawn by chance, so that recorders do not collide.
   */
  #uniqueSuffix(): string {
    const millisecond = BigInt(this.#options.clock.now()) * 1_000_000n;
    return (millisecond + BigInt(this.#sequence++ % 1_000_000)).toString(16);
  }
}

function referenceOf(subject: EventSubject): ObjectReference {
  if (!('metadata' in subject) || subject.metadata === undefined) return subject as ObjectReference;
  const { namespace, name, uid, resourceVersion } = subject.metadata;
  return { apiVersion: subject.apiVersion, kind: subject.kind, namespace, name, uid, resourceVersion };
}
