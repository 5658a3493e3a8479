import { childSeed, Dice } from './dice.ts';

export type Driver = 'disk' | 'network';

/** What a seed's world is made of, before anything happens in it. */
export interface Setting {
  readonly nodes: readonly string[];
  /** The node on whose machine the disk driver keeps its pool. It may be away for long, but comes back. */
  readonly poolNode: string;
  readonly drivers: readonly Driver[];
  /** Typical milliseconds between two things that users do. */
  readonly paceMs: number;
}

const NODES = ['node-1', 'node-2'];

export function drawSetting(seed: number): Setting {
  const dice = new Dice(childSeed(seed, 'setting'));
  return {
    nodes: NODES,
    poolNode: NODES[0]!,
    drivers: dice.pick<Driver[]>([['disk'], ['network'], ['network'], ['disk', 'network']]),
    paceMs: dice.pick([1_500, 1_500, 8_000]),
  };
}
