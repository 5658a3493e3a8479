import { isDeepStrictEqual } from 'node:util';
import { rfc3339 } from '../../base/index.ts';
import type { HostInfo } from '../../host/index.ts';
import {
  ANN_CONTROLLER_MANAGED_ATTACH,
  formatBytes,
  LABEL_ARCH,
  LABEL_HOSTNAME,
  LABEL_OS,
  type Node,
  type NodeCondition,
  type NodeStatus,
} from '../../kube/index.ts';

/** What a node is made of. */
export interface NodeFacts {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly info: HostInfo;
  readonly address: string;
  /** The port of the node's HTTPS server. */
  readonly port: number;
  /** Of the file system that holds the node's root. */
  readonly storageBytes: bigint;
  readonly kubeletVersion: string;
  readonly runtimeVersion: string;
  readonly nowMs: number;
  /** It does not leave that to the attach/detach controller. @default false */
  readonly attachesForItself?: boolean;
  /** What containers can run in. @default none */
  readonly images?: readonly { readonly names: readonly string[]; readonly sizeBytes: number }[];
}

/** The kubelet's maxPods. */
const MAX_PODS = '110';
/** What hard eviction thresholds keep back: memory.available<100Mi, nodefs.available<10%. */
const MEMORY_RESERVE_BYTES = 100n * 1024n * 1024n;
const STORAGE_RESERVE_PERCENT = 10n;

/** The Node object that a node registers (kubelet, initialNode). */
export function nodeObject(facts: NodeFacts): Node {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: facts.name,
      labels: nodeLabels(facts),
      annotations: nodeAnnotations(facts),
    },
    spec: {},
    status: nodeStatus(facts, undefined),
  };
}

/** By it the attach/detach controller knows that it is to attach for the node. */
export function nodeAnnotations({ attachesForItself }: NodeFacts): Record<string, string> {
  return attachesForItself ? {} : { [ANN_CONTROLLER_MANAGED_ATTACH]: 'true' };
}

export function nodeLabels(facts: NodeFacts): Record<string, string> {
  return {
    [LABEL_HOSTNAME]: facts.name,
    [LABEL_OS]: 'linux',
    [LABEL_ARCH]: facts.info.architecture,
    'beta.kubernetes.io/os': 'linux',
    'beta.kubernetes.io/arch': facts.info.architecture,
    ...facts.labels,
  };
}

/** The part of a node's status that the node itself owns. `old` keeps the times of conditions that stay as they are. */
export function nodeStatus(facts: NodeFacts, old: NodeStatus | undefined): NodeStatus {
  const { info } = facts;
  const memory = BigInt(info.memoryBytes);
  const capacity = {
    cpu: String(info.cpus),
    memory: formatBytes(memory),
    'ephemeral-storage': formatBytes(facts.storageBytes),
    pods: MAX_PODS,
  };
  return {
    capacity,
    allocatable: {
      ...capacity,
      memory: formatBytes(memory > MEMORY_RESERVE_BYTES ? memory - MEMORY_RESERVE_BYTES : 0n),
      'ephemeral-storage': String((facts.storageBytes * (100n - STORAGE_RESERVE_PERCENT)) / 100n),
    },
    conditions: nodeConditions(facts.nowMs, old?.conditions),
    addresses: [
      { type: 'InternalIP', address: facts.address },
      { type: 'Hostname', address: facts.name },
    ],
    ...imageList(facts.images),
    daemonEndpoints: { kubeletEndpoint: { Port: facts.port } },
    nodeInfo: {
      machineID: info.machineId,
      systemUUID: info.machineId,
      bootID: info.bootId,
      kernelVersion: info.kernelVersion,
      osImage: info.osImage,
      containerRuntimeVersion: facts.runtimeVersion,
      kubeletVersion: facts.kubeletVersion,
      kubeProxyVersion: '',
      operatingSystem: 'linux',
      architecture: info.architecture,
    },
    ...RUNTIME_FEATURES,
  };
}

/** What pods may ask of the runtime; it has but one handler, the one without a name. */
const RUNTIME_FEATURES: Pick<NodeStatus, 'features' | 'runtimeHandlers'> = {
  features: { supplementalGroupsPolicy: true },
  runtimeHandlers: [{ features: { recursiveReadOnlyMounts: true, userNamespaces: false } }],
};

/** The largest first, no more than the kubelet shows (nodeStatusMaxImages, MaxNamesPerImageInNodeStatus). */
function imageList(images: NodeFacts['images'] = []): Pick<NodeStatus, 'images'> {
  if (images.length === 0) return {};
  const largest = images.toSorted((a, b) => b.sizeBytes - a.sizeBytes).slice(0, 50);
  return { images: largest.map(({ names, sizeBytes }) => ({ names: names.slice(0, 5), sizeBytes })) };
}

/** Whether the server's status says something else than `status`, heartbeats aside. */
export function statusDiffers(status: NodeStatus, server: NodeStatus | undefined): boolean {
  const { conditions = [], ...rest } = status;
  const withoutHeartbeat = (condition: NodeCondition | undefined) =>
    condition && { ...condition, lastHeartbeatTime: undefined };
  return (
    Object.entries(rest).some(
      ([name, value]) => !isDeepStrictEqual(value, server?.[name as keyof NodeStatus]),
    ) ||
    conditions.some(
      (condition) =>
        !isDeepStrictEqual(
          withoutHeartbeat(condition),
          withoutHeartbeat(server?.conditions?.find(({ type }) => type === condition.type)),
        ),
    )
  );
}

/** Reasons and messages: pkg/kubelet/nodestatus/setters.go. */
const CONDITIONS: readonly Pick<NodeCondition, 'type' | 'status' | 'reason' | 'message'>[] = [
  {
    type: 'MemoryPressure',
    status: 'False',
    reason: 'KubeletHasSufficientMemory',
    message: 'kubelet has sufficient memory available',
  },
  {
    type: 'DiskPressure',
    status: 'False',
    reason: 'KubeletHasNoDiskPressure',
    message: 'kubelet has no disk pressure',
  },
  {
    type: 'PIDPressure',
    status: 'False',
    reason: 'KubeletHasSufficientPID',
    message: 'kubelet has sufficient PID available',
  },
  { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'kubelet is posting ready status' },
];

function nodeConditions(nowMs: number, old: readonly NodeCondition[] | undefined): NodeCondition[] {
  const now = rfc3339(nowMs);
  return CONDITIONS.map((condition) => {
    const before = old?.find(({ type }) => type === condition.type);
    const lastTransitionTime = before?.status === condition.status ? (before.lastTransitionTime ?? now) : now;
    return { ...condition, lastHeartbeatTime: now, lastTransitionTime };
  });
}
