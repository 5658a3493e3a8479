import { rfc3339 } from '../../base/index.ts';
import type { Client, EventRecorder } from '../../client/index.ts';
import { isNotFound, type Pod, type PodCondition, pods, type Stored } from '../../kube/index.ts';

/** The conditions with Ready turned to False; undefined when the pod has none that is not False. */
export function notReadyConditions(pod: Pod, nowText: string): PodCondition[] | undefined {
  const conditions = pod.status?.conditions ?? [];
  if (!conditions.some(isReady)) return undefined;
  return conditions.map((condition) =>
    isReady(condition) ? { ...condition, status: 'False', lastTransitionTime: nowText } : condition,
  );
}

function isReady({ type, status }: PodCondition): boolean {
  return type === 'Ready' && status !== 'False';
}

export interface MarkingContext {
  readonly client: Client;
  readonly recorder: EventRecorder;
  readonly clock: { now(): number };
}

/**
 * Says in each pod's status that it is not ready, because its node is not. Goes through all of them.
 * @throws AggregateError with every failure
 */
export async function markPodsNotReady(
  context: MarkingContext,
  onNode: readonly Stored<Pod>[],
  signal: AbortSignal,
): Promise<void> {
  const failures: unknown[] = [];
  for (const pod of onNode) {
    try {
      await markPodNotReady(context, pod, signal);
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw new AggregateError(failures, `${failures.length} pods could not be marked`);
}

async function markPodNotReady(
  { client, recorder, clock }: MarkingContext,
  pod: Stored<Pod>,
  signal: AbortSignal,
): Promise<void> {
  const conditions = notReadyConditions(pod, rfc3339(clock.now()));
  if (!conditions) return;
  const { namespace, name, uid, resourceVersion } = pod.metadata;
  const body = { metadata: { uid, resourceVersion }, status: { conditions } };
  try {
    await client.patch(pods, { namespace, name }, { type: 'merge', body }, { subresource: 'status', signal });
  } catch (error) {
    if (isNotFound(error)) return;
    throw error;
  }
  recorder.event(pod, 'Warning', 'NodeNotReady', 'Node is not ready');
}
