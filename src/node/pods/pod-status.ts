import { rfc3339 } from '../../base/index.ts';
import {
  type Container,
  type ContainerStatus,
  type Pod,
  type PodCondition,
  type PodStatus,
  qosClass,
  type Stored,
} from '../../kube/index.ts';
import type { Evicted } from './active-deadline.ts';
import type { AttemptsByName } from './attempts.ts';
import { podConditions } from './conditions.ts';
import { containerStatus, type ProbeResults, type Waiting } from './container-status.ts';
import { isSidecar } from './names.ts';
import { podPhase } from './phase.ts';

/** What is known of a pod on its node. */
export interface PodFacts {
  readonly attempts: AttemptsByName;
  /** Containers that are to be run and do not run yet. */
  readonly waiting: ReadonlyMap<string, Waiting>;
  readonly probes: ProbeResults;
  /** Directories and volumes are there. */
  readonly sandboxReady: boolean;
  /** Nothing of the pod will be run again. */
  readonly terminal: boolean;
  /** Why the pod is Failed whatever its containers did. */
  readonly evicted?: Evicted;
  readonly hostIp: string;
  readonly nowMs: number;
}

/** The part of a pod's status that its node owns. */
export function podStatus(pod: Stored<Pod>, facts: PodFacts): PodStatus {
  const old = pod.status;
  const initContainerStatuses = statusesOf(pod, facts, 'initContainers', old?.initContainerStatuses);
  const containerStatuses = statusesOf(pod, facts, 'containers', old?.containerStatuses);
  const ephemeralContainerStatuses = statusesOf(
    pod,
    facts,
    'ephemeralContainers',
    old?.ephemeralContainerStatuses,
  );
  const statuses = [...initContainerStatuses, ...containerStatuses];
  const { evicted } = facts;
  const phase = evicted ? 'Failed' : terminalPhase(podPhase(pod, statuses, facts.terminal), facts.terminal);
  const observedGeneration = pod.metadata.generation;
  return {
    observedGeneration,
    phase,
    ...evicted,
    conditions: podConditions(pod, phase, statuses, facts.sandboxReady && !facts.terminal).map((draft) =>
      timed(draft, old?.conditions, observedGeneration, facts.nowMs),
    ),
    hostIP: facts.hostIp,
    hostIPs: [{ ip: facts.hostIp }],
    podIP: facts.hostIp,
    podIPs: [{ ip: facts.hostIp }],
    startTime: old?.startTime ?? rfc3339(facts.nowMs),
    ...(initContainerStatuses.length > 0 ? { initContainerStatuses } : {}),
    containerStatuses,
    ...(ephemeralContainerStatuses.length > 0 ? { ephemeralContainerStatuses } : {}),
    qosClass: qosClass(pod.spec),
  };
}

/** A pod that is over is either Succeeded or Failed, also when it never came to run. */
function terminalPhase(phase: ReturnType<typeof podPhase>, terminal: boolean) {
  return terminal && phase !== 'Succeeded' ? 'Failed' : phase;
}

function statusesOf(
  pod: Stored<Pod>,
  facts: PodFacts,
  kind: 'initContainers' | 'containers' | 'ephemeralContainers',
  old: readonly ContainerStatus[] | undefined,
): ContainerStatus[] {
  const containers: readonly Container[] = pod.spec?.[kind] ?? [];
  const init = kind === 'initContainers';
  const initializing = kind !== 'ephemeralContainers' && (pod.spec?.initContainers ?? []).length > 0;
  return containers.map((container) => {
    const attempts = facts.attempts.get(container.name);
    const reason = initializing ? 'PodInitializing' : 'ContainerCreating';
    const waiting =
      facts.waiting.get(container.name) ?? (attempts?.current || facts.terminal ? undefined : { reason });
    return containerStatus(container, attempts, waiting, facts.probes, {
      regularInit: init && !isSidecar(container),
      old: old?.find(({ name }) => name === container.name),
    });
  });
}

function timed(
  draft: Pick<PodCondition, 'type' | 'status' | 'reason' | 'message'>,
  old: readonly PodCondition[] | undefined,
  observedGeneration: number | undefined,
  nowMs: number,
): PodCondition {
  const before = old?.find(({ type }) => type === draft.type);
  const lastTransitionTime =
    before?.status === draft.status && before.lastTransitionTime ? before.lastTransitionTime : rfc3339(nowMs);
  return { ...draft, lastTransitionTime, observedGeneration };
}
