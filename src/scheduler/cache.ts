import type { Node, Pod, Stored } from '../kube/index.ts';
import { type ImageState, ImageStates } from './image-states.ts';
import { NodeInfo } from './node-info.ts';
import { interleaveZones, zoneKeyOf } from './node-order.ts';
import { type PodInfo, podInfo } from './pod-info.ts';

/** What plugins may see of the cluster during a cycle. */
export interface ClusterView {
  /** Every node, zones in turn. */
  nodes(): readonly NodeInfo[];
  node(name: string): NodeInfo | undefined;
  /** Whether a pod that has a node uses the claim (`namespace/name`) through a persistentVolumeClaim volume. */
  isClaimInUse(key: string): boolean;
  /** The nodes with a pod that has rules of inter-pod affinity. */
  nodesWithAffinity(): Iterable<NodeInfo>;
  /** An image that some node has, by one of its names. */
  image(name: string): ImageState | undefined;
}

interface PodState {
  readonly info: PodInfo;
  readonly nodeName: string;
  readonly assumed: boolean;
}

/**
 * Nodes with their pods, kept up to date change by change. Cycles read it live: a cycle never gives up control between
 * its first filter and its assumption, so it sees one state without a snapshot being taken.
 */
export class Cache implements ClusterView {
  readonly #nodes = new Map<string, NodeInfo>();
  readonly #pods = new Map<string, PodState>();
  readonly #claimUsers = new Map<string, number>();
  readonly #withAffinity = new Set<NodeInfo>();
  readonly #images = new ImageStates();
  /** Made again when a node comes, goes or changes its zone. */
  #order: readonly NodeInfo[] | undefined;

  nodes(): readonly NodeInfo[] {
    this.#order ??= interleaveZones(
      [...this.#nodes.values()].filter((info) => info.exists),
      (info) => zoneKeyOf(info.node),
    );
    return this.#order;
  }

  node(name: string): NodeInfo | undefined {
    const info = this.#nodes.get(name);
    return info?.exists ? info : undefined;
  }

  isClaimInUse(key: string): boolean {
    return this.#claimUsers.has(key);
  }

  *nodesWithAffinity(): Iterable<NodeInfo> {
    for (const info of this.#withAffinity) if (info.exists) yield info;
  }

  image(name: string): ImageState | undefined {
    return this.#images.get(name);
  }

  setNode(node: Stored<Node>): void {
    const info = this.#infoOf(node.metadata.name);
    if (!info.exists || zoneKeyOf(info.node) !== zoneKeyOf(node)) this.#order = undefined;
    if (info.exists) this.#images.remove(info.node);
    this.#images.add(node);
    info.setNode(node);
  }

  /** Pods of a node that is gone stay counted until their own deletion is seen. */
  removeNode(name: string): void {
    const info = this.#nodes.get(name);
    if (!info) return;
    if (info.exists) this.#images.remove(info.node);
    info.setNode(undefined);
    this.#order = undefined;
    this.#drop(info);
  }

  /** Takes in a pod that has a node; replaces what was known or assumed of it. */
  setPod(pod: Stored<Pod>): void {
    const nodeName = pod.spec?.nodeName;
    if (!nodeName) throw new Error(`pod ${pod.metadata.namespace}/${pod.metadata.name} has no node`);
    const known = this.#pods.get(pod.metadata.uid);
    // Most updates touch the status only; what the pod takes is in its spec.
    const unchanged = known && !known.assumed && known.info.pod.spec === pod.spec;
    const info = unchanged ? { ...known.info, pod } : podInfo(pod);
    if (known) this.#remove(known);
    this.#add({ info, nodeName, assumed: false });
  }

  /** The node that the pod was counted on; `undefined` when it was on none. */
  removePod(uid: string): string | undefined {
    const known = this.#pods.get(uid);
    if (known) this.#remove(known);
    return known?.nodeName;
  }

  /** Counts a pod on a node before the API says so. */
  assume(info: PodInfo, nodeName: string): void {
    if (this.#pods.has(info.uid)) {
      throw new Error(
        `pod ${info.key} is in the scheduler's cache already, so it cannot be assumed on ${nodeName}`,
      );
    }
    this.#add({ info, nodeName, assumed: true });
  }

  /** Takes an assumption back; does nothing once the API has confirmed it. */
  forget(uid: string): void {
    const known = this.#pods.get(uid);
    if (known?.assumed) this.#remove(known);
  }

  isAssumed(uid: string): boolean {
    return this.#pods.get(uid)?.assumed ?? false;
  }

  #infoOf(name: string): NodeInfo {
    let info = this.#nodes.get(name);
    if (!info) {
      info = new NodeInfo(name);
      this.#nodes.set(name, info);
    }
    return info;
  }

  #add(state: PodState): void {
    this.#pods.set(state.info.uid, state);
    const info = this.#infoOf(state.nodeName);
    info.add(state.info);
    if (info.podsWithAffinity.size > 0) this.#withAffinity.add(info);
    for (const { key, ephemeral } of state.info.claims) {
      if (!ephemeral) this.#claimUsers.set(key, (this.#claimUsers.get(key) ?? 0) + 1);
    }
  }

  #remove(state: PodState): void {
    this.#pods.delete(state.info.uid);
    for (const { key, ephemeral } of state.info.claims) {
      if (ephemeral) continue;
      const users = this.#claimUsers.get(key)! - 1;
      if (users > 0) this.#claimUsers.set(key, users);
      else this.#claimUsers.delete(key);
    }
    const info = this.#nodes.get(state.nodeName)!;
    info.remove(state.info.uid);
    if (info.podsWithAffinity.size === 0) this.#withAffinity.delete(info);
    this.#drop(info);
  }

  #drop(info: NodeInfo): void {
    if (!info.exists && info.pods.size === 0) this.#nodes.delete(info.name);
  }
}
