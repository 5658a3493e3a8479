import { rfc3339 } from '../../../base/index.ts';
import {
  type Binding,
  badRequest,
  conflict,
  type KubeObject,
  type Pod,
  type PodCondition,
  pods,
  StatusError,
  type Stored,
} from '../../../kube/index.ts';

/**
 * Assigns the pod to the binding's node (BindingREST).
 * @throws StatusError 400 or 500 of a body that names no node; 409 when the pod cannot be assigned (any more), or is
 * not the one that was meant
 */
export function bindPod(pod: Stored<Pod>, body: KubeObject, nowMs: number): Pod {
  const { metadata, target } = body as Binding;
  const { name } = pod.metadata;
  if (metadata?.name !== name) throw badRequest('name in URL does not match name in Binding object');
  validateTarget(target);
  checkPreconditions(pod, metadata);
  const refuse = (why: string) => conflict({ group: '', plural: 'pods/binding' }, name, why);
  if (pod.metadata.deletionTimestamp) {
    throw refuse(`pod ${name} is being deleted, cannot be assigned to a host`);
  }
  if (pod.spec?.nodeName) {
    throw refuse(`pod ${name} is already assigned to node ${JSON.stringify(pod.spec.nodeName)}`);
  }
  if (pod.spec?.schedulingGates?.length) {
    throw refuse(`pod ${name} has non-empty .spec.schedulingGates`);
  }
  const { nominatedNodeName: _, ...status } = pod.status ?? {};
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      annotations: { ...pod.metadata.annotations, ...metadata.annotations },
      labels: { ...pod.metadata.labels, ...metadata.labels },
    },
    spec: { ...pod.spec!, nodeName: target.name },
    status: { ...status, conditions: scheduled(status.conditions ?? [], nowMs) },
  };
}

/** Upstream does not make an Invalid of these (ValidatePodBinding, aggregated), so they are errors of the server. */
function validateTarget(target: Binding['target'] | undefined): asserts target is Binding['target'] {
  const problems: string[] = [];
  if (target?.kind && target.kind !== 'Node') {
    const kind = JSON.stringify(target.kind);
    problems.push(`target.kind: Unsupported value: ${kind}: supported values: "Node", "<empty>"`);
  }
  if (!target?.name) problems.push('target.name: Required value');
  if (problems.length === 0) return;
  const message = problems.length === 1 ? problems[0]! : `[${problems.join(', ')}]`;
  const failure = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure' } as const;
  throw new StatusError({ ...failure, message, code: 500 });
}

/** The uid and the revision of a binding are those that the pod must have. @throws StatusError 409 */
function checkPreconditions(pod: Stored<Pod>, { uid, resourceVersion }: Binding['metadata'] & object): void {
  const { namespace, name, uid: ownUid, resourceVersion: own } = pod.metadata;
  const refuse = (what: string, asked: string, found: string) =>
    conflict(
      pods,
      name,
      `StorageError: invalid object, Code: 4, Key: /registry/pods/${namespace}/${name}, ResourceVersion: 0, ` +
        `AdditionalErrorMsg: Precondition failed: ${what} in precondition: ${asked}, ${what} in object meta: ${found}`,
    );
  if (uid && uid !== ownUid) throw refuse('UID', uid, ownUid);
  if (resourceVersion && resourceVersion !== own) throw refuse('ResourceVersion', resourceVersion, own);
}

function scheduled(conditions: readonly PodCondition[], nowMs: number): readonly PodCondition[] {
  const index = conditions.findIndex((one) => one.type === 'PodScheduled');
  const old = conditions[index];
  const condition: PodCondition = {
    type: 'PodScheduled',
    status: 'True',
    lastTransitionTime: old?.status === 'True' ? old.lastTransitionTime : rfc3339(nowMs),
  };
  return index < 0 ? [...conditions, condition] : conditions.with(index, condition);
}
