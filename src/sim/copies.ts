import { DISK_DRIVER } from '../drivers/disk/index.ts';
import type { DeletionPolicy, VolumeSnapshot, VolumeSnapshotClass } from '../kube/index.ts';
import type { ClaimWish, SnapshotWish, Step } from './actions.ts';
import { CLASSES } from './classes.ts';
import type { Dice } from './dice.ts';
import { isOnDisk } from './growth.ts';
import { NAMESPACE } from './objects.ts';

export const POLICIES: readonly DeletionPolicy[] = ['Delete', 'Retain'];
export const DISK_CLASSES = CLASSES.filter(({ driver }) => driver === 'disk').map(({ name }) => name);

export function snapshotClasses(): readonly VolumeSnapshotClass[] {
  return POLICIES.map((deletionPolicy) => ({
    metadata: { name: classFor(deletionPolicy) },
    driver: DISK_DRIVER,
    deletionPolicy,
  }));
}

export function snapshotObject({ snapshot: name, claim, policy }: SnapshotWish): VolumeSnapshot {
  return {
    metadata: { name, namespace: NAMESPACE },
    spec: { source: { persistentVolumeClaimName: claim }, volumeSnapshotClassName: classFor(policy) },
  };
}

/** The name of the class of snapshots, or of group snapshots, with this policy. */
export function classFor(policy: DeletionPolicy): string {
  return policy.toLowerCase();
}

/**
 * The steps, and more: snapshots of some claims, volumes made of them or of the claims themselves, and all of that
 * deleted in any order. Drawn apart, so that nothing else depends on it.
 */
export function withCopies(steps: readonly Step[], dice: Dice): Step[] {
  const more = steps.flatMap(({ atMs, action }): Step[] => {
    if (action.do !== 'claim' || !isOnDisk(action)) return [];
    const users = steps.flatMap((step) =>
      step.action.do === 'pod' && step.action.claims.includes(action.claim) ? step.action.pod : [],
    );
    if (dice.chance(0.2)) return snapshotsOf(action, atMs, users, dice);
    return dice.chance(0.1) ? copyOf(action, atMs, users, dice) : [];
  });
  return [...steps, ...more];
}

function snapshotsOf(wish: ClaimWish, atMs: number, users: readonly string[], dice: Dice): Step[] {
  const { claim } = wish;
  const takenMs = atMs + dice.between(200, 30_000);
  const name = `snapshot-of-${claim}`;
  const policy = dice.chance(0.3) ? 'Retain' : 'Delete';
  const taken: Step[] = [
    { atMs: takenMs, action: { do: 'snapshot', snapshot: name, claim, policy } },
    ...(dice.chance(0.3)
      ? [after(takenMs, 5_000, dice, { do: 'snapshot', snapshot: `second-${name}`, claim, policy: 'Delete' })]
      : []),
  ];
  const restored = dice.chance(0.6) ? restore(wish, { kind: 'VolumeSnapshot', name }, takenMs, dice) : [];
  return [
    ...taken,
    ...restored,
    ...(dice.chance(0.5) ? [after(takenMs, 20_000, dice, { do: 'delete-snapshot', snapshot: name })] : []),
    ...(dice.chance(0.4) ? leave(claim, users, takenMs, dice) : []),
  ];
}

/** What was copied goes, perhaps while it is copied: whoever uses it first, or not. */
export function leave(claim: string, users: readonly string[], fromMs: number, dice: Dice): Step[] {
  const within = dice.pick([100, 10_000]);
  const pods = dice.chance(0.8) ? users : [];
  return [
    ...pods.map((pod) => after(fromMs, within, dice, { do: 'delete-pod', pod })),
    after(fromMs, within, dice, { do: 'delete-claim', claim }),
  ];
}

function copyOf(wish: ClaimWish, atMs: number, users: readonly string[], dice: Dice): Step[] {
  const { claim } = wish;
  const beginMs = atMs + dice.between(200, 30_000);
  return [
    ...restore(wish, { kind: 'PersistentVolumeClaim', name: claim }, beginMs, dice),
    ...(dice.chance(0.3) ? leave(claim, users, beginMs, dice) : []),
  ];
}

/** A claim for a copy, mostly of the mode of what it is a copy of, and mostly a pod that uses it. */
function restore(
  { modes, block = false }: ClaimWish,
  source: NonNullable<ClaimWish['source']>,
  fromMs: number,
  dice: Dice,
): Step[] {
  const claim = `copy-of-${source.name}`;
  const blocks = dice.chance(0.05) ? !block : block;
  const storageClass = dice.pick(DISK_CLASSES);
  const made = after(fromMs, 20_000, dice, {
    do: 'claim',
    claim,
    modes,
    storageClass,
    block: blocks,
    source,
  });
  const pod = { pod: `reader-of-${claim}`, claims: [claim], extras: [], blocks: blocks ? [claim] : [] };
  return [made, ...(dice.chance(0.8) ? [after(made.atMs, 5_000, dice, { do: 'pod', ...pod })] : [])];
}

function after(fromMs: number, mostMs: number, dice: Dice, action: Step['action']): Step {
  return { atMs: fromMs + dice.between(0, mostMs), action };
}
