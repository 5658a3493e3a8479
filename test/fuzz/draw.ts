import type { Random } from '../../src/base/index.ts';

/** Choices from a source of chance. */
export class Draw {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** True in `share` of the cases. */
  chance(share: number): boolean {
    return this.#random.next() < share;
  }

  /** A whole number from 0 up to, not including, `end`. */
  below(end: number): number {
    return Math.floor(this.#random.next() * end);
  }

  one<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }
}
