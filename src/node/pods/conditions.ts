import type { ContainerStatus, Pod, PodCondition } from '../../kube/index.ts';
import { isSidecar } from './names.ts';

type Draft = Pick<PodCondition, 'type' | 'status' | 'reason' | 'message'>;
type Phase = 'Pending' | 'Running' | 'Succeeded' | 'Failed';

/** The conditions that the kubelet owns, but for their times. Reasons and messages: pkg/kubelet/status/generate.go. */
export function podConditions(
  pod: Pod,
  phase: Phase,
  statuses: readonly ContainerStatus[],
  sandboxReady: boolean,
): readonly Draft[] {
  const containersReady = containersReadyCondition(pod, phase, statuses);
  return [
    { type: 'PodReadyToStartContainers', status: sandboxReady ? 'True' : 'False' },
    initializedCondition(pod, phase, statuses),
    readyCondition(pod, containersReady),
    containersReady,
  ];
}

/** As Go prints a list of strings. */
const list = (names: readonly string[]) => `[${names.join(' ')}]`;

function initializedCondition(pod: Pod, phase: Phase, statuses: readonly ContainerStatus[]): Draft {
  const type = 'Initialized';
  const unknown: string[] = [];
  const incomplete: string[] = [];
  for (const container of pod.spec?.initContainers ?? []) {
    const status = statuses.find(({ name }) => name === container.name);
    if (!status) unknown.push(container.name);
    else if (isSidecar(container) ? !status.started : !status.ready) incomplete.push(container.name);
  }
  if (phase === 'Succeeded' && unknown.length === 0) return { type, status: 'True', reason: 'PodCompleted' };
  const hasStarted = (pod.spec?.containers ?? []).some((container) => {
    const status = statuses.find(({ name }) => name === container.name);
    return status?.state?.running || status?.state?.terminated || status?.lastState?.terminated;
  });
  const messages: string[] = [];
  if (unknown.length > 0) messages.push(`containers with unknown status: ${list(unknown)}`);
  if (incomplete.length > 0) messages.push(`containers with incomplete status: ${list(incomplete)}`);
  if (hasStarted || messages.length === 0) return { type, status: 'True' };
  return { type, status: 'False', reason: 'ContainersNotInitialized', message: messages.join(', ') };
}

function containersReadyCondition(pod: Pod, phase: Phase, statuses: readonly ContainerStatus[]): Draft {
  const type = 'ContainersReady';
  const unknown: string[] = [];
  const unready: string[] = [];
  const counted = [...(pod.spec?.initContainers ?? []).filter(isSidecar), ...(pod.spec?.containers ?? [])];
  for (const container of counted) {
    const status = statuses.find(({ name }) => name === container.name);
    if (!status) unknown.push(container.name);
    else if (!status.ready) unready.push(container.name);
  }
  if (phase === 'Succeeded' && unknown.length === 0) return { type, status: 'False', reason: 'PodCompleted' };
  if (phase === 'Failed') return { type, status: 'False', reason: 'PodFailed' };
  const messages: string[] = [];
  if (unknown.length > 0) messages.push(`containers with unknown status: ${list(unknown)}`);
  if (unready.length > 0) messages.push(`containers with unready status: ${list(unready)}`);
  if (messages.length === 0) return { type, status: 'True' };
  return { type, status: 'False', reason: 'ContainersNotReady', message: messages.join(', ') };
}

function readyCondition(pod: Pod, containersReady: Draft): Draft {
  if (containersReady.status !== 'True') return { ...containersReady, type: 'Ready' };
  const messages: string[] = [];
  for (const { conditionType } of pod.spec?.readinessGates ?? []) {
    const condition = pod.status?.conditions?.find(({ type }) => type === conditionType);
    const name = JSON.stringify(conditionType);
    if (!condition) messages.push(`corresponding condition of pod readiness gate ${name} does not exist.`);
    else if (condition.status !== 'True')
      messages.push(`the status of pod readiness gate ${name} is not "True", but ${condition.status}`);
  }
  if (messages.length === 0) return { type: 'Ready', status: 'True' };
  return { type: 'Ready', status: 'False', reason: 'ReadinessGatesNotReady', message: messages.join(', ') };
}
