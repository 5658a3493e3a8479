import type { Container, ContainerStatus, Pod } from '../../kube/index.ts';
import { isSidecar } from './names.ts';
import { containerShouldRestart } from './restart-policy.ts';

/**
 * The phase of a pod by its containers' statuses (kubelet, getPhase).
 * @param terminal nothing of the pod will be run again, whatever its restart policy
 */
export function podPhase(
  pod: Pod,
  statuses: readonly ContainerStatus[],
  terminal: boolean,
): 'Pending' | 'Running' | 'Succeeded' | 'Failed' {
  const statusOf = (name: string) => statuses.find((status) => status.name === name);
  const restarts = (container: Container, exitCode: number) =>
    !terminal && containerShouldRestart(pod, container, exitCode);
  const initialized = (pod.spec?.containers ?? []).some((container) => {
    const status = statusOf(container.name);
    return status?.state?.running || status?.state?.terminated || status?.lastState?.terminated;
  });

  let pendingInit = 0;
  let running = 0;
  let waiting = 0;
  for (const container of pod.spec?.initContainers ?? []) {
    const status = statusOf(container.name);
    const ended = status?.state?.terminated ?? (status?.state?.waiting && status.lastState?.terminated);
    if (isSidecar(container)) {
      if (status?.state?.running) {
        running++;
        if (!status.started) pendingInit++;
      } else if (!ended) {
        pendingInit++;
        waiting++;
      }
    } else if (!ended) pendingInit++;
    else if (ended.exitCode !== 0 && !restarts(container, ended.exitCode)) return 'Failed';
    else if (ended.exitCode !== 0) pendingInit++;
  }

  let stopped = 0;
  let succeeded = 0;
  let restarting = 0;
  for (const container of pod.spec?.containers ?? []) {
    const status = statusOf(container.name);
    const ended = status?.state?.terminated ?? (status?.state?.waiting && status.lastState?.terminated);
    if (status?.state?.running) running++;
    else if (!ended) waiting++;
    else {
      stopped++;
      if (restarts(container, ended.exitCode)) restarting++;
      if (ended.exitCode === 0) succeeded++;
    }
  }
  if ((pendingInit > 0 && !initialized) || waiting > 0) return 'Pending';
  if (running > 0 && !(terminal && stopped > 0)) return 'Running';
  if (stopped === 0) return 'Pending';
  if (restarting > 0) return 'Running';
  return succeeded === stopped ? 'Succeeded' : 'Failed';
}
