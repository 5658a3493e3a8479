import { rfc3339 } from '../../../base/index.ts';
import type { FileSystemUsage } from '../../../host/index.ts';
import { claimNameOf, type Pod, type Stored } from '../../../kube/index.ts';
import type { VolumeStats } from '../../../volume/index.ts';
import type { CgroupUsage } from '../../cgroups/index.ts';
import { type ContainerStorage, ephemeralStorage } from '../../local-storage/index.ts';
import type { ContainerRecord, PodUsage } from '../../runtime/index.ts';
import type { PodVolumeStats } from '../../volume-stats/index.ts';
import { type UsageRates, usageStats } from './usage-stats.ts';

export interface SummaryInput {
  readonly nodeName: string;
  readonly nowMs: number;
  readonly startedAtMs: number;
  /** Of the file system of the node's root directory. */
  readonly fs: FileSystemUsage;
  readonly pods: Iterable<Stored<Pod>>;
  containers(podUid: string): readonly ContainerRecord[];
  volumes(podUid: string): PodVolumeStats | undefined;
  /** Of the pods whose processor time and memory somebody counts. */
  readonly usage: ReadonlyMap<string, PodUsage>;
  readonly rates: Pick<UsageRates, 'nanoCores'>;
  /** What containers that run have written, by their ids. */
  readonly storage: ReadonlyMap<string, ContainerStorage>;
}

/**
 * The answer of /stats/summary: what the node's pods use, and how full their volumes are. Source: stats/v1alpha1 of
 * k8s.io/kubelet.
 */
export function summary(input: SummaryInput) {
  const { nodeName, nowMs, startedAtMs, fs } = input;
  return {
    node: {
      nodeName,
      startTime: rfc3339(startedAtMs),
      fs: fsStats(nowMs, {
        ...capacityOf(fs),
        used: Number(fs.totalBytes - fs.freeBytes),
        inodesUsed: Number(fs.inodes - fs.freeInodes),
      }),
    },
    pods: [...input.pods].flatMap((pod) => podStats(pod, input) ?? []),
  };
}

/** Undefined for a pod of which nothing runs. */
function podStats(pod: Stored<Pod>, input: SummaryInput) {
  const { name, namespace = '', uid } = pod.metadata;
  const running = input.containers(uid).filter(({ state }) => state === 'running');
  if (running.length === 0) return undefined;
  const measured = input.volumes(uid);
  const usage = input.usage.get(uid);
  const storage = {
    volumes: measured?.volumes ?? new Map<string, VolumeStats>(),
    containers: new Map(running.map(({ id, containerName }) => [containerName, input.storage.get(id) ?? {}])),
  };
  return {
    podRef: { name, namespace, uid },
    startTime: pod.status?.startTime ?? rfc3339(Math.min(...running.map(({ startedAtMs }) => startedAtMs))),
    containers: running.map(({ id, containerName, startedAtMs }) => ({
      name: containerName,
      startTime: rfc3339(startedAtMs),
      ...storageOf(input.storage.get(id), input.nowMs),
      ...usageOf(id, usage?.containers.get(id), input),
    })),
    ...usageOf(uid, usage?.pod, input),
    ...(usage && { process_stats: { process_count: usage.pod.processes } }),
    ...(measured && { volume: volumesOf(pod, measured) }),
    'ephemeral-storage': fsStats(input.nowMs, {
      ...capacityOf(input.fs),
      ...ephemeralStorage(pod, storage),
    }),
  };
}

function storageOf({ rootfs, logs }: ContainerStorage = {}, nowMs: number) {
  return { ...(rootfs && { rootfs: fsStats(nowMs, rootfs) }), ...(logs && { logs: fsStats(nowMs, logs) }) };
}

function capacityOf(fs: FileSystemUsage) {
  return {
    available: Number(fs.availableBytes),
    capacity: Number(fs.totalBytes),
    inodesFree: Number(fs.freeInodes),
    inodes: Number(fs.inodes),
  };
}

function usageOf(key: string, usage: CgroupUsage | undefined, { rates }: SummaryInput) {
  return usage && usageStats(usage, rates.nanoCores(key, usage));
}

function volumesOf(pod: Stored<Pod>, { atMs, volumes }: PodVolumeStats) {
  return [...volumes].map(([name, stats]) => {
    const volume = pod.spec?.volumes?.find((one) => one.name === name);
    const claim = volume && claimNameOf(pod, volume);
    return {
      ...fsStats(atMs, stats),
      name,
      ...(claim !== undefined && { pvcRef: { name: claim, namespace: pod.metadata.namespace ?? '' } }),
      ...(stats.condition && { volumeHealthStats: { abnormal: stats.condition.abnormal } }),
    };
  });
}

/** 0 for what is not known, as upstream. */
function fsStats(atMs: number, stats: VolumeStats) {
  return {
    time: rfc3339(atMs),
    availableBytes: stats.available ?? 0,
    capacityBytes: stats.capacity ?? 0,
    usedBytes: stats.used ?? 0,
    inodesFree: stats.inodesFree ?? 0,
    inodes: stats.inodes ?? 0,
    inodesUsed: stats.inodesUsed ?? 0,
  };
}
