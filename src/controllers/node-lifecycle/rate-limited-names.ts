/** Names that wait for their turn, at most so many a second, one at a time (a token bucket that holds one token). */
export class RateLimitedNames {
  readonly #waiting = new Set<string>();
  #perSecond: number;
  /** When the next token is there (monotonic milliseconds). */
  #nextMs = Number.NEGATIVE_INFINITY;

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  /** Puts a name at the end unless it waits already. */
  add(name: string): void {
    this.#waiting.add(name);
  }

  remove(name: string): void {
    this.#waiting.delete(name);
  }

  /** 0 stops. A bucket that is empty at a change stays empty for one token of the new rate. */
  setRate(perSecond: number, nowMs: number): void {
    if (perSecond === this.#perSecond) return;
    const empty = this.#perSecond <= 0 || nowMs < this.#nextMs;
    this.#perSecond = perSecond;
    this.#nextMs = empty && perSecond > 0 ? nowMs + 1000 / perSecond : nowMs;
  }

  /** The next name, which must be removed or it stays first; undefined when none waits or none may go yet. */
  take(nowMs: number): string | undefined {
    const [first] = this.#waiting;
    if (first === undefined || this.#perSecond <= 0 || nowMs < this.#nextMs) return undefined;
    this.#nextMs = nowMs + 1000 / this.#perSecond;
    return first;
  }

  /** Milliseconds until `take` has something to give; undefined when that depends on others. */
  waitMs(nowMs: number): number | undefined {
    if (this.#waiting.size === 0 || this.#perSecond <= 0) return undefined;
    return Math.max(0, this.#nextMs - nowMs);
  }
}
