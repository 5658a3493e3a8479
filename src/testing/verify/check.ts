import type { Need } from './needs.ts';
import type { Scene } from './scene.ts';

/** One thing that the specification demands of a driver. */
export interface Check {
  /** `CreateVolume/same-name-again`: what it is about, and a name of its own there. */
  readonly id: string;
  /** The demand as a fact. */
  readonly title: string;
  /** Where in spec.md of CSI 1.12 it stands. */
  readonly section: string;
  /** What the driver must claim, or the run must have, for the demand to apply. */
  readonly needs: readonly Need[];
  /** @throws Violation if the driver does not meet it; Blocked if that could not be found out. */
  run(scene: Scene): Promise<void>;
}

/** Checks of one section: `[name, title, run, further needs]`. */
export type CheckRow = readonly [
  name: string,
  title: string,
  run: (scene: Scene) => Promise<void>,
  needs?: readonly Need[],
];

export function checksOf(section: string, needs: readonly Need[], rows: readonly CheckRow[]): Check[] {
  return rows.map(([name, title, run, more = []]) => ({
    id: `${section}/${name}`,
    title,
    section,
    needs: [...needs, ...more],
    run,
  }));
}
