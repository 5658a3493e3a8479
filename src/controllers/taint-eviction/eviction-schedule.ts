import type { Clock, Timer } from '../../base/index.ts';

/** A pod's eviction: `timer` is absent once it is due. */
interface Planned {
  timer: Timer | undefined;
}

/** Which pods are to be evicted, and when. */
export class EvictionSchedule {
  readonly #planned = new Map<string, Planned>();
  readonly #clock: Clock;
  readonly #onDue: (pod: string) => void;

  constructor(clock: Clock, onDue: (pod: string) => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  /** The pod's time has come, and nobody has called it off. */
  isDue(pod: string): boolean {
    const planned = this.#planned.get(pod);
    return planned !== undefined && planned.timer === undefined;
  }

  /** Evicts the pod after so many milliseconds, unless that is planned already. */
  plan(pod: string, delayMs: number): void {
    if (this.#planned.has(pod)) return;
    const planned: Planned = { timer: undefined };
    this.#planned.set(pod, planned);
    const due = () => {
      planned.timer = undefined;
      this.#onDue(pod);
    };
    if (delayMs > 0) planned.timer = this.#clock.after(delayMs, due, { unref: true });
    else due();
  }

  /** Whether one was planned and not yet due. */
  cancel(pod: string): boolean {
    const timer = this.#planned.get(pod)?.timer;
    this.#planned.delete(pod);
    timer?.cancel();
    return timer !== undefined;
  }

  clear(): void {
    for (const pod of [...this.#planned.keys()]) this.cancel(pod);
  }
}
