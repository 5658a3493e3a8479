import {
  type Clock,
  errorMessage,
  type Logger,
  type Random,
  rfc3339,
  rfc3339Micro,
  type Timer,
} from '../base/index.ts';
import { events, eventsV1, isNotFound, type KubeObject, type ObjectReference } from '../kube/index.ts';
import type { Client } from './client.ts';

/** What an event is about: a stored object, or a reference to one. */
export type EventSubject = KubeObject | ObjectReference;

/** What the newer form of an event says beside. */
export interface EventAction {
  /** What was done, or was tried. */
  readonly action: string;
  /** What else has to do with it. */
  readonly related?: EventSubject;
}

/** Tells users what happened to an object. */
export interface EventRecorder {
  /**
   * In the form of core/v1, as most components tell it (client-go's tools/record); with an action in that of
   * events.k8s.io, as kube-scheduler does (tools/events).
   */
  event(
    subject: EventSubject,
    type: 'Normal' | 'Warning',
    reason: string,
    message: string,
    action?: EventAction,
  ): void;
}

export interface RecorderOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** event.source.component, and event.reportingController */
  readonly component: string;
  /** event.source.host, and the end of event.reportingInstance */
  readonly host?: string;
}

/** Messages longer than this are cut (the API's limit). */
const MAX_MESSAGE_LENGTH = 1024;
/** A series of repeats has ended when there was none for so long. */
const SERIES_ENDS_AFTER_MS = 6 * 60_000;
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
  readonly action?: string;
  readonly related?: ObjectReference;
  readonly firstAtMs: number;
  lastAtMs: number;
  count: number;
}

/** An event that is in the API. */
interface Written {
  readonly name: string;
  readonly namespace: string;
  count: number;
  lastAtMs: number;
}

/**
 * Writes events in the background, within a tenth of a second; a repeat of an event counts up the one already written.
 * An event that cannot be written is logged and dropped: events never hold up the work they tell of.
 */
export class Recorder implements EventRecorder {
  readonly #options: RecorderOptions;
  #sequence: number;
  readonly #written = new Map<string, Written>();
  #gathered = new Map<string, Gathered>();
  #due: Timer | undefined;
  #tail: Promise<void> = Promise.resolve();

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#sequence = Math.floor(options.random.next() * 900_000);
  }

  event(
    subject: EventSubject,
    type: 'Normal' | 'Warning',
    reason: string,
    message: string,
    { action, related }: Partial<EventAction> = {},
  ): void {
    const involved = referenceOf(subject);
    const text =
      message.length > MAX_MESSAGE_LENGTH ? `${message.slice(0, MAX_MESSAGE_LENGTH - 3)}...` : message;
    const { clock } = this.#options;
    const now = clock.now();
    const other = related && referenceOf(related);
    const { kind, namespace, name, uid } = involved;
    const key = [kind, namespace, name, uid, type, reason, text, action, other?.uid].join('\u0000');
    const known = this.#gathered.get(key);
    if (known) {
      known.count++;
      known.lastAtMs = now;
      return;
    }
    this.#gathered.set(key, {
      involved,
      type,
      reason,
      message: text,
      action,
      related: other,
      firstAtMs: now,
      lastAtMs: now,
      count: 1,
    });
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
    const { client } = this.#options;
    const known = this.#written.get(key);
    const isOver =
      event.action !== undefined && known && event.firstAtMs - known.lastAtMs > SERIES_ENDS_AFTER_MS;
    if (known && !isOver) {
      try {
        const count = known.count + event.count;
        const body =
          event.action === undefined
            ? { count, lastTimestamp: rfc3339(event.lastAtMs) }
            : { series: { count, lastObservedTime: rfc3339Micro(event.lastAtMs) } };
        await client.patch(events, known, { type: 'merge', body });
        known.count = count;
        known.lastAtMs = event.lastAtMs;
        return;
      } catch (error) {
        if (!isNotFound(error)) throw error;
        this.#written.delete(key);
      }
    }
    const { count, lastAtMs } = event;
    const namespace = event.involved.namespace ?? 'default';
    const metadata = { name: `${event.involved.name}.${this.#uniqueSuffix()}`, namespace };
    if (event.action === undefined) await client.create(events, { metadata, ...this.#coreForm(event) });
    else await client.create(eventsV1, { metadata, ...this.#newerForm(event, event.action) });
    this.#written.set(key, { ...metadata, count, lastAtMs });
    if (this.#written.size > MAX_REMEMBERED) this.#written.delete(this.#written.keys().next().value!);
  }

  #coreForm({ involved, type, reason, message, firstAtMs, lastAtMs, count }: Gathered) {
    const { component, host } = this.#options;
    return {
      involvedObject: involved,
      type,
      reason,
      message,
      source: { component, host },
      firstTimestamp: rfc3339(firstAtMs),
      lastTimestamp: rfc3339(lastAtMs),
      count,
      reportingComponent: component,
      reportingInstance: host ?? '',
    };
  }

  #newerForm(
    { involved, related, type, reason, message, firstAtMs, lastAtMs, count }: Gathered,
    action: string,
  ) {
    const { component, host } = this.#options;
    return {
      eventTime: rfc3339Micro(firstAtMs),
      ...(count > 1 && { series: { count, lastObservedTime: rfc3339Micro(lastAtMs) } }),
      reportingController: component,
      reportingInstance: host ? `${component}-${host}` : component,
      action,
      regarding: involved,
      related,
      type,
      reason,
      note: message,
    };
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
