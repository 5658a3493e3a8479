import type { PersistentVolumeClaim } from '../../kube/index.ts';
import {
  type ClaimStatusPatch,
  mergedResizeConditions as merged,
  type ResizeCondition,
} from '../../volume/index.ts';

// What a claim's status becomes at each step, as a merge patch has it: null removes. Source: pkg/volume/util, resize_util.

/** MarkControllerReisizeInProgress */
export function resizeBegun(
  claim: PersistentVolumeClaim,
  newSize: string,
  nowText: string,
): ClaimStatusPatch {
  return {
    conditions: merged(claim, resizing(nowText)),
    allocatedResources: { storage: newSize },
    allocatedResourceStatuses: { storage: 'ControllerResizeInProgress' },
  };
}

/** MarkForFSResize */
export function fileSystemResizePending(claim: PersistentVolumeClaim, nowText: string): ClaimStatusPatch {
  const condition: ResizeCondition = {
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
export function resizeFinished(claim: PersistentVolumeClaim, newSize: string): ClaimStatusPatch {
  return {
    conditions: merged(claim, undefined),
    capacity: { storage: newSize },
    allocatedResourceStatuses: { storage: null },
  };
}

function resizing(nowText: string): ResizeCondition {
  return { type: 'Resizing', status: 'True', lastTransitionTime: nowText };
}
