import { parseNano } from './quantity.ts';
import type { Container, ContainerStatus, Pod, PodCondition, PodSpec } from './types.ts';

/** The pod has ended for good: Failed or Succeeded (podutil.IsPodTerminal). */
export function isPodTerminal(pod: Pod): boolean {
  return pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded';
}

/** Terminal, or being deleted with no container running: it needs its volumes no more (util.IsPodTerminated). */
export function isPodTerminated(pod: Pod): boolean {
  if (isPodTerminal(pod)) return true;
  if (pod.metadata?.deletionTimestamp === undefined) return false;
  return containerStatusesOf(pod).every(
    ({ state }) => state?.terminated !== undefined || state?.waiting !== undefined,
  );
}

/**
 * The pod's conditions with this one set; undefined when they say so already (podutil.UpdatePodCondition). The time of
 * the last transition stays unless the status changes.
 */
export function changedPodConditions(
  pod: Pod,
  condition: Pick<PodCondition, 'type' | 'status' | 'reason' | 'message'>,
  nowText: string,
): PodCondition[] | undefined {
  const conditions = pod.status?.conditions ?? [];
  const old = conditions.find(({ type }) => type === condition.type);
  const { status, reason, message } = condition;
  if (old && old.status === status && old.reason === reason && old.message === message) return undefined;
  const observedGeneration = pod.metadata?.generation;
  const lastTransitionTime = old?.status === status ? old.lastTransitionTime : nowText;
  const set = { ...condition, observedGeneration, lastTransitionTime };
  return old ? conditions.map((one) => (one === old ? set : one)) : [...conditions, set];
}

const COMPUTE = ['cpu', 'memory'] as const;

/**
 * The quality-of-service class (pkg/apis/core/v1/helper/qos): only cpu and memory count, zero counts as absent. Resources of
 * the pod itself stand in for those of its containers.
 */
export function qosClass(spec: PodSpec | undefined): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  const { requests, limits } = spec?.resources ?? {};
  const ofPod = COMPUTE.some((name) => requests?.[name] !== undefined || limits?.[name] !== undefined);
  const containers = ofPod
    ? [{ resources: spec?.resources }]
    : [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
  const set = (quantity: string | undefined) => quantity !== undefined && (parseNano(quantity) ?? 0n) > 0n;
  const anySet = containers.some(({ resources }) =>
    COMPUTE.some((name) => set(resources?.requests?.[name]) || set(resources?.limits?.[name])),
  );
  if (!anySet) return 'BestEffort';
  const allEqual = containers.every(({ resources }) =>
    COMPUTE.every((name) => {
      const limit = resources?.limits?.[name];
      return set(limit) && parseNano(resources?.requests?.[name] ?? limit!) === parseNano(limit!);
    }),
  );
  return allEqual ? 'Guaranteed' : 'Burstable';
}

/** All containers of a pod, in the order in which they come to run: init, regular, ephemeral ones. */
export function containersOf({ spec }: Pod): Container[] {
  return [...(spec?.initContainers ?? []), ...(spec?.containers ?? []), ...(spec?.ephemeralContainers ?? [])];
}

export function containerOf(pod: Pod, name: string): Container | undefined {
  return containersOf(pod).find((container) => container.name === name);
}

/** The statuses of all containers of a pod. */
export function containerStatusesOf({ status }: Pod): ContainerStatus[] {
  const {
    initContainerStatuses = [],
    containerStatuses = [],
    ephemeralContainerStatuses = [],
  } = status ?? {};
  return [...initContainerStatuses, ...containerStatuses, ...ephemeralContainerStatuses];
}
