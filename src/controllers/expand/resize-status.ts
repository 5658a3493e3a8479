import type { PersistentVolumeClaim, PersistentVolumeClaimStatus } from '../../kube/index.ts';

type Condition = NonNullable<PersistentVolumeClaimStatus['conditions']>[number];

/** Conditions that tell of resizing; others are not ours to touch. */
const RESIZE_CONDITIONS: ReadonlySet<string> = new Set([
  'FileSystemResizePending',
  'Resizing',
  'ControllerResizeError',
  'NodeResizeError',
]);

// What a claim's status becomes at each step, as a merge patch has it: null removes. Source: pkg/volume/util, resize_util.

export type StatusPatch = { readonly [K in keyof PersistentVolumeClaimStatus]?: unknown };

/** MarkControllerReisizeInProgress */
export function resizeBegun(claim: PersistentVolumeClaim, newSize: string, nowText: string): StatusPatch {
  return {
    conditions: merged(claim, resizing(nowText)),
    allocatedResources: { storage: newSize },
    allocatedResourceStatuses: { storage: 'ControllerResizeInProgress' },
  };
}

/** MarkForFSResize */
export function fileSystemResizePending(claim: PersistentVolumeClaim, nowText: string): StatusPatch {
  const condition: Condition = {
    type: 'FileSystemResizePending',
    status: 'True',
    lastTransitionTime: nowText,
    message: 'Waiting for user to (re-)start a pod to finish file system resize of volume on node.',
  };
  return {
    conditions: merged(claim, condition, { keepOthers: true }),
    allocatedResourceStatuses: { storage: 'NodeResizePending' },
  };
}

/** MarkResizeFinished */
export function resizeFinished(claim: PersistentVolumeClaim, newSize: string): StatusPatch {
  return {
    conditions: merged(claim, undefined),
    capacity: { storage: newSize },
    allocatedResourceStatuses: { storage: null },
  };
}

function resizing(nowText: string): Condition {
  return { type: 'Resizing', status: 'True', lastTransitionTime: nowText };
}

/** The claim's conditions with this one; of the other ones about resizing none stays, unless `keepOthers`. */
function merged(
  claim: PersistentVolumeClaim,
  condition: Condition | undefined,
  { keepOthers = false } = {},
): readonly Condition[] {
  const old = claim.status?.conditions ?? [];
  const kept = old.flatMap((one) => {
    if (one.type === condition?.type) return [one.status === condition.status ? one : condition];
    return keepOthers || !RESIZE_CONDITIONS.has(one.type) ? [one] : [];
  });
  const isThere = kept.some(({ type }) => type === condition?.type);
  return condition && !isThere ? [...kept, condition] : kept;
}
