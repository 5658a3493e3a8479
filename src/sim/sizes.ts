export type Driver = 'disk' | 'network';

/** How much there is to a run: how much users do, and what of the world they do it in. */
export interface Size {
  /** Things that users do. */
  readonly steps: number;
  /** What there may be of drivers. */
  readonly drivers: readonly (readonly Driver[])[];
  /** A second node also where only one can use what the drivers have. */
  readonly spareNode: boolean;
  /** Typical milliseconds between two things that users do. */
  readonly paceMs: readonly number[];
  /** How long a node may be away, at least and at most, in minutes. */
  readonly outageMinutes: readonly (readonly [least: number, most: number])[];
  /** Controllers run also that nothing which users do concerns. */
  readonly idleControllers: boolean;
}

export type SizeName = 'small' | 'medium' | 'large';

const BRIEF = [1 / 60, 1] as const;
/** After six minutes volumes are detached by force. */
const LONG = [1, 8] as const;
const VERY_LONG = [8, 20] as const;

/**
 * Small: to run by the thousand; every kind of action and fault comes, in few together, and nothing else is there.
 * Large: for what only comes after much else.
 */
export const SIZES: Readonly<Record<SizeName, Size>> = {
  small: {
    steps: 3,
    drivers: [['disk'], ['network']],
    spareNode: false,
    paceMs: [500, 1_500],
    outageMinutes: [BRIEF, LONG],
    idleControllers: false,
  },
  medium: {
    steps: 8,
    drivers: [['disk'], ['network'], ['network'], ['disk', 'network']],
    spareNode: true,
    paceMs: [1_500, 1_500, 8_000],
    outageMinutes: [BRIEF, LONG, VERY_LONG],
    idleControllers: true,
  },
  large: {
    steps: 30,
    drivers: [['disk'], ['network'], ['network'], ['disk', 'network']],
    spareNode: true,
    paceMs: [1_500, 1_500, 8_000],
    outageMinutes: [BRIEF, LONG, VERY_LONG],
    idleControllers: true,
  },
};

export const DEFAULT_SIZE: SizeName = 'medium';

export function isSizeName(text: string): text is SizeName {
  return Object.hasOwn(SIZES, text);
}
