import {
  type Container,
  type Pod,
  podResourceTotals,
  qosClass,
  quantityValue,
  type ResourceList,
} from '../../kube/index.ts';

const GUARANTEED = -997;
const BEST_EFFORT = 1000;
/** A guaranteed pod that uses all memory scores 10; others are to be killed before it. */
const LEAST_BURSTABLE = 1000 + GUARANTEED;
const CRITICAL_PRIORITY = 2_000_000_000;

/**
 * How readily a container is killed when the machine runs out of memory: the less of it a container asks for, the more
 * readily (GetContainerOOMScoreAdjust).
 */
export function oomScoreAdjust(pod: Pod, container: Container, machineBytes: number): number {
  if (isNodeCritical(pod)) return GUARANTEED;
  const qos = qosClass(pod.spec);
  if (qos === 'Guaranteed') return GUARANTEED;
  if (qos === 'BestEffort') return BEST_EFFORT;
  const shared = sharedRequest(pod);
  const score = (bytes: bigint) => 1000 - Number((1000n * (bytes + shared)) / BigInt(machineBytes));
  let found = score(memoryRequest(container));
  // A sidecar goes no sooner than those whom it serves.
  if (isSidecar(pod, container)) found = Math.min(found, score(leastRequest(pod)));
  if (found < LEAST_BURSTABLE) return LEAST_BURSTABLE;
  return found === BEST_EFFORT ? BEST_EFFORT - 1 : found;
}

function isNodeCritical({ spec }: Pod): boolean {
  return spec?.priorityClassName === 'system-node-critical' && (spec.priority ?? 0) >= CRITICAL_PRIORITY;
}

function isSidecar({ spec }: Pod, { name, restartPolicy }: Container): boolean {
  return restartPolicy === 'Always' && (spec?.initContainers ?? []).some((one) => one.name === name);
}

function memoryRequest({ resources }: { readonly resources?: { readonly requests?: ResourceList } }): bigint {
  return quantityValue(resources?.requests?.memory);
}

function leastRequest({ spec }: Pod): bigint {
  const [first = 0n, ...others] = (spec?.containers ?? []).map(memoryRequest);
  let least = first;
  for (const one of others) if (one < least) least = one;
  return least;
}

/** Each container's share of what the pod asks for beyond what its containers do. */
function sharedRequest(pod: Pod): bigint {
  const whole = memoryRequest({ resources: pod.spec?.resources });
  if (whole === 0n) return 0n;
  const { containers = [], initContainers = [] } = pod.spec ?? {};
  const own = { spec: { ...pod.spec, resources: undefined } } as Pod;
  const asked = quantityValue(podResourceTotals(own, 'requests').memory);
  return whole > asked ? (whole - asked) / BigInt(containers.length + initContainers.length) : 0n;
}
