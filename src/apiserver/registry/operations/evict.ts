import type { DeleteOptions, ObjectName } from '../../../client/index.ts';
import {
  type Eviction,
  type KubeObject,
  notFound,
  podDisruptionBudgets,
  pods,
  type Resource,
  type Stored,
} from '../../../kube/index.ts';
import type { AdmissionReader } from '../../admission/index.ts';
import type { Answer, RequestContext } from '../contract.ts';
import { planEviction } from './eviction.ts';

/** The writes that an eviction needs; each is applied, not yet durable, when it returns. */
export interface EvictionWrites {
  readonly reader: Pick<AdmissionReader, 'get' | 'list'>;
  now(): number;
  updateStatus(resource: Resource, object: Stored<KubeObject>, context: RequestContext): void;
  deletePod(name: ObjectName, options: DeleteOptions, context: RequestContext): Promise<unknown>;
}

/**
 * POST to pods/eviction: deletes the pod if its disruption budget allows that. Charged, marked and deleted in one turn,
 * so two evictions never share what one budget allows.
 */
export function evictions({ reader, now, updateStatus, deletePod }: EvictionWrites): Answer {
  return async ({ name, body, context }) => {
    const { namespace, name: podName } = name!;
    const pod = reader.get(pods, namespace, podName);
    if (!pod) throw notFound(pods, podName);
    const plan = planEviction(pod, reader.list(podDisruptionBudgets, namespace), body as Eviction, now());
    if ('refusal' in plan) return statusOf({ status: 'Failure', message: plan.refusal, code: 500 });
    const dryRun = context.dryRun || plan.options.dryRun;
    const writing = { ...context, dryRun };
    if (plan.budget) updateStatus(podDisruptionBudgets as Resource, plan.budget, writing);
    updateStatus(pods as Resource, plan.pod, writing);
    await deletePod(name!, { ...plan.options, dryRun, preconditions: undefined }, writing);
    return statusOf({ status: 'Success', code: 201 });
  };
}

function statusOf(status: { status: string; message?: string; code: number }): KubeObject {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, ...status } as KubeObject;
}
