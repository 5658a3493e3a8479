import type { Pod, Stored } from '../../kube/index.ts';
import type { UniqueVolumeName, VolumeSpec } from '../../volume/index.ts';

/** A volume that scheduled pods need on a node. */
export interface VolumeToAttach {
  readonly volumeName: UniqueVolumeName;
  readonly nodeName: string;
  readonly spec: VolumeSpec;
  /** Never empty. */
  readonly pods: readonly Stored<Pod>[];
  readonly multiAttachErrorReported: boolean;
}

interface Entry {
  readonly spec: VolumeSpec;
  /** By uid. */
  readonly pods: Map<string, Stored<Pod>>;
  multiAttachErrorReported: boolean;
}

/** Told of each volume whose wanted nodes may have changed. */
export type VolumeListener = (volumeName: UniqueVolumeName) => void;

/** Which volumes should be attached to which managed nodes, and for which pods (attachdetach/cache). */
export class DesiredStateOfWorld {
  /** Managed nodes; `leaving` ones are gone from the API and stay only while pods need volumes there. */
  readonly #nodes = new Map<string, { leaving: boolean; volumes: number }>();
  readonly #volumes = new Map<UniqueVolumeName, Map<string, Entry>>();
  /** Pod uid to its volumes: a pod can be dropped although its claims can no longer be resolved. */
  readonly #pods = new Map<string, { pod: Stored<Pod>; volumes: Map<UniqueVolumeName, string> }>();
  readonly #changed: VolumeListener;

  constructor(changed: VolumeListener = () => undefined) {
    this.#changed = changed;
  }

  addNode(nodeName: string): void {
    const node = this.#nodes.get(nodeName);
    if (node) node.leaving = false;
    else this.#nodes.set(nodeName, { leaving: false, volumes: 0 });
  }

  /** The node is gone: forgotten now, or as soon as no pod needs a volume there. */
  deleteNode(nodeName: string): void {
    const node = this.#nodes.get(nodeName);
    if (!node) return;
    node.leaving = true;
    this.#forgetIfLeft(nodeName);
  }

  /** The node now attaches for itself: everything wanted there is forgotten. */
  releaseNode(nodeName: string): void {
    for (const { pod, volumes } of [...this.#pods.values()]) {
      for (const [volumeName, node] of volumes) {
        if (node === nodeName) this.#deletePodVolume(pod.metadata.uid, volumeName);
      }
    }
    this.deleteNode(nodeName);
  }

  hasNode(nodeName: string): boolean {
    return this.#nodes.has(nodeName);
  }

  /** The pod, on a managed node, needs the volume there. */
  addPod(pod: Stored<Pod>, volumeName: UniqueVolumeName, spec: VolumeSpec, nodeName: string): void {
    const node = this.#nodes.get(nodeName);
    if (!node) throw new Error(`node "${nodeName}" is not managed by the attach/detach controller`);
    const nodes = getOrInsert(this.#volumes, volumeName, () => new Map<string, Entry>());
    const entry = getOrInsert(nodes, nodeName, () => {
      node.volumes++;
      return { spec, pods: new Map(), multiAttachErrorReported: false };
    });
    const { uid } = pod.metadata;
    if (entry.pods.has(uid)) return;
    entry.pods.set(uid, pod);
    getOrInsert(this.#pods, uid, () => ({ pod, volumes: new Map() })).volumes.set(volumeName, nodeName);
    this.#changed(volumeName);
  }

  /** The pod needs none of its volumes any more. */
  deletePod(podUid: string): void {
    for (const volumeName of [...(this.#pods.get(podUid)?.volumes.keys() ?? [])]) {
      this.#deletePodVolume(podUid, volumeName);
    }
  }

  /** The volume turned out not to be attachable. */
  deleteVolume(volumeName: UniqueVolumeName): void {
    for (const entry of [...(this.#volumes.get(volumeName)?.values() ?? [])]) {
      for (const uid of [...entry.pods.keys()]) this.#deletePodVolume(uid, volumeName);
    }
  }

  has(volumeName: UniqueVolumeName, nodeName: string): boolean {
    return this.#volumes.get(volumeName)?.has(nodeName) ?? false;
  }

  setMultiAttachErrorReported(volumeName: UniqueVolumeName, nodeName: string): void {
    const entry = this.#volumes.get(volumeName)?.get(nodeName);
    if (entry) entry.multiAttachErrorReported = true;
  }

  /** The nodes that should have the volume. */
  nodesOf(volumeName: UniqueVolumeName): VolumeToAttach[] {
    return [...(this.#volumes.get(volumeName) ?? [])].map(([nodeName, entry]) => ({
      volumeName,
      nodeName,
      spec: entry.spec,
      pods: [...entry.pods.values()],
      multiAttachErrorReported: entry.multiAttachErrorReported,
    }));
  }

  volumeNames(): UniqueVolumeName[] {
    return [...this.#volumes.keys()];
  }

  volumesToAttach(): VolumeToAttach[] {
    return this.volumeNames().flatMap((name) => this.nodesOf(name));
  }

  /** Every pod that needs a volume. */
  pods(): Stored<Pod>[] {
    return [...this.#pods.values()].map(({ pod }) => pod);
  }

  /** The pods that need the volume on one of `nodeNames`. */
  podsOnNodes(volumeName: UniqueVolumeName, nodeNames: readonly string[]): Stored<Pod>[] {
    const nodes = this.#volumes.get(volumeName);
    return nodeNames.flatMap((nodeName) => [...(nodes?.get(nodeName)?.pods.values() ?? [])]);
  }

  #deletePodVolume(podUid: string, volumeName: UniqueVolumeName): void {
    const known = this.#pods.get(podUid);
    const nodeName = known?.volumes.get(volumeName);
    if (!known || nodeName === undefined) return;
    known.volumes.delete(volumeName);
    if (known.volumes.size === 0) this.#pods.delete(podUid);
    const nodes = this.#volumes.get(volumeName)!;
    const entry = nodes.get(nodeName)!;
    entry.pods.delete(podUid);
    if (entry.pods.size > 0) return;
    nodes.delete(nodeName);
    if (nodes.size === 0) this.#volumes.delete(volumeName);
    const node = this.#nodes.get(nodeName);
    if (node) node.volumes--;
    this.#forgetIfLeft(nodeName);
    this.#changed(volumeName);
  }

  #forgetIfLeft(nodeName: string): void {
    const node = this.#nodes.get(nodeName);
    if (node?.leaving && node.volumes === 0) this.#nodes.delete(nodeName);
  }
}

function getOrInsert<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}
