import type { Container, Pod } from '../../kube/index.ts';
import { type Attempt, type AttemptsByName, exitCodeOf } from './attempts.ts';
import { isSidecar } from './names.ts';

/** What to do for a pod now. */
export interface PodActions {
  /** To be started, in this order. */
  readonly start: readonly Container[];
  /** Every container has ended for good: what still runs (sidecars) is stopped, the pod is terminal. */
  readonly finished: boolean;
}

/** Whether an ended container is run again under the pod's restart policy. */
export function shouldRestart(pod: Pod, container: Container, ended: Attempt): boolean {
  if (isSidecar(container)) return true;
  const policy = pod.spec?.restartPolicy ?? 'Always';
  return policy === 'Always' || (policy === 'OnFailure' && exitCodeOf(ended) !== 0);
}

/**
 * Which containers a pod needs started. Init containers run one after another to success before the others start;
 * sidecars among them need only have started, and are kept running. Rules: kubelet, computePodActions.
 * `started`: containers whose startup probe, if any, has passed.
 */
export function decide(pod: Pod, attempts: AttemptsByName, started: ReadonlySet<string>): PodActions {
  const containers = pod.spec?.containers ?? [];
  const initContainers = pod.spec?.initContainers ?? [];
  const current = (container: Container) => attempts.get(container.name)?.current;
  const start: Container[] = [];
  const initialized = containers.some((container) => current(container) !== undefined);

  for (const container of initContainers) {
    const attempt = current(container);
    if (isSidecar(container)) {
      if (attempt?.state === 'running') {
        if (initialized || started.has(container.name)) continue;
        return { start, finished: false };
      }
      start.push(container);
      if (!initialized) return { start, finished: false };
      continue;
    }
    if (initialized || (attempt?.state === 'exited' && exitCodeOf(attempt) === 0)) continue;
    if (attempt?.state === 'running') return { start, finished: false };
    // An init container's Always means until it succeeds.
    if (attempt && pod.spec?.restartPolicy === 'Never') return { start: [], finished: true };
    start.push(container);
    return { start, finished: false };
  }

  let ended = 0;
  for (const container of containers) {
    const attempt = current(container);
    if (attempt?.state === 'running') continue;
    if (!attempt || shouldRestart(pod, container, attempt)) start.push(container);
    else ended++;
  }
  const finished = ended === containers.length;
  return { start: finished ? [] : start, finished };
}
