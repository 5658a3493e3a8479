/** What a request holds while it is served. */
export interface Seat {
  release(): void;
}

export interface FairQueueOptions {
  /** Requests served at a time. */
  readonly seats: number;
  /** How many requests of one flow may wait. */
  readonly queueLength: number;
}

interface Line {
  readonly key: string;
  serving: number;
  readonly waiting: (() => void)[];
}

/**
 * Seats that are shared between flows. While there are free ones nobody waits; then each flow waits in a line of its
 * own and the lines take turns, so that whoever asks seldom is served after one round however long another's line is.
 * One flow alone gets no more than half of the seats: what it holds and does not let go of is not all there is.
 */
export class FairQueue {
  readonly #seats: number;
  readonly #seatsPerFlow: number;
  readonly #queueLength: number;
  readonly #lines = new Map<string, Line>();
  /** The lines with somebody in them, in the order of their turns. */
  #turns: Line[] = [];
  #serving = 0;

  constructor({ seats, queueLength }: FairQueueOptions) {
    this.#seats = seats;
    this.#seatsPerFlow = Math.max(1, Math.ceil(seats / 2));
    this.#queueLength = queueLength;
  }

  get serving(): number {
    return this.#serving;
  }

  /** How many flows it knows: those that are served or wait. */
  get flows(): number {
    return this.#lines.size;
  }

  /**
   * A seat, or a promise of one when all are taken.
   * @returns undefined when the flow's line is full: the request is to be refused.
   */
  take(key: string): Seat | Promise<Seat> | undefined {
    const line = this.#line(key);
    if (line.waiting.length === 0 && this.#hasSeatFor(line)) return this.#seat(line);
    if (line.waiting.length >= this.#queueLength) {
      this.#forget(line);
      return undefined;
    }
    return new Promise((resolve) => {
      if (line.waiting.length === 0) this.#turns.push(line);
      line.waiting.push(() => resolve(this.#seat(line)));
    });
  }

  #line(key: string): Line {
    let line = this.#lines.get(key);
    if (!line) {
      line = { key, serving: 0, waiting: [] };
      this.#lines.set(key, line);
    }
    return line;
  }

  #hasSeatFor(line: Line): boolean {
    return this.#serving < this.#seats && line.serving < this.#seatsPerFlow;
  }

  #seat(line: Line): Seat {
    this.#serving++;
    line.serving++;
    let held = true;
    return {
      release: () => {
        if (!held) return;
        held = false;
        this.#serving--;
        line.serving--;
        this.#next();
        this.#forget(line);
      },
    };
  }

  /** Seats whoever may be seated, one of each line in turn. */
  #next(): void {
    let passed = 0;
    while (this.#serving < this.#seats && passed < this.#turns.length) {
      const line = this.#turns.shift()!;
      if (!this.#hasSeatFor(line)) {
        this.#turns.push(line);
        passed++;
        continue;
      }
      passed = 0;
      const admit = line.waiting.shift()!;
      if (line.waiting.length > 0) this.#turns.push(line);
      admit();
    }
  }

  #forget(line: Line): void {
    if (line.serving === 0 && line.waiting.length === 0) this.#lines.delete(line.key);
  }
}
