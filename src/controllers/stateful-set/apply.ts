import { errorMessage } from '../../base/index.ts';
import { type Client, type EventRecorder, ignoreNotFound } from '../../client/index.ts';
import {
  isAlreadyExists,
  isConflict,
  type OwnerReference,
  type PersistentVolumeClaim,
  type Pod,
  persistentVolumeClaims,
  pods,
  type StatefulSet,
  type Stored,
  withMetadata,
} from '../../kube/index.ts';
import { allOf } from '../workload/index.ts';
import type { Action, Plan } from './plan.ts';
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

/** Does what the plan says; the first failure ends it. */
export async function applyPlan(context: ApplyContext, { steps, parallel }: Plan): Promise<void> {
  let size = INITIAL_BATCH;
  for (let done = 0; done < steps.length; ) {
    const batch = steps.slice(done, done + (parallel ? size : 1));
    await allOf(batch.map((step) => applyStep(context, step)));
    done += batch.length;
    size = Math.min(size * 2, MAX_BATCH);
  }
}

/** By an update: claims are not for this controller to patch. One that is gone needs no owner. */
async function setClaimOwners(
  { client, signal }: ApplyContext,
  claim: Stored<PersistentVolumeClaim>,
  owners: readonly OwnerReference[],
): Promise<void> {
  const ownerReferences = owners.length > 0 ? owners : undefined;
  await ignoreNotFound(
    client.update(persistentVolumeClaims, withMetadata(claim, { ownerReferences }), { signal }),
  );
}

async function applyStep(context: ApplyContext, step: readonly Action[]): Promise<void> {
  for (const action of step) {
    await applyAction(context, action);
    context.done?.(action);
  }
}

async function applyAction(context: ApplyContext, action: Action): Promise<void> {
  const { client, recorder, set, signal } = context;
  const { namespace, name: setName } = set.metadata;
  switch (action.type) {
    case 'create-claim': {
      const claim = action.claim.metadata!.name;
      const subject = `Pod ${nameOf(action.pod)} in StatefulSet ${setName}`;
      try {
        await client.create(persistentVolumeClaims, action.claim, { signal });
        recorder.event(set, 'Normal', 'SuccessfulCreate', `Create Claim ${claim} ${subject} success`);
      } catch (error) {
        // The cache is behind: it is there.
        if (isAlreadyExists(error)) return;
        const why = errorMessage(error);
        if (!signal.aborted) {
          recorder.event(
            set,
            'Warning',
            'FailedCreate',
            `Create Claim ${claim} for ${subject} failed error: ${why}`,
          );
          tellOfClaims(context, action.pod, `failed to create PVC ${claim}: ${why}`);
        }
        throw error;
      }
      return;
    }
    case 'claim-conflict': {
      const text = `PersistentVolumeClaim ${action.claim.metadata.name} has a conflicting OwnerReference that acts as a manging controller, the retention policy is ignored for this claim`;
      recorder.event(set, 'Warning', 'ConflictingController', text);
      return;
    }
    case 'own-claim':
      return await setClaimOwners(context, action.claim, action.owners);
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
    case 'blocked':
      tellOfClaims(context, action.pod, action.message);
      throw new Error(`pod ${nameOf(action.pod)} of StatefulSet ${namespace}/${setName}: ${action.message}`);
  }
}

/** A pod that is Pending merely waits for its claims; what cannot be made, or be put right, for want of them is told. */
function tellOfClaims(context: ApplyContext, pod: Pod, failure: string): void {
  if (pod.status?.phase === 'Pending') return;
  podEvent(context, isCreated(pod) ? 'Update' : 'Create', pod, failure);
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
    if (verb === 'Create' && isAlreadyExists(error)) return;
    if (verb === 'Update' && isConflict(error)) throw error;
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

function nameOf(pod: Pod): string {
  return pod.metadata?.name ?? '';
}
