import { type Clock, errorMessage, type Logger, type Random, rfc3339 } from '../base/index.ts';
import { type Event, events, isNotFound, type KubeObject, type ObjectReference } from '../kube/index.ts';
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

/**
 * Writes events one after another in the background; a repeat of an event counts up the one already written. An event
 * that cannot be written is logged and dropped: events never hold up the work they tell of.
 */
export class Recorder implements EventRecorder {
  readonly #options: RecorderOptions;
  readonly #written = new Map<string, { name: string; namespace: string; count: number }>();
  #tail: Promise<void> = Promise.resolve();

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  event(subject: EventSubject, type: 'Normal' | 'Warning', reason: string, message: string): void {
    const involved = referenceOf(subject);
    const text =
      message.length > MAX_MESSAGE_LENGTH ? `${message.slice(0, MAX_MESSAGE_LENGTH - 3)}...` : message;
    const at = rfc3339(this.#options.clock.now());
    this.#tail = this.#tail.then(() =>
      this.#write(involved, type, reason, text, at).catch((error) =>
        this.#options.log.warn('an event could not be written', { reason, error: errorMessage(error) }),
      ),
    );
  }

  /** Resolves once every event recorded so far is written or dropped. */
  flush(): Promise<void> {
    return this.#tail;
  }

  async #write(
    involved: ObjectReference,
    type: string,
    reason: string,
    message: string,
    at: string,
  ): Promise<void> {
    const { client, component, host } = this.#options;
    const key = [involved.kind, involved.namespace, involved.name, involved.uid, type, reason, message].join(
      '\u0000',
    );
    const known = this.#written.get(key);
    if (known) {
      try {
        const count = known.count + 1;
        const body = { count, lastTimestamp: at };
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
    const event: Event = {
      metadata: { name: `${involved.name}.${unique}`, namespace },
      involvedObject: involved,
      type,
      reason,
      message,
      source: { component, host },
      firstTimestamp: at,
      lastTimestamp: at,
      count: 1,
      reportingComponent: component,
      reportingInstance: host ?? '',
    };
    const created = await client.create(events, event);
    this.#written.set(key, { name: created.metadata.name, namespace, count: 1 });
    if (this.#written.size > MAX_REMEMBERED) this.#written.delete(this.#written.keys().next().value!);
  }

  /** Nanoseconds in hexadecimal, as client-go; below the millisecond by chance, so that recorders do not collide. */
  #uniqueSuffix(): string {
    const { clock, random } = this.#options;
    return (BigInt(clock.now()) * 1_000_000n + BigInt(Math.floor(random.next() * 1_000_000))).toString(16);
  }
}

function referenceOf(subject: EventSubject): ObjectReference {
  if (!('metadata' in subject) || subject.metadata === undefined) return subject as ObjectReference;
  const { namespace, name, uid, resourceVersion } = subject.metadata;
  return { apiVersion: subject.apiVersion, kind: subject.kind, namespace, name, uid, resourceVersion };
}
