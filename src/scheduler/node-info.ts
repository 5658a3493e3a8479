import type { Node, Stored, Taint } from '../kube/index.ts';
import type { HostPort } from './host-ports.ts';
import type { PodInfo } from './pod-info.ts';
import { type Resources, toAllocatable } from './resources.ts';

const NOTHING: Resources = toAllocatable(undefined);

/** A node, the pods that are on it or are about to be, and what they take together. */
export class NodeInfo {
  readonly name: string;
  readonly pods = new Map<string, PodInfo>();
  /** Those of the pods that have rules of inter-pod affinity, by uid. */
  readonly podsWithAffinity = new Map<string, PodInfo>();
  #node: Stored<Node> | undefined;
  allocatable: Resources = NOTHING;
  readonly requested = { milliCpu: 0, memory: 0, ephemeralStorage: 0, scalar: new Map<string, number>() };
  /** As requested, with the default for every container that asks for nothing: for scores only. */
  readonly nonZeroRequested = { milliCpu: 0, memory: 0 };
  /** How many volumes all pods together name that a driver may serve: no node has more of them than this. */
  driverVolumeCount = 0;
  /** Cordoned. */
  unschedulable = false;
  /** Taints that keep pods away (NoSchedule, NoExecute). */
  hardTaints: readonly Taint[] = [];
  /** Taints that only count against the node (PreferNoSchedule). */
  softTaints: readonly Taint[] = [];

  constructor(name: string) {
    this.name = name;
  }

  /** False while only pods tell of the node: it is gone, or not heard of yet. */
  get exists(): boolean {
    return this.#node !== undefined;
  }

  get node(): Stored<Node> {
    if (this.#node === undefined) throw new Error(`node ${JSON.stringify(this.name)} does not exist`);
    return this.#node;
  }

  get labels(): Readonly<Record<string, string>> {
    return this.node.metadata.labels ?? {};
  }

  setNode(node: Stored<Node> | undefined): void {
    this.#node = node;
    this.allocatable = toAllocatable(node?.status?.allocatable as Record<string, string> | undefined);
    this.unschedulable = node?.spec?.unschedulable === true;
    const taints = node?.spec?.taints ?? [];
    this.hardTaints = taints.filter(({ effect }) => effect === 'NoSchedule' || effect === 'NoExecute');
    this.softTaints = taints.filter(({ effect }) => effect === 'PreferNoSchedule');
  }

  add(pod: PodInfo): void {
    if (this.pods.has(pod.uid)) throw new Error(`pod ${pod.key} is on node ${this.name} already`);
    this.pods.set(pod.uid, pod);
    if (hasAffinity(pod)) this.podsWithAffinity.set(pod.uid, pod);
    this.#count(pod, 1);
  }

  remove(uid: string): void {
    const pod = this.pods.get(uid);
    if (pod === undefined) return;
    this.pods.delete(uid);
    this.podsWithAffinity.delete(uid);
    this.#count(pod, -1);
  }

  /** For trying out what the node would be with other pods. */
  clone(): NodeInfo {
    const copy = new NodeInfo(this.name);
    copy.setNode(this.#node);
    for (const pod of this.pods.values()) copy.add(pod);
    return copy;
  }

  *hostPorts(): IterableIterator<HostPort> {
    for (const pod of this.pods.values()) yield* pod.hostPorts;
  }

  #count(pod: PodInfo, sign: 1 | -1): void {
    this.driverVolumeCount += sign * pod.driverVolumeCount;
    this.requested.milliCpu += sign * pod.requests.milliCpu;
    this.requested.memory += sign * pod.requests.memory;
    this.requested.ephemeralStorage += sign * pod.requests.ephemeralStorage;
    for (const [name, amount] of pod.requests.scalar) {
      this.requested.scalar.set(name, (this.requested.scalar.get(name) ?? 0) + sign * amount);
    }
    this.nonZeroRequested.milliCpu += sign * pod.nonZero.milliCpu;
    this.nonZeroRequested.memory += sign * pod.nonZero.memory;
  }
}

function hasAffinity({ affinities }: PodInfo): boolean {
  return Object.values(affinities).some((terms) => terms.length > 0);
}
