import type { Clock } from '../base/index.ts';

/** A line of the trace: who did what when. */
export interface JournalLine {
  /** Virtual milliseconds since the simulation began. */
  readonly atMs: number;
  readonly who: string;
  readonly what: string;
}

/** Everything that happens at a boundary, in order. Its hash tells whether two runs were the same. */
export class Journal {
  readonly #clock: Clock;
  readonly #startMs: number;
  readonly #listener: ((line: JournalLine) => void) | undefined;
  #high = 0x811c9dc5;
  #low = 0x9747b28c;
  #lines = 0;

  constructor(clock: Clock, listener?: (line: JournalLine) => void) {
    this.#clock = clock;
    this.#startMs = clock.monotonic();
    this.#listener = listener;
  }

  get elapsedMs(): number {
    return this.#clock.monotonic() - this.#startMs;
  }

  get lines(): number {
    return this.#lines;
  }

  write(who: string, what: string): void {
    const atMs = this.elapsedMs;
    this.#lines++;
    this.#mix(Math.floor(atMs * 1000));
    this.#text(who);
    this.#text(what);
    this.#listener?.({ atMs, who, what });
  }

  hash(): string {
    const hex = (value: number) => (value >>> 0).toString(16).padStart(8, '0');
    return `${hex(this.#high)}${hex(this.#low)}`;
  }

  #text(text: string): void {
    for (let i = 0; i < text.length; i++) this.#mix(text.charCodeAt(i));
    this.#mix(0x1f);
  }

  #mix(value: number): void {
    this.#high = Math.imul(this.#high ^ value, 0x01000193);
    this.#low = Math.imul(this.#low ^ value ^ (this.#low >>> 15), 0x85ebca6b);
  }
}
