import { childSeed, Dice } from './dice.ts';

/** What can go wrong, each kind with its usual probability at every opportunity. */
export const FAULT_RATES = {
  /** A write is refused with 409 Conflict. */
  'api-conflict': 0.02,
  /** A request fails before anything is done. */
  'api-error': 0.01,
  /** A write is done, but its answer is lost. */
  'api-timeout': 0.01,
  /** A request takes seconds. */
  'api-slow': 0.005,
  /** The API server dies, and with it every watch and what it had not made durable. */
  'api-restart': 0.0008,
  'watch-drop': 0.006,
  /** A watch lags behind by seconds. */
  'watch-delay': 0.006,
  /** A watch is refused with 410 Expired. */
  'watch-expired': 0.05,
  /** A driver answers UNAVAILABLE, ABORTED or INTERNAL, and does nothing. */
  'csi-error': 0.03,
  /** CreateVolume answers RESOURCE_EXHAUSTED. */
  'csi-full': 0.05,
  /** The call is done, but its answer is lost: DEADLINE_EXCEEDED or UNAVAILABLE. */
  'csi-lost-answer': 0.03,
  /** The call arrives twice. */
  'csi-duplicate': 0.02,
  /** ListVolumes, GetCapacity and their like tell what was true a while ago. */
  'csi-stale-list': 0.2,
  /** The network storage takes seconds to minutes over what it was told. */
  'storage-slow': 0.02,
  /** A call to the machine takes seconds to a minute: drivers become slow. */
  'host-slow': 0.01,
  /** A call to the machine fails with EIO. */
  'host-error': 0.006,
  /** The process that is about to reach outside dies there, and is started again later. */
  crash: 0.0006,
  /** A process dies between any two of its turns, soon after something has come to it. */
  kill: 0.0003,
  /** The machine loses its power and has it back at once. Drawn with each crash of a process on a node. */
  reboot: 0.15,
  /** Leadership goes over to another copy of a component. Drawn for each component once a second. */
  'hand-over': 0.002,
  /** A leader stands still, mostly for longer than its lease, and goes on beside the next. Drawn as hand-overs are. */
  freeze: 0.002,
  /** A program fails, and does nothing. */
  'exec-error': 0.05,
  /** A program does its work, and is killed before it says so. */
  'exec-lost-answer': 0.05,
} as const;

export type FaultKind = keyof typeof FAULT_RATES;
export const FAULT_KINDS = Object.keys(FAULT_RATES) as FaultKind[];

/** A fault of a run: its kind and which of its kind it is, `crash:2`. */
export type FaultName = `${FaultKind}:${number}`;

export interface FaultOptions {
  readonly seed: number;
  /** Only these of the faults that the seed draws. @default all */
  readonly keep?: readonly string[];
  /** Other probabilities than the usual ones, to see more of a kind. */
  readonly rates?: Partial<Readonly<Record<FaultKind, number>>>;
}

/** Decides which opportunity becomes a fault. Each kind has a stream of its own. */
export class Faults {
  readonly #dice = new Map<FaultKind, Dice>();
  readonly #drawn = new Map<FaultKind, number>();
  readonly #keep: ReadonlySet<string> | undefined;
  readonly #scale: number;
  readonly #rates: Readonly<Record<FaultKind, number>>;
  /** Without it nothing fails. */
  active = false;
  /** Those that came to pass, in order. */
  readonly struck: FaultName[] = [];

  constructor({ seed, keep, rates }: FaultOptions) {
    this.#keep = keep && new Set(keep);
    this.#rates = { ...FAULT_RATES, ...rates };
    const own = childSeed(seed, 'faults');
    const swarm = new Dice(own);
    // Calm and stormy seeds, and seeds without some kinds: a fault that is rare alone may need silence around it.
    this.#scale = swarm.pick([0.3, 1, 1, 2]);
    for (const kind of FAULT_KINDS)
      if (swarm.chance(0.7)) this.#dice.set(kind, new Dice(childSeed(own, kind)));
  }

  strikes(kind: FaultKind): boolean {
    if (!this.active || !this.#dice.get(kind)?.chance(this.#rates[kind] * this.#scale)) return false;
    const count = (this.#drawn.get(kind) ?? 0) + 1;
    this.#drawn.set(kind, count);
    const name: FaultName = `${kind}:${count}`;
    if (this.#keep && !this.#keep.has(name)) return false;
    this.struck.push(name);
    return true;
  }

  /** Chance for the details of a fault that has struck. */
  dice(kind: FaultKind): Dice {
    return this.#dice.get(kind)!;
  }
}
