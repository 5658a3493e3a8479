import { errorMessage } from '../../base/index.ts';
import { type Client, type EventRecorder, ignoreNotFound } from '../../client/index.ts';
import {
  isAlreadyExists,
  isBeingDeleted,
  isConflict,
  type PersistentVolumeClaim,
  type Pod,
  persistentVolumeClaims,
  pods,
  type StatefulSet,
  type Stored,
  withMetadata,
} from '../../kube/index.ts';
import { allOf } from '../workload/index.ts';
import type { Action, Plan, Step } from './plan.ts';
import { isCreated } from './pod-state.ts';

/** A Parallel set's first batch; each that succeeds doubles the next, so that a hopeless set fails cheaply. */
const INITIAL_BATCH = 1;
const MAX_BATCH = 500;

export interface ApplyContext {
  readonly client: Client;
  readonly recorder: EventRecorder;
  readonly set: Stored<StatefulSet>;
  readonly signal: AbortSignal;
  /** Is told what was done. */
  readonly done?: (action: Action) => void;
}

/** Does what the plan says; the first failure of a pod, or of several that are seen to at once, ends it. */
export async function applyPlan(context: ApplyContext, { phases, parallel }: Plan): Promise<void> {
  for (const steps of phases) {
    let size = INITIAL_BATCH;
    for (let done = 0; done < steps.length; ) {
      const batch = steps.slice(done, done + (parallel ? size : 1));
      await allOf(batch.map((step) => applyStep(context, step)));
      done += batch.length;
      size = Math.min(size * 2, MAX_BATCH);
    }
  }
}

async function applyStep(context: ApplyContext, step: Step): Promise<void> {
  for (const action of step) {
    await applyAction(context, action);
    context.done?.(action);
  }
}

async function applyAction(context: ApplyContext, action: Action): Promise<void> {
  const { client, recorder, set, signal } = context;
  const { namespace } = set.metadata;
  switch (action.type) {
    case 'create-claims':
      return await createClaims(context, action);
    case 'claim-conflict': {
      const text = `PersistentVolumeClaim ${action.claim.metadata.name} has a conflicting OwnerReference that acts as a manging controller, the retention policy is ignored for this claim`;
      recorder.event(set, 'Warning', 'ConflictingController', text);
      return;
    }
    case 'own-claim':
      return await setClaimOwners(context, action);
    case 'create-pod':
      return tell(context, 'Create', action.pod, async () => {
        await client.create(pods, action.pod, { signal });
      });
    case 'update-pod':
      return tell(context, 'Update', action.pod, async () => {
        await client.update(pods, action.pod, { signal });
      });
    case 'delete-pod':
      return tell(context, 'Delete', action.pod, async () => {
        const { name, uid } = action.pod.metadata;
        await ignoreNotFound(client.delete(pods, { namespace, name }, { preconditions: { uid }, signal }));
      });
  }
}

/** One that fails does not keep the others from being made. (createPersistentVolumeClaims) */
async function createClaims(
  context: ApplyContext,
  { claims, pod }: Extract<Action, { type: 'create-claims' }>,
): Promise<void> {
  const { client, signal } = context;
  const failures: string[] = [];
  for (const claim of claims) {
    const name = claim.metadata!.name!;
    if (isBeingDeleted(claim)) {
      failures.push(`pvc ${name} is being deleted`);
      continue;
    }
    try {
      await client.create(persistentVolumeClaims, claim, { signal });
      claimEvent(context, pod, claim);
    } catch (error) {
      if (signal.aborted) throw error;
      failures.push(`failed to create PVC ${name}: ${errorMessage(error)}`);
      if (!isAlreadyExists(error)) claimEvent(context, pod, claim, errorMessage(error));
    }
  }
  if (failures.length === 0) return;
  const why = failures.length === 1 ? failures[0]! : `[${failures.join(', ')}]`;
  // One that is Pending merely waits for its claims; what cannot be made, or be put right, for want of them is told.
  if (pod.status?.phase !== 'Pending') podEvent(context, isCreated(pod) ? 'Update' : 'Create', pod, why);
  throw new Error(why);
}

/** By an update: claims are not for this controller to patch. That the cache was behind is not told: it is tried again. */
async function setClaimOwners(
  context: ApplyContext,
  { claim, owners, pod }: Extract<Action, { type: 'own-claim' }>,
): Promise<void> {
  const { client, signal } = context;
  const ownerReferences = owners.length > 0 ? owners : undefined;
  try {
    await client.update(persistentVolumeClaims, withMetadata(claim, { ownerReferences }), { signal });
  } catch (error) {
    if (signal.aborted || isConflict(error)) throw error;
    const { name } = claim.metadata;
    const why = `could not update claim ${name} for delete policy ownerRefs: ${errorMessage(error)}`;
    if (pod) podEvent(context, 'Update', pod, why);
    throw new Error(why, { cause: error });
  }
}

/**
 * Does the work and tells of it in an event. A pod that turns out to be there already is not told of, nor that the cache
 * was behind: that is tried again.
 */
async function tell(
  context: ApplyContext,
  verb: 'Create' | 'Update' | 'Delete',
  pod: Pod,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    if ((verb === 'Create' && isAlreadyExists(error)) || (verb === 'Update' && isConflict(error)))
      throw error;
    if (!context.signal.aborted) podEvent(context, verb, pod, errorMessage(error));
    throw error;
  }
  podEvent(context, verb, pod);
}

/** Reasons and messages of recordPodEvent. */
function podEvent({ recorder, set }: ApplyContext, verb: string, pod: Pod, failure?: string): void {
  const subject = `${verb} Pod ${nameOf(pod)} in StatefulSet ${set.metadata.name}`;
  if (failure === undefined) recorder.event(set, 'Normal', `Successful${verb}`, `${subject} successful`);
  else recorder.event(set, 'Warning', `Failed${verb}`, `${subject} failed error: ${failure}`);
}

/** Reasons and messages of recordClaimEvent. */
function claimEvent(
  { recorder, set }: ApplyContext,
  pod: Pod,
  claim: PersistentVolumeClaim,
  failure?: string,
): void {
  const made = `Create Claim ${claim.metadata?.name}`;
  const subject = `Pod ${nameOf(pod)} in StatefulSet ${set.metadata.name}`;
  if (failure === undefined) recorder.event(set, 'Normal', 'SuccessfulCreate', `${made} ${subject} success`);
  else recorder.event(set, 'Warning', 'FailedCreate', `${made} for ${subject} failed error: ${failure}`);
}

function nameOf(pod: Pod): string {
  return pod.metadata?.name ?? '';
}
