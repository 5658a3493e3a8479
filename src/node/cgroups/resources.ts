import {
  addLists,
  type Container,
  isLimitDeclared,
  type Pod,
  podLimits,
  podResourceTotals,
  qosClass,
  quantityMilliValue,
  quantityValue,
  type ResourceList,
} from '../../kube/index.ts';
import {
  containerCpuWeight,
  milliCpuToQuota,
  milliCpuToShares,
  podCpuWeight,
  QUOTA_PERIOD,
} from './conversions.ts';

/** What is written into the files of a control group, by their names. */
export type CgroupSettings = Readonly<Record<string, string>>;

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort';

/** What a pod's control group is, and a container's within it. */
export interface ContainerCgroup {
  readonly qos: QosClass;
  /** Thousandths of a core that the pod asks for. */
  readonly podMilliCpu: number;
  readonly pod: CgroupSettings;
  readonly container: CgroupSettings;
}

export function containerCgroup(pod: Pod, container: Container, podPidsLimit?: number): ContainerCgroup {
  return {
    qos: qosClass(pod.spec),
    podMilliCpu: Number(quantityMilliValue(podRequests(pod).cpu)),
    pod: podSettings(pod, podPidsLimit),
    container: containerSettings(pod, container),
  };
}

/**
 * What a pod may have in all. A limit holds only if every container has one, or the pod itself (ResourceConfigForPod; without
 * MemoryQoS, as by default).
 * @param pidsLimit how many processes. @default no limit
 */
export function podSettings(pod: Pod, pidsLimit?: number): CgroupSettings {
  const qos = qosClass(pod.spec);
  const pids: CgroupSettings =
    pidsLimit !== undefined && pidsLimit > 0 ? { 'pids.max': String(pidsLimit) } : {};
  const shares = qos === 'BestEffort' ? 2n : milliCpuToShares(quantityMilliValue(podRequests(pod).cpu));
  const weight = { 'cpu.weight': String(podCpuWeight(shares)) };
  if (qos === 'BestEffort') return { ...weight, ...pids };
  const limits = podLimits(pod);
  return {
    ...weight,
    ...(isLimitDeclared(pod, 'cpu') ? cpuMax(limits.cpu) : {}),
    ...(isLimitDeclared(pod, 'memory') ? memoryMax(limits.memory) : {}),
    ...pids,
  };
}

/** What a container may have (generateLinuxContainerResources, calculateLinuxResources). */
export function containerSettings(pod: Pod, container: Container): CgroupSettings {
  const { requests = {}, limits = {} } = container.resources ?? {};
  const limit = (name: 'cpu' | 'memory') =>
    quantityValue(limits[name]) > 0n ? limits[name] : pod.spec?.resources?.limits?.[name];
  const shares = milliCpuToShares(quantityMilliValue(requests.cpu ?? limit('cpu')));
  return {
    'cpu.weight': String(containerCpuWeight(shares)),
    ...cpuMax(limit('cpu')),
    ...memoryMax(limit('memory')),
    // What would be swapped out is counted as memory instead (NoSwap).
    'memory.swap.max': '0',
    // A container of which a part was killed is of no use.
    'memory.oom.group': '1',
  };
}

function cpuMax(limit: string | undefined): CgroupSettings {
  const quota = milliCpuToQuota(quantityMilliValue(limit));
  return quota === 0n ? {} : { 'cpu.max': `${quota} ${QUOTA_PERIOD}` };
}

function memoryMax(limit: string | undefined): CgroupSettings {
  const bytes = quantityValue(limit);
  return bytes === 0n ? {} : { 'memory.max': String(bytes) };
}

function podRequests(pod: Pod): ResourceList {
  return addLists(podResourceTotals(pod, 'requests'), pod.spec?.overhead ?? {});
}
