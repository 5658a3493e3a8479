import type { Container, Pod } from '../../kube/index.ts';
import { type AttemptsByName, exitCodeOf } from './attempts.ts';
import { isSidecar } from './names.ts';
import { containerShouldRestart } from './restart-policy.ts';

/** What to do for a pod now. */
export interface PodActions {
  /** To be started, in this order. */
  readonly start: readonly Container[];
  /** Every container has ended for good: what still runs (sidecars) is stopped, the pod is terminal. */
  readonly finished: boolean;
}

/**
 * Which containers a pod needs started. Init containers run one after another to success before the others start;
 * sidecars among them need only have started, and are kept running. Ephemeral containers run once, whenever they come.
 * Rules: kubelet, computePodActions.
 * `started`: containers whose startup probe, if any, has passed.
 */
export function decide(pod: Pod, attempts: AttemptsByName, started: ReadonlySet<string>): PodActions {
  const containers = pod.spec?.containers ?? [];
  const initContainers = pod.spec?.initContainers ?? [];
  const current = (container: Container) => attempts.get(container.name)?.current;
  const start = (pod.spec?.ephemeralContainers ?? []).filter(
    (container) => !current(container),
  ) as Container[];
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
    if (attempt && !containerShouldRestart(pod, container, exitCodeOf(attempt)))
      return { start: [], finished: true };
    start.push(container);
    return { start, finished: false };
  }

  let ended = 0;
  for (const container of containers) {
    const attempt = current(container);
    if (attempt?.state === 'running') continue;
    if (!attempt || containerShouldRestart(pod, container, exitCodeOf(attempt))) start.push(container);
    else ended++;
  }
  const finished = ended === containers.length;
  return { start: finished ? [] : start, finished };
}
