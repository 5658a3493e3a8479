import { DISK_DRIVER } from '../drivers/disk/index.ts';
import {
  claimNameOf,
  isDefaultClass,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
  type Stored,
} from '../kube/index.ts';
import { hasSource } from './copy-goals.ts';
import { hasLocalVolumesFor, LOCAL_CLASS, nodeOfLocal } from './local-volumes.ts';
import type { Snapshot, Truth } from './snapshot.ts';

const ONE_POD = 'ReadWriteOncePod';
const MANY_NODES = ['ReadWriteMany', 'ReadOnlyMany'];

/** Whether a container mounts what the claim gives, as a file system. */
function mounts(pod: Stored<Pod>, claim: string): boolean {
  const volume = pod.spec?.volumes?.find((each) => claimNameOf(pod, each) === claim)?.name;
  return (pod.spec?.containers ?? []).some((container) =>
    container.volumeMounts?.some(({ name }) => name === volume),
  );
}

/** Why something that was asked for may rightly never come about. */
export class Obstacles {
  readonly #snapshot: Snapshot;
  readonly #truth: Truth;
  readonly #users = new Map<string, Stored<Pod>[]>();
  readonly #defaultClass: boolean;

  constructor(snapshot: Snapshot, truth: Truth) {
    this.#snapshot = snapshot;
    this.#truth = truth;
    this.#defaultClass = [...snapshot.classes.values()].some(isDefaultClass);
    for (const pod of snapshot.pods.values())
      for (const claim of claimsOf(pod)) this.#users.set(claim, [...this.users(claim), pod]);
  }

  users(claim: string): readonly Stored<Pod>[] {
    return this.#users.get(claim) ?? [];
  }

  /** What keeps a pod from running, in words; undefined: nothing. */
  ofPod(pod: Stored<Pod>): string | undefined {
    const { claims, volumes } = this.#snapshot;
    if (pod.status?.phase === 'Running' || hasEnded(pod)) return undefined;
    if (this.#nodesFor(pod).length === 0) return 'no node has what it needs';
    for (const name of claimsOf(pod)) {
      const claim = claims.get(name);
      if (!claim) return `claim ${name} is gone`;
      if (claim.spec?.volumeMode === 'Block' && mounts(pod, name))
        return `${name} is a block device, and the pod would mount it`;
      // A pod that is there already keeps a claim that is being deleted. Nor is a volume attached that is.
      const volume = volumes.get(claim.spec?.volumeName ?? '');
      if (claim.metadata.deletionTimestamp || volume?.metadata.deletionTimestamp) return `${name} is leaving`;
      if (volume?.spec?.csi && this.#truth.nodesAttach) return `${name} is attached by nobody`;
      if (claim.status?.phase === 'Lost' || !this.#canBind(claim)) return `claim ${name} has no volume`;
      const others = this.users(name).filter((other) => other !== pod && !hasEnded(other));
      if (claim.spec?.accessModes?.includes(ONE_POD) && others.length > 0) return `${name} is for one pod`;
      const { nodeName } = pod.spec ?? {};
      if (!volume || !nodeName) continue;
      if (this.heldElsewhere(volume.metadata.name, nodeName)) return `${name} is on another node`;
      if (this.#isStuck(volume.metadata.name, nodeName)) return `${name} is being detached by force`;
    }
    return undefined;
  }

  /** Whether a claim that is Pending should not be. */
  shouldBind(claim: Stored<PersistentVolumeClaim>): boolean {
    if (!this.#canBind(claim)) return false;
    const storageClass = this.#snapshot.classes.get(claim.spec?.storageClassName ?? '');
    if (storageClass?.volumeBindingMode !== 'WaitForFirstConsumer') return true;
    return this.users(claim.metadata.name).some((pod) => this.ofPod(pod) === undefined);
  }

  /** Whether a pod on the node uses the volume. It may do so although its claim has gone: it came as the claim went. */
  needs(volume: string, node: string): boolean {
    return this.#usersOfVolume(volume).some(({ spec }) => spec?.nodeName === node);
  }

  /** Whether any pod uses the volume. */
  isUsed(volume: string): boolean {
    return this.#usersOfVolume(volume).length > 0;
  }

  #usersOfVolume(volume: string): readonly Stored<Pod>[] {
    const name = this.#snapshot.volumes.get(volume)?.spec?.claimRef?.name ?? '';
    const claim = this.#snapshot.claims.get(name);
    const users = !claim || claim.spec?.volumeName === volume ? this.users(name) : [];
    return users.filter((pod) => !hasEnded(pod));
  }

  /** Whether another node, where it is used too, has a volume that one node at a time can have. */
  heldElsewhere(volume: string, node: string): boolean {
    const { volumes, attachments, nodes } = this.#snapshot;
    const { accessModes, flexVolume } = volumes.get(volume)?.spec ?? {};
    if (accessModes?.some((mode) => MANY_NODES.includes(mode))) return false;
    if (flexVolume)
      return [...nodes.values()].some(
        ({ metadata, status }) =>
          metadata.name !== node &&
          status?.volumesAttached?.some(({ name }) => name.endsWith(`/${volume}`)) &&
          this.needs(volume, metadata.name),
      );
    return [...attachments.values()].some(
      ({ spec, status }) =>
        spec.source.persistentVolumeName === volume &&
        spec.nodeName !== node &&
        status?.attached &&
        this.needs(volume, spec.nodeName),
    );
  }

  /**
   * A node that was thought lost is back, and has the volume for a new pod staged still: the pod waits for the detach,
   * the driver for the node, and the node keeps what the pod needs. As upstream, somebody has to delete the pod.
   */
  #isStuck(volume: string, node: string): boolean {
    return [...this.#snapshot.attachments.values()].some(
      ({ metadata, spec, status }) =>
        spec.source.persistentVolumeName === volume &&
        spec.nodeName === node &&
        metadata.deletionTimestamp &&
        status?.detachError?.message?.includes('is still mounted'),
    );
  }

  /** A volume made by hand can be taken away under a claim; whether such a claim binds is up to the order of things. */
  #canBind(claim: Stored<PersistentVolumeClaim>): boolean {
    if (claim.status?.phase === 'Bound') return true;
    if (!hasSource(claim, this.#snapshot)) return false;
    const { storageClassName, volumeAttributesClassName } = claim.spec ?? {};
    if (volumeAttributesClassName && !this.#snapshot.attributes.has(volumeAttributesClassName)) return false;
    if (storageClassName === undefined) return this.#defaultClass;
    return this.#snapshot.classes.has(storageClassName);
  }

  #nodesFor(pod: Stored<Pod>): readonly string[] {
    const { aliveNodes, poolNode } = this.#truth;
    const pinned = pod.spec?.nodeSelector?.['kubernetes.io/hostname'] ?? nodeOfDaemon(pod);
    const local = claimsOf(pod).some((name) => this.#isLocal(name));
    return aliveNodes.filter(
      (name) =>
        (pinned === undefined || name === pinned) &&
        (!local || name === poolNode) &&
        this.#hasLocal(pod, name),
    );
  }

  /** Whether the node has the local volumes of the pod's claims, or could. */
  #hasLocal(pod: Pod, node: string): boolean {
    const { claims, volumes } = this.#snapshot;
    const waiting: string[] = [];
    for (const name of claimsOf(pod)) {
      const { storageClassName, volumeName } = claims.get(name)?.spec ?? {};
      const bound = volumes.get(volumeName ?? '');
      if (storageClassName === LOCAL_CLASS && !volumeName) waiting.push(name);
      else if (bound && (nodeOfLocal(bound) ?? node) !== node) return false;
    }
    return hasLocalVolumesFor(waiting, node, volumes.values());
  }

  #isLocal(claimName: string): boolean {
    const { claims, volumes, classes } = this.#snapshot;
    const { storageClassName, volumeName } = claims.get(claimName)?.spec ?? {};
    const volume = volumes.get(volumeName ?? '');
    if (volume) return isLocal(volume);
    return classes.get(storageClassName ?? '')?.provisioner === DISK_DRIVER;
  }
}

function isLocal({ spec }: PersistentVolume): boolean {
  return spec?.csi?.driver === DISK_DRIVER || spec?.hostPath !== undefined;
}

/** The one node that a pod of a DaemonSet is for. */
function nodeOfDaemon({ spec }: Pod): string | undefined {
  const required = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return required?.nodeSelectorTerms[0]?.matchFields?.find(({ key }) => key === 'metadata.name')?.values?.[0];
}

/** Claims that the pod names, and those that are made for it. */
export function claimsOf(pod: Pod): string[] {
  return (pod.spec?.volumes ?? []).flatMap((volume) => claimNameOf(pod, volume) ?? []);
}

/** Nothing of it runs any more, nor will: its volumes are given back. */
function hasEnded({ status }: Pod): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed';
}
