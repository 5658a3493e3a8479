import type { PersistentVolumeClaim } from '../../kube/index.ts';
import type { ClaimStatusPatch, ResizeCondition } from '../../volume/index.ts';
import { MODIFYING } from './plan-modification.ts';

// What a claim's status becomes, as a patch has it. Source: modify_status.go of external-resizer.

const ERROR = 'ModifyVolumeError';

/** How a try has failed. */
export interface ModificationFailure {
  /** In the words of gRPC for Go: InvalidArgument. */
  readonly codeName: string;
  /** The driver's own words. */
  readonly details: string;
  readonly isFinal: boolean;
  readonly isInfeasible: boolean;
}

/** The class is not there (yet). What is said of an earlier modification stays. */
export const MODIFICATION_PENDING: ClaimStatusPatch = { modifyVolumeStatus: { status: 'Pending' } };

export function modificationBegun(
  claim: PersistentVolumeClaim,
  target: string,
  nowText: string,
): ClaimStatusPatch {
  const message = `Modifying volume to ${JSON.stringify(target)} is in progress.`;
  return {
    modifyVolumeStatus: { status: 'InProgress', targetVolumeAttributesClassName: target },
    conditions: merged(claim, [{ type: MODIFYING, status: 'True', message }], nowText),
  };
}

export function modificationFailed(
  claim: PersistentVolumeClaim,
  { codeName, details, isFinal, isInfeasible }: ModificationFailure,
  nowText: string,
): ClaimStatusPatch {
  const target = JSON.stringify(claim.status?.modifyVolumeStatus?.targetVolumeAttributesClassName ?? '');
  const message = isFinal
    ? `Modifying volume to ${target} failed. Waiting for retry.`
    : `Modifying volume to ${target} is still in progress.`;
  const conditions = [
    { type: MODIFYING, status: 'True', message },
    { type: ERROR, status: 'True', reason: codeName, message: details },
  ];
  return {
    modifyVolumeStatus: { status: isInfeasible ? 'Infeasible' : 'InProgress' },
    conditions: merged(claim, conditions, nowText),
  };
}

/** A strategic merge patch: all other conditions stay, also those that have come meanwhile. */
export function modificationDone(target: string): ClaimStatusPatch {
  return {
    modifyVolumeStatus: null,
    currentVolumeAttributesClassName: target,
    conditions: [removed(MODIFYING), removed(ERROR)],
  };
}

/** A strategic merge patch. */
export const MODIFICATION_CANCELLED: ClaimStatusPatch = { conditions: [removed(MODIFYING)] };

function removed(type: string) {
  return { type, $patch: 'delete' };
}

/** The claim's conditions with these anew; the time of the last transition is kept of one that has none (MergePVCConditions). */
function merged(
  claim: PersistentVolumeClaim,
  conditions: readonly ResizeCondition[],
  nowText: string,
): readonly ResizeCondition[] {
  const old = claim.status?.conditions ?? [];
  const anew = conditions.map((condition) => {
    const before = old.find(({ type }) => type === condition.type);
    const isSame = before?.status === condition.status && before.reason === condition.reason;
    return {
      ...condition,
      lastProbeTime: nowText,
      lastTransitionTime: isSame ? before.lastTransitionTime : nowText,
    };
  });
  const kept = old.map((one) => anew.find(({ type }) => type === one.type) ?? one);
  return [...kept, ...anew.filter((one) => !kept.includes(one))];
}
