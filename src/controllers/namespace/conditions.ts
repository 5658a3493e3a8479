import { rfc3339 } from '../../base/index.ts';
import type { Namespace, Resource } from '../../kube/index.ts';

type NamespaceStatus = NonNullable<Namespace['status']>;
export type NamespaceCondition = NonNullable<NamespaceStatus['conditions']>[number];

/** What a pass over a namespace's content has found. */
export interface Findings {
  /** Why the resources could not be found out. */
  readonly discoveryError?: string;
  readonly contentErrors: readonly string[];
  /** How many objects are left, by resource. */
  readonly remaining: ReadonlyMap<Resource, number>;
  /** How many objects each finalizer holds back. */
  readonly finalizers: ReadonlyMap<string, number>;
}

/** Types, reasons and messages of a namespace on which nothing is wrong, in upstream's order. */
const WELL: readonly Pick<NamespaceCondition, 'type' | 'reason' | 'message'>[] = [
  {
    type: 'NamespaceDeletionDiscoveryFailure',
    reason: 'ResourcesDiscovered',
    message: 'All resources successfully discovered',
  },
  {
    type: 'NamespaceDeletionGroupVersionParsingFailure',
    reason: 'ParsedGroupVersions',
    message: 'All legacy kube types successfully parsed',
  },
  {
    type: 'NamespaceDeletionContentFailure',
    reason: 'ContentDeleted',
    message: 'All content successfully deleted, may be waiting on finalization',
  },
  {
    type: 'NamespaceContentRemaining',
    reason: 'ContentRemoved',
    message: 'All content successfully removed',
  },
  {
    type: 'NamespaceFinalizersRemaining',
    reason: 'ContentHasNoFinalizers',
    message: 'All content-preserving finalizers finished',
  },
];

/**
 * The conditions of a namespace after a pass; the ones given when none has changed. Words and order are those of
 * Kubernetes 1.36 (namespace deletion, status_condition_utils).
 */
export function conditionsAfter(
  before: readonly NamespaceCondition[],
  findings: Findings,
  nowMs: number,
): readonly NamespaceCondition[] {
  const wrong = problems(findings);
  let result = before;
  for (const well of WELL) {
    const problem = wrong.get(well.type);
    const next = problem ? { type: well.type, ...problem } : well;
    const status = problem ? 'True' : 'False';
    const index = result.findIndex(({ type }) => type === well.type);
    const old = result[index];
    if (old?.status === status && old.reason === next.reason && old.message === next.message) continue;
    const lastTransitionTime = old?.status === status ? old.lastTransitionTime : rfc3339(nowMs);
    const condition = { ...next, status, lastTransitionTime };
    result = old ? result.with(index, condition) : [...result, condition];
  }
  return result;
}

function problems(findings: Findings): Map<string, { reason: string; message: string }> {
  const { discoveryError, contentErrors, remaining, finalizers } = findings;
  const found = new Map<string, { reason: string; message: string }>();
  if (discoveryError !== undefined)
    found.set('NamespaceDeletionDiscoveryFailure', { reason: 'DiscoveryFailed', message: discoveryError });
  if (contentErrors.length > 0)
    found.set('NamespaceDeletionContentFailure', {
      reason: 'ContentDeletionFailed',
      message: `Failed to delete all resource types, ${contentErrors.length} remaining: ${[...contentErrors].sort().join(', ')}`,
    });
  if (remaining.size > 0)
    found.set('NamespaceContentRemaining', {
      reason: 'SomeResourcesRemain',
      message: `Some resources are remaining: ${[...remaining]
        .map(([{ plural, group }, count]) => `${plural}.${group} has ${count} resource instances`)
        .sort()
        .join(', ')}`,
    });
  if (finalizers.size > 0)
    found.set('NamespaceFinalizersRemaining', {
      reason: 'SomeFinalizersRemain',
      message: `Some content in the namespace has finalizers remaining: ${[...finalizers]
        .map(([finalizer, count]) => `${finalizer} in ${count} resource instances`)
        .sort()
        .join(', ')}`,
    });
  return found;
}
