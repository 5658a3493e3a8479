import type { PersistentVolumeClaim } from '../../kube/index.ts';
import { ANN_NODE_EXPANSION_NOT_REQUIRED } from '../../kube/index.ts';
import { type ClaimStatusPatch, RESIZE_CONDITIONS, type ResizeCondition } from '../../volume/index.ts';

/** What is written of a claim at one step: null removes. Source: resize_status.go of external-resizer. */
export interface ClaimPatch {
  readonly status: ClaimStatusPatch;
  /** Whether nodes are told that there is nothing to do for them. @default as it is */
  readonly metadata?: { readonly annotations: Readonly<Record<string, string | null>> };
}

const NODE_MAY_HAVE_TO = { annotations: { [ANN_NODE_EXPANSION_NOT_REQUIRED]: null } };
const NODE_NEED_NOT = { annotations: { [ANN_NODE_EXPANSION_NOT_REQUIRED]: 'true' } };

/** markControllerResizeInProgress. A size that is tried again keeps what is said of it. */
export function resizeInProgress(
  claim: PersistentVolumeClaim,
  { newSize, isNew }: { readonly newSize: string; readonly isNew: boolean },
  nowText: string,
): ClaimPatch {
  const condition = { type: 'Resizing', status: 'True', lastTransitionTime: nowText };
  return {
    metadata: NODE_MAY_HAVE_TO,
    status: {
      conditions: merged(claim, condition, { keepOthers: !isNew }),
      ...(isNew && { allocatedResourceStatuses: { storage: 'ControllerResizeInProgress' } }),
      allocatedResources: { storage: newSize },
    },
  };
}

/** markForPendingNodeExpansion */
export function nodeExpansionPending(claim: PersistentVolumeClaim, nowText: string): ClaimPatch {
  const condition = {
    type: 'FileSystemResizePending',
    status: 'True',
    lastTransitionTime: nowText,
    message: 'Waiting for user to (re-)start a pod to finish file system resize of volume on node.',
  };
  return {
    metadata: NODE_MAY_HAVE_TO,
    status: {
      conditions: merged(claim, condition, { keepOthers: true }),
      allocatedResourceStatuses: { storage: 'NodeResizePending' },
    },
  };
}

/** markOverallExpansionAsFinished */
export function expansionFinished(claim: PersistentVolumeClaim, newSize: string): ClaimPatch {
  return {
    metadata: NODE_NEED_NOT,
    status: {
      capacity: { storage: newSize },
      conditions: merged(claim, undefined),
      allocatedResourceStatuses: { storage: null },
    },
  };
}

/** markControllerExpansionInfeasible, markControllerExpansionFailedCondition: a strategic merge patch, which keeps all other conditions. */
export function expansionFailed(why: string, isInfeasible: boolean, nowText: string): ClaimPatch {
  const condition = {
    type: 'ControllerResizeError',
    status: 'True',
    lastTransitionTime: nowText,
    message: `failed to expand pvc with ${why}`,
  };
  return {
    status: {
      conditions: [condition],
      ...(isInfeasible && { allocatedResourceStatuses: { storage: 'ControllerResizeInfeasible' } }),
    },
  };
}

/** The claim's conditions with this one anew; of the others about resizing none stays, unless `keepOthers` (MergeResizeConditionsOfPVC). */
function merged(
  claim: PersistentVolumeClaim,
  condition: ResizeCondition | undefined,
  { keepOthers = false } = {},
): readonly ResizeCondition[] {
  const kept = (claim.status?.conditions ?? []).flatMap((old) => {
    if (old.type === condition?.type) return [condition];
    return keepOthers || !RESIZE_CONDITIONS.has(old.type) ? [old] : [];
  });
  return condition && !kept.includes(condition) ? [...kept, condition] : kept;
}
