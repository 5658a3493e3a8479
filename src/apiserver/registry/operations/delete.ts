import { rfc3339 } from '../../../base/index.ts';
import type { DeleteOptions } from '../../../client/index.ts';
import {
  conflict,
  FINALIZER_FOREGROUND,
  FINALIZER_ORPHAN,
  type KubeObject,
  type ObjectMeta,
  type Stored,
} from '../../../kube/index.ts';
import type { ResourceDefinition } from '../contract.ts';
import { compact } from './metadata.ts';

/** What a delete does to an object. */
export type Deletion =
  /** It goes now. */
  | { readonly action: 'remove' }
  /** It stays, marked: for its finalizers or its grace period. */
  | { readonly action: 'mark'; readonly object: KubeObject }
  /** It is already on its way. */
  | { readonly action: 'wait' };

/**
 * Decides a delete by the rules of Kubernetes 1.36 (apiserver registry/rest BeforeDelete and generic registry Delete):
 * preconditions, then the grace period, then the finalizers, among them those that ask the garbage collector to work.
 * @throws StatusError 409 when a precondition does not hold
 */
export function decideDeletion(
  definition: ResourceDefinition,
  object: Stored<KubeObject>,
  options: DeleteOptions,
  nowMs: number,
): Deletion {
  checkPreconditions(definition, object, options);
  const grace = decideGrace(definition, object, options, nowMs);
  if (grace === 'pending') return { action: 'wait' };

  const present = object.metadata.finalizers ?? [];
  const finalizers = collectorFinalizers(
    present,
    options.propagationPolicy ?? defaultPolicy(definition, present),
  );
  const blocked = finalizers.length > 0 || (definition.strategy.blocksDeletion?.(object) ?? false);
  if (grace === 'none' && !blocked) return { action: 'remove' };
  if (grace !== 'none' && grace.seconds === 0 && !blocked) return { action: 'remove' };

  const { metadata } = object;
  const counted =
    metadata.generation && !metadata.deletionTimestamp ? metadata.generation + 1 : metadata.generation;
  const change: Partial<ObjectMeta> =
    grace === 'none'
      ? {
          deletionTimestamp: earlier(metadata.deletionTimestamp, rfc3339(nowMs)),
          deletionGracePeriodSeconds: 0,
        }
      : { deletionTimestamp: grace.timestamp, deletionGracePeriodSeconds: grace.seconds };
  const marked = {
    ...object,
    metadata: compact({ ...metadata, ...change, generation: counted, finalizers }),
  };
  return { action: 'mark', object: definition.strategy.markDeleting?.(marked) ?? marked };
}

/** Whether an update has taken away the last thing that kept a deleted object. */
export function finishesDeletion(
  definition: ResourceDefinition,
  next: KubeObject,
  previous: Stored<KubeObject>,
): boolean {
  if (!previous.metadata.deletionTimestamp || (next.metadata?.finalizers?.length ?? 0) > 0) return false;
  if (definition.strategy.blocksDeletion?.(next)) return false;
  return (previous.metadata.deletionGracePeriodSeconds ?? 0) === 0;
}

/** @throws StatusError 409 */
export function checkPreconditions(
  { group, kind }: Pick<ResourceDefinition, 'group' | 'kind'>,
  { metadata }: Stored<KubeObject>,
  { preconditions: { uid, resourceVersion } = {} }: DeleteOptions,
): void {
  // Upstream names the kind here, where it names the resource in other conflicts.
  const named = { group, plural: kind };
  if ((uid ?? metadata.uid) !== metadata.uid) {
    throw conflict(
      named,
      metadata.name,
      `the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`,
    );
  }
  if ((resourceVersion ?? metadata.resourceVersion) !== metadata.resourceVersion) {
    throw conflict(
      named,
      metadata.name,
      `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${metadata.resourceVersion}). The object might have been modified`,
    );
  }
}

type Grace = 'none' | 'pending' | { readonly seconds: number; readonly timestamp: string };

function decideGrace(
  definition: ResourceDefinition,
  object: Stored<KubeObject>,
  options: DeleteOptions,
  nowMs: number,
): Grace {
  const { strategy } = definition;
  if (!strategy.gracePeriodSeconds) return 'none';
  const asked =
    options.gracePeriodSeconds !== undefined && options.gracePeriodSeconds < 0
      ? 1
      : options.gracePeriodSeconds;
  const { deletionTimestamp, deletionGracePeriodSeconds: left = 0 } = object.metadata;
  if (deletionTimestamp === undefined) {
    const seconds = strategy.gracePeriodSeconds(object, asked);
    return { seconds, timestamp: rfc3339(nowMs + seconds * 1000) };
  }
  if (left === 0) return 'none';
  // A delete under way may only be hastened.
  if (asked === undefined || asked >= left) return 'pending';
  const due = Date.parse(deletionTimestamp) - left * 1000 + asked * 1000;
  if (due >= nowMs) return { seconds: asked, timestamp: rfc3339(due) };
  return { seconds: asked === 0 ? 0 : 1, timestamp: rfc3339(nowMs) };
}

/** The kind's own policy, unless the object has been given one before. */
function defaultPolicy({ strategy }: ResourceDefinition, finalizers: readonly string[]) {
  const given = finalizers.includes(FINALIZER_ORPHAN) || finalizers.includes(FINALIZER_FOREGROUND);
  return given ? undefined : strategy.defaultPropagation;
}

/** The finalizers with those of the garbage collector as the policy wants them: Background needs none. */
function collectorFinalizers(
  finalizers: readonly string[],
  policy: DeleteOptions['propagationPolicy'],
): readonly string[] {
  if (policy === undefined) return finalizers;
  const others = finalizers.filter((name) => name !== FINALIZER_ORPHAN && name !== FINALIZER_FOREGROUND);
  if (policy === 'Orphan') return [...others, FINALIZER_ORPHAN];
  return policy === 'Foreground' ? [...others, FINALIZER_FOREGROUND] : others;
}

function earlier(existing: string | undefined, now: string): string {
  return existing !== undefined && existing < now ? existing : now;
}
