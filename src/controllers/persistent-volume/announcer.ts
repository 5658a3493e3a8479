import type { Clock } from '../../base/index.ts';
import type { EventRecorder } from '../../client/index.ts';
import { type KubeObject, keyOf, type Stored } from '../../kube/index.ts';
import type { EventText } from './decision.ts';

/** The same event about the same object is told again after this long: upstream's resync period. */
const REPEAT_AFTER_MS = 15_000;

/**
 * Tells events without repeating them each time that an object is looked at: upstream looks every 15 s, here every
 * change counts, and each event is a write.
 */
export class Announcer {
  readonly #recorder: EventRecorder;
  readonly #clock: Clock;
  readonly #last = new Map<string, { readonly text: string; readonly at: number }>();

  constructor(recorder: EventRecorder, clock: Clock) {
    this.#recorder = recorder;
    this.#clock = clock;
  }

  tell(object: Stored<KubeObject>, event: EventText): void {
    const text = `${object.metadata.uid}\u0000${event.reason}\u0000${event.message}`;
    const key = `${object.kind}/${keyOf(object)}`;
    const last = this.#last.get(key);
    const now = this.#clock.now();
    if (last?.text === text && now - last.at < REPEAT_AFTER_MS) return;
    this.#last.set(key, { text, at: now });
    this.#recorder.event(object, event.type, event.reason, event.message);
  }

  forget(object: Stored<KubeObject>): void {
    this.#last.delete(`${object.kind}/${keyOf(object)}`);
  }
}
