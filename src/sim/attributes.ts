import { DISK_DRIVER } from '../drivers/disk/index.ts';
import type { VolumeAttributesClass } from '../kube/index.ts';
import type { Step } from './actions.ts';
import type { Dice } from './dice.ts';
import { isOnDisk } from './growth.ts';

/** The classes of attributes, with what each asks of the disk driver. */
export const ATTRIBUTES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  slow: { readIops: '100', writeBytesPerSecond: '1000000' },
  fast: { readIops: '5000' },
};
/** What no driver can do. */
export const IMPOSSIBLE_ATTRIBUTES = 'impossible';

export function attributesClasses(): readonly VolumeAttributesClass[] {
  const all = { ...ATTRIBUTES, [IMPOSSIBLE_ATTRIBUTES]: { colour: 'red' } };
  return Object.entries(all).map(([name, parameters]) => ({
    metadata: { name },
    driverName: DISK_DRIVER,
    parameters,
  }));
}

/** The steps, and more: now and then a class that claims have, or come to ask for, is deleted. Drawn apart. */
export function withLostAttributes(steps: readonly Step[], dice: Dice): Step[] {
  const asked = steps.flatMap(({ atMs, action }) => {
    const { attributes } = action.do === 'claim' || action.do === 'modify' ? action : {};
    return attributes === undefined ? [] : [{ atMs, attributes }];
  });
  if (asked.length === 0 || !dice.chance(0.4)) return [...steps];
  const { atMs, attributes } = dice.pick(asked);
  const within = dice.pick([200, 20_000, 120_000]);
  const deleted = {
    atMs: atMs + dice.between(0, within),
    action: { do: 'delete-attributes', attributes },
  } as const;
  return [...steps, deleted];
}

/**
 * The steps, and more: some claims have a class of attributes from the beginning, some come to ask for another, some for
 * an impossible one and then, mostly, for one that can be. Drawn apart, so that nothing else depends on it.
 */
export function withAttributes(steps: readonly Step[], dice: Dice): Step[] {
  const possible = () => dice.pick(Object.keys(ATTRIBUTES));
  return steps.flatMap((step): Step[] => {
    const { atMs, action } = step;
    if (action.do !== 'claim' || !isOnDisk(action)) return [step];
    const attributes = dice.chance(0.1) ? possible() : undefined;
    const claim = { atMs, action: { ...action, ...(attributes && { attributes }) } };
    if (!dice.chance(0.15)) return [claim];
    const modify = (afterMs: number, name: string): Step => ({
      atMs: atMs + afterMs,
      action: { do: 'modify', claim: action.claim, attributes: name },
    });
    const firstMs = dice.between(500, 30_000);
    const againMs = firstMs + dice.between(0, 20_000);
    const isImpossible = dice.chance(0.3);
    const again = dice.chance(isImpossible ? 0.8 : 0.3) ? [modify(againMs, possible())] : [];
    return [claim, modify(firstMs, isImpossible ? IMPOSSIBLE_ATTRIBUTES : possible()), ...again];
  });
}
