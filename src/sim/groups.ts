import { DISK_DRIVER } from '../drivers/disk/index.ts';
import type { VolumeGroupSnapshot, VolumeGroupSnapshotClass } from '../kube/index.ts';
import type { ClaimWish, GroupSnapshotWish, Step } from './actions.ts';
import { classFor, DISK_CLASSES, leave, POLICIES } from './copies.ts';
import type { Dice } from './dice.ts';
import { isOnDisk } from './growth.ts';
import { GROUP_LABELS, NAMESPACE } from './objects.ts';

export function groupSnapshotClasses(): readonly VolumeGroupSnapshotClass[] {
  return POLICIES.map((deletionPolicy) => ({
    metadata: { name: classFor(deletionPolicy) },
    driver: DISK_DRIVER,
    deletionPolicy,
  }));
}

export function groupSnapshotObject({ snapshot: name, policy }: GroupSnapshotWish): VolumeGroupSnapshot {
  return {
    metadata: { name, namespace: NAMESPACE },
    spec: {
      source: { selector: { matchLabels: GROUP_LABELS } },
      volumeGroupSnapshotClassName: classFor(policy),
    },
  };
}

/**
 * The steps, and more: some of the claims are a group, mostly with another one, and snapshots of all of them are taken
 * together, deleted as a whole, and restored one by one. Drawn apart, so that nothing else depends on it.
 */
export function withGroups(steps: readonly Step[], dice: Dice): Step[] {
  const isCandidate = ({ action }: Step) => action.do === 'claim' && isOnDisk(action);
  const first = steps.find(isCandidate);
  if (!first || !dice.chance(0.12)) return [...steps];
  const grouped = steps.map((step) =>
    isCandidate(step) && (step === first || dice.chance(0.5))
      ? ({ ...step, action: { ...step.action, grouped: true } } as Step)
      : step,
  );
  const other = dice.chance(0.8) ? anotherClaim(first.atMs, dice) : [];
  const all = [...grouped, ...other];
  return [...all, ...snapshotsOf(all, first.atMs, dice)];
}

function anotherClaim(atMs: number, dice: Dice): Step[] {
  const claim = 'grouped-claim';
  const storageClass = dice.pick(DISK_CLASSES);
  const wish = { claim, modes: ['ReadWriteOnce'], storageClass, block: dice.chance(0.1), grouped: true };
  const blocks = wish.block ? [claim] : [];
  const pod = { pod: 'grouped-pod', claims: [claim], extras: [], blocks };
  const madeMs = atMs + dice.between(0, 2_000);
  return [
    { atMs: madeMs, action: { do: 'claim', ...wish } },
    ...(dice.chance(0.8) ? [later(madeMs, 3_000, dice, { do: 'pod', ...pod })] : []),
  ];
}

function snapshotsOf(steps: readonly Step[], fromMs: number, dice: Dice): Step[] {
  const members = steps.flatMap(({ action }) => (action.do === 'claim' && action.grouped ? action : []));
  const member = dice.pick(members);
  const users = steps.flatMap(({ action }) =>
    action.do === 'pod' && action.claims.includes(member.claim) ? action.pod : [],
  );
  const snapshot = 'group-snapshot';
  const takenMs = fromMs + dice.between(200, 30_000);
  const policy = dice.chance(0.3) ? 'Retain' : 'Delete';
  const second = { do: 'group-snapshot', snapshot: `second-${snapshot}`, policy: 'Delete' } as const;
  return [
    { atMs: takenMs, action: { do: 'group-snapshot', snapshot, policy } },
    ...(dice.chance(0.3) ? [later(takenMs, 5_000, dice, second)] : []),
    ...(dice.chance(0.6) ? restore(member, snapshot, takenMs, dice) : []),
    ...(dice.chance(0.5) ? [later(takenMs, 20_000, dice, { do: 'delete-group-snapshot', snapshot })] : []),
    ...(dice.chance(0.4) ? leave(member.claim, users, takenMs, dice) : []),
  ];
}

/** A claim for a copy of what the group has of one of its claims, and a pod that uses it. */
function restore({ claim, modes, block }: ClaimWish, snapshot: string, fromMs: number, dice: Dice): Step[] {
  const copy = `copy-of-grouped-${claim}`;
  const storageClass = dice.pick(DISK_CLASSES);
  const member = { snapshot, of: claim };
  const made = later(fromMs + 1_000, 20_000, dice, {
    do: 'restore-member',
    member,
    wish: { claim: copy, modes, storageClass, block },
  });
  const blocks = block ? [copy] : [];
  const pod = { pod: `reader-of-${copy}`, claims: [copy], extras: [], blocks };
  return [made, later(made.atMs, 5_000, dice, { do: 'pod', ...pod })];
}

function later(fromMs: number, mostMs: number, dice: Dice, action: Step['action']): Step {
  return { atMs: fromMs + dice.between(0, mostMs), action };
}
