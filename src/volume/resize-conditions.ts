import type { PersistentVolumeClaim, PersistentVolumeClaimStatus } from '../kube/index.ts';

/** What a claim's status becomes, as a merge patch has it: null removes. */
export type ClaimStatusPatch = { readonly [K in keyof PersistentVolumeClaimStatus]?: unknown };

export type ResizeCondition = NonNullable<PersistentVolumeClaimStatus['conditions']>[number];

/** Conditions that tell of resizing; others are not ours to touch. */
export const RESIZE_CONDITIONS: ReadonlySet<string> = new Set([
  'FileSystemResizePending',
  'Resizing',
  'ControllerResizeError',
  'NodeResizeError',
]);

/**
 * The claim's conditions with this one; of the other ones about resizing none stays, unless `keepOthers`.
 * Source: MergeResizeConditionOnPVC.
 */
export function mergedResizeConditions(
  claim: PersistentVolumeClaim,
  condition: ResizeCondition | undefined,
  { keepOthers = false } = {},
): readonly ResizeCondition[] {
  const old = claim.status?.conditions ?? [];
  const kept = old.flatMap((one) => {
    if (one.type === condition?.type) return [one.status === condition.status ? one : condition];
    return keepOthers || !RESIZE_CONDITIONS.has(one.type) ? [one] : [];
  });
  const isThere = kept.some(({ type }) => type === condition?.type);
  return condition && !isThere ? [...kept, condition] : kept;
}
