import type { ClaimWish, Step } from './actions.ts';
import { CLASSES } from './classes.ts';
import type { Dice } from './dice.ts';

const ON_DISK: ReadonlySet<string | undefined> = new Set(
  CLASSES.filter(({ driver }) => driver === 'disk').map(({ name }) => name),
);
/** More than any pool has. */
const IMPOSSIBLE = '900Ti';

/** Whether the claim asks for a volume of the disk driver. */
export function isOnDisk({ storageClass }: ClaimWish): boolean {
  return ON_DISK.has(storageClass);
}

/**
 * The steps, and more: some claims come to ask for more than they have, whatever happens to them meanwhile; some for
 * more than there is, and then for less. Drawn apart, so that nothing else depends on it.
 */
export function withGrowth(steps: readonly Step[], dice: Dice): Step[] {
  const more = steps.flatMap(({ atMs, action }): Step[] => {
    if (action.do !== 'claim' || !isOnDisk(action) || !dice.chance(0.25)) return [];
    const grow = (afterMs: number, storage: string): Step => ({
      atMs: atMs + afterMs,
      action: { do: 'grow', claim: action.claim, storage },
    });
    const first = dice.between(1_000, 30_000);
    if (dice.chance(0.3)) {
      const back = grow(first + dice.between(100, 20_000), '2Gi');
      return [grow(first, IMPOSSIBLE), ...(dice.chance(0.8) ? [back] : [])];
    }
    const again = grow(first + dice.between(0, 5_000), '3Gi');
    return [grow(first, '2Gi'), ...(dice.chance(0.3) ? [again] : [])];
  });
  return [...steps, ...more];
}
