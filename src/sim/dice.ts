import { type Random, seededRandom } from '../base/index.ts';

/** Chance in the shapes that the simulation needs. */
export class Dice {
  readonly random: Random;

  constructor(seed: number) {
    this.random = seededRandom(seed);
    // Seeds that lie close together begin alike.
    this.random.next();
  }

  chance(probability: number): boolean {
    return probability > 0 && this.random.next() < probability;
  }

  /** A whole number from 0 to `below` - 1. */
  int(below: number): number {
    return Math.floor(this.random.next() * below);
  }

  between(least: number, most: number): number {
    return least + this.random.next() * (most - least);
  }

  pick<T>(from: readonly T[]): T {
    return from[this.int(from.length)]!;
  }

  /** Mostly near `typical`, now and then a hundred times as long. */
  delay(typicalMs: number): number {
    const draw = this.random.next();
    return typicalMs * (draw < 0.95 ? 0.3 + draw * 1.4 : 2 + ((draw - 0.95) / 0.05) ** 3 * 100);
  }
}

/** A seed for a part of a simulation: parts draw from streams of their own, so that one does not shift another's. */
export function childSeed(seed: number, part: string): number {
  let hash = (seed ^ 0x9e3779b9) >>> 0;
  for (let i = 0; i < part.length; i++) {
    hash = Math.imul(hash ^ part.charCodeAt(i), 0x01000193);
    hash ^= hash >>> 15;
  }
  return Math.imul(hash ^ (hash >>> 13), 0x85ebca6b) >>> 0;
}
