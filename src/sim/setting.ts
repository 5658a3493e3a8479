import { childSeed, Dice } from './dice.ts';
import type { Driver, Size } from './sizes.ts';

/** What a seed's world is made of, before anything happens in it. */
export interface Setting {
  readonly size: Size;
  readonly nodes: readonly string[];
  /** The node on whose machine the disk driver keeps its pool. It may be away for long, but comes back. */
  readonly poolNode: string;
  readonly drivers: readonly Driver[];
  /** Typical milliseconds between two things that users do. */
  readonly paceMs: number;
  /** Whether nodes attach for themselves, where there is a choice. A node that is lost gives nothing back: only with one. */
  readonly nodesAttach: boolean;
  /** The scheduler asks for room: provisioners tell of the capacity of their drivers, as `up` has it. */
  readonly tracksCapacity: boolean;
  /** A health monitor runs beside the disk driver. */
  readonly watchesHealth: boolean;
}

const NODES = ['node-1', 'node-2'];

export function drawSetting(seed: number, size: Size): Setting {
  const dice = new Dice(childSeed(seed, 'setting'));
  // Apart, so that nothing else depends on it.
  const [capacity, health] = ['capacity', 'health'].map((what) => new Dice(childSeed(seed, what)));
  const drivers = dice.pick(size.drivers);
  const nodes = size.spareNode || drivers.includes('network') ? NODES : NODES.slice(0, 1);
  return {
    size,
    nodes,
    poolNode: NODES[0]!,
    drivers,
    paceMs: dice.pick(size.paceMs),
    nodesAttach: nodes.length === 1 && dice.chance(0.3),
    tracksCapacity: capacity!.chance(0.1),
    watchesHealth: health!.chance(0.1),
  };
}
