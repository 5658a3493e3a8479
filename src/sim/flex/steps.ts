import type { Step } from '../actions.ts';
import type { Dice } from '../dice.ts';
import type { Setting } from '../setting.ts';
import { FLEX_KINDS } from './programs.ts';

/**
 * The steps, and more: now and then a FlexVolume that is made by hand, and pods that have it one after the other, or at
 * once, here and there. Drawn apart, so that nothing else depends on it.
 */
export function withFlexVolumes(steps: readonly Step[], dice: Dice, { nodes }: Setting): Step[] {
  if (!dice.chance(0.15)) return [...steps];
  const more: Step[] = [];
  let atMs = dice.between(2_000, 10_000);
  const add = (action: Step['action']) => {
    more.push({ atMs, action });
    atMs += dice.chance(0.25) ? dice.between(0, 50) : dice.between(100, 15_000);
  };
  const kind = dice.pick(FLEX_KINDS);
  const claim = `flex-${kind}`;
  const mode = kind === 'disk' ? dice.pick(['ReadWriteOnce', 'ReadWriteOncePod']) : 'ReadWriteMany';
  const names = dice.pick(['nobody', 'claim', 'volume', 'both'] as const);
  const volumeFirst = dice.chance(0.5);
  add({ do: 'static', claim, modes: [mode], kind: `flex-${kind}`, policy: 'Retain', names, volumeFirst });
  for (let pods = 1 + dice.int(3), at = 1; at <= pods; at++) {
    const node = dice.chance(0.5) ? dice.pick(nodes) : undefined;
    add({ do: 'pod', pod: `flex-pod-${at}`, claims: [claim], extras: [], node });
    if (dice.chance(0.7)) add({ do: 'delete-pod', pod: `flex-pod-${at}` });
  }
  if (dice.chance(0.2)) add({ do: 'delete-claim', claim });
  if (dice.chance(0.2)) add({ do: 'delete-volume', claim });
  return [...steps, ...more];
}

export function isFlexStep({ action }: Step): boolean {
  return action.do === 'static' && action.kind.startsWith('flex-');
}
