import type { Step } from './actions.ts';
import { classesOf } from './classes.ts';
import type { Dice } from './dice.ts';
import type { Setting } from './setting.ts';

/** A namespace that comes and goes with all that is in it; users know all else from the one that is always there. */
export const TEAM = 'team';
/** A new namespace has no account for its pods at once. */
const SETTLING_MS = 2_000;

/**
 * The steps, and more: now and then a namespace with claims and what uses them, which is deleted as a whole, whatever its
 * content is about. Drawn apart, so that nothing else depends on it.
 */
export function withNamespaces(steps: readonly Step[], dice: Dice, setting: Setting): Step[] {
  if (!dice.chance(0.06)) return [...steps];
  const namespace = TEAM;
  const more: Step[] = [];
  let atMs = dice.between(0, 10_000);
  const add = (action: Step['action']) => {
    more.push({ atMs, action });
    atMs += dice.chance(0.4) ? dice.between(0, 50) : dice.between(100, 5_000);
  };
  const storageClass = () => dice.pick(classesOf(setting)).name;
  add({ do: 'namespace', namespace });
  atMs += SETTLING_MS;
  const claims = ['team-claim-1', 'team-claim-2'].slice(0, 1 + dice.int(2));
  for (const claim of claims)
    add({ do: 'claim', claim, namespace, storageClass: storageClass(), modes: ['ReadWriteOnce'] });
  for (const claim of claims)
    if (dice.chance(0.8)) add({ do: 'pod', pod: `user-of-${claim}`, namespace, claims: [claim], extras: [] });
  if (dice.chance(0.4)) {
    const wish = { kind: 'StatefulSet', name: 'team-set', replicas: 1 + dice.int(2), budget: false } as const;
    add({ do: 'workload', ...wish, namespace, ordered: dice.chance(0.5), storageClass: storageClass() });
  }
  atMs += dice.pick([0, dice.between(0, 30_000)]);
  if (dice.chance(0.9)) add({ do: 'delete-namespace', namespace });
  return [...steps, ...more];
}
