import { rfc3339 } from '../../base/index.ts';
import type { Container, ContainerState, ContainerStatus } from '../../kube/index.ts';
import { type Attempt, type Attempts, exitCodeOf, UNKNOWN_EXIT_CODE } from './attempts.ts';
import { volumeMountStatuses } from './volume-mount-status.ts';

/** Why a container does not run (state.waiting). */
export interface Waiting {
  readonly reason: string;
  readonly message?: string;
}

/** What the probes say of a running container. */
export interface ProbeResults {
  readonly started: ReadonlySet<string>;
  readonly ready: ReadonlySet<string>;
}

const containerId = (attempt: Attempt) => (attempt.id === '' ? undefined : `stowage://${attempt.id}`);

/** The state of a container that has ended. */
export function terminatedState(attempt: Attempt): NonNullable<ContainerState['terminated']> {
  const exitCode = exitCodeOf(attempt);
  return {
    exitCode,
    reason: attempt.startFailed
      ? 'StartError'
      : attempt.exitCode === undefined
        ? 'ContainerStatusUnknown'
        : attempt.oomKilled
          ? 'OOMKilled'
          : exitCode === 0
            ? 'Completed'
            : 'Error',
    message:
      attempt.message ??
      (attempt.exitCode === undefined
        ? 'The container could not be located when the pod was terminated'
        : undefined),
    startedAt: rfc3339(attempt.startFailed ? 0 : attempt.startedAtMs),
    finishedAt: rfc3339(attempt.finishedAtMs ?? attempt.startedAtMs),
    containerID: containerId(attempt),
  };
}

/**
 * The end of a container of which the runtime knows nothing any more, but the API does. As the last state it keeps the
 * next run from being taken for the first (kubelet, convertToAPIContainerStatuses).
 */
function forgottenEnd(old: ContainerStatus | undefined): ContainerState['terminated'] {
  if (!old?.containerID || old.state?.waiting) return undefined;
  return (
    old.state?.terminated ?? {
      exitCode: UNKNOWN_EXIT_CODE,
      reason: 'ContainerStatusUnknown',
      message: 'The container could not be located when the pod was terminated',
      containerID: old.containerID,
    }
  );
}

/**
 * The status of one container. A container that has ended and waits to be run again is waiting, with its end as the
 * last state (kubelet, convertToAPIContainerStatuses).
 * @param waiting why it does not run, if it is to be run
 * @param old what the API says, for the count of restarts that the runtime has forgotten
 */
export function containerStatus(
  container: Container,
  attempts: Attempts | undefined,
  waiting: Waiting | undefined,
  probes: ProbeResults,
  options: { readonly regularInit: boolean; readonly old?: ContainerStatus },
): ContainerStatus {
  const current = attempts?.current;
  const running = current?.state === 'running';
  const ended = current && !running ? terminatedState(current) : undefined;
  const previous = attempts?.previous
    ? terminatedState(attempts.previous)
    : ((current ? undefined : forgottenEnd(options.old)) ?? options.old?.lastState?.terminated);
  const state: ContainerState = running
    ? { running: { startedAt: rfc3339(current.startedAtMs) } }
    : ended && !waiting
      ? { terminated: ended }
      : { waiting: { ...(waiting ?? { reason: 'ContainerCreating' }) } };
  const last = ended && waiting ? ended : previous;
  const succeeded = ended?.exitCode === 0 && !waiting;
  return {
    name: container.name,
    state,
    lastState: last ? { terminated: last } : {},
    // An init container that has succeeded is ready; one that runs is not.
    ready: options.regularInit ? succeeded : running && probes.ready.has(container.name),
    started: running && (options.regularInit || probes.started.has(container.name)),
    restartCount: current?.attempt ?? options.old?.restartCount ?? 0,
    image: container.image ?? '',
    imageID: current?.imageId ?? '',
    containerID: current ? containerId(current) : undefined,
    ...volumeMountStatuses(container),
    ...(current && { ...givenResources(container), user: containerUser(current) }),
  };
}

/** What it was given is what it asks for: nothing is resized. */
function givenResources({
  resources = {},
}: Container): Pick<ContainerStatus, 'resources' | 'allocatedResources'> {
  const { requests } = resources;
  return { resources, ...(requests && { allocatedResources: requests }) };
}

/** As runtimes tell it, its primary group is among the others. */
function containerUser({ user }: Attempt): ContainerStatus['user'] {
  return (
    user && { linux: { ...user, supplementalGroups: [...new Set([user.gid, ...user.supplementalGroups])] } }
  );
}
