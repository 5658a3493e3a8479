import type { Client } from '../client/index.ts';
import {
  type KubeObject,
  nodes,
  type PersistentVolume,
  type PersistentVolumeClaim,
  persistentVolumeClaims,
  persistentVolumes,
  type Resource,
  type Stored,
  type VolumeAttachment,
  volumeAttachments,
} from '../kube/index.ts';
import { Mirror } from './api/mirror.ts';
import { Detachments } from './detachments.ts';
import type { ContainerObserver, SimContainer } from './node/containers.ts';
import type { Whereabouts } from './whereabouts.ts';
import type { WrittenData } from './written-data.ts';

/** A rule of the design that was broken. */
export interface Violation {
  readonly rule: string;
  readonly detail: string;
}

export interface MonitorOptions {
  readonly where: Whereabouts;
  readonly data: WrittenData;
  nowMs(): number;
  /** When two copies of the controllers ran at once the last time, as `nowMs`. */
  twoLeadersAtMs(): number;
  running(): readonly SimContainer[];
  violated(violation: Violation): void;
}

/** Far more than the little that the workloads ask for. */
const MAX_REQUESTS_A_SECOND = 300;
/** Access modes that let one node at a time have a volume. */
const ONE_NODE = ['ReadWriteOnce', 'ReadWriteOncePod'];

/** Looks at every step with the invariants in hand (design §5). It sees more than any component does, and changes nothing. */
export class Monitor implements ContainerObserver {
  readonly #options: MonitorOptions;
  readonly #volumes = new Mirror(persistentVolumes);
  readonly #claims = new Mirror(persistentVolumeClaims);
  readonly #attachments = new Mirror(volumeAttachments);
  readonly #nodes = new Mirror(nodes);
  readonly #detachments: Detachments;
  /** Volume handles by PV name, of volumes that are gone too. */
  readonly #handles = new Map<string, string>();
  /** Handles of volumes that many nodes may have at once. */
  readonly #shared = new Set<string>();
  /** Volumes that CreateVolume was called for and that no PV has told of. */
  readonly #unsaved = new Set<string>();
  /** Handles of volumes that are to outlive their PV. */
  readonly #retained = new Set<string>();
  readonly #lost = new Set<string>();
  /** Uids of attachments. */
  readonly #seen = new Set<string>();
  /** What each process has sent within the present second. */
  readonly #requests = new Map<string, { second: number; count: number }>();

  constructor(options: MonitorOptions) {
    this.#options = options;
    this.#detachments = new Detachments(options);
  }

  /** The API server is up, for the first time or again. */
  async apiStarted(client: Client): Promise<void> {
    for (const mirror of this.#mirrors()) await mirror.load(client);
  }

  /**
   * A provisioner has died. A volume that it was making and had not saved is known to nobody if the claim goes before
   * it comes back; upstream's loses it too.
   */
  provisionerDied(): void {
    for (const volume of this.#unsaved) this.#lost.add(volume);
  }

  /** Whether a volume may be there without a PV. */
  mayStay(volumeId: string): boolean {
    return this.#retained.has(volumeId) || this.#lost.has(volumeId);
  }

  /** A process asks the API server for something. One that fails and tries again must take its time. */
  requested(process: string, nowMs: number): void {
    const second = Math.floor(nowMs / 1000);
    const known = this.#requests.get(process);
    if (known?.second !== second) this.#requests.set(process, { second, count: 1 });
    else if (++known.count === MAX_REQUESTS_A_SECOND)
      this.#violate('nobody works in vain', `${process} sent ${known.count} requests in a second`);
  }

  /** A write that the API server has acknowledged, and what it made of the object. */
  wrote(verb: string, resource: Resource, object: KubeObject): void {
    if (object.metadata?.resourceVersion === undefined) return;
    const mirror = this.#mirrors().find((one) => one.resource.plural === resource.plural);
    if (!mirror) return;
    mirror.wrote(verb, object as Stored<KubeObject>);
    if (mirror === this.#volumes) this.#remember(object as Stored<PersistentVolume>);
    if (mirror === this.#volumes || mirror === this.#claims) this.#checkBinding();
    else if (mirror === this.#attachments) this.#checkAttachment(object as Stored<VolumeAttachment>);
    else this.#detachments.nodeSeen(object.metadata.name!, this.#nodes.get(object.metadata.name!));
  }

  /** A call that has reached a driver. */
  called(method: string, request: Record<string, unknown>): void {
    const { where } = this.#options;
    const rpc = method.slice(method.lastIndexOf('/') + 1);
    const volumeId = String(request.volumeId ?? '');
    const node = String(request.nodeId ?? '');
    switch (rpc) {
      case 'CreateVolume':
        this.#unsaved.add(String(request.name));
        return;
      case 'DeleteVolume':
        this.#checkDelete(volumeId);
        return;
      case 'ControllerPublishVolume': {
        if (this.#shared.has(volumeId)) return;
        for (const holder of where.publishedTo(volumeId))
          if (holder !== node && where.mountsOn(volumeId, holder).length > 0)
            this.#violate(
              'one node at a time',
              `${volumeId} is to be published to ${node} and is on ${holder}`,
            );
        return;
      }
      case 'ControllerUnpublishVolume': {
        const left = where.mountsOn(volumeId, node);
        if (left.length > 0 && !this.#detachments.mayForce(volumeId, node))
          this.#violate(
            'unstage before controller-unpublish',
            `${volumeId} leaves ${node}, mounted at ${left}`,
          );
        return;
      }
      case 'NodePublishVolume': {
        const staging = String(request.stagingTargetPath ?? '');
        // Not with a share that was taken away: the driver has to refuse, and does.
        if (where.publishedTo(volumeId).length > 0 && !where.mountsOf(volumeId).includes(staging))
          this.#violate('stage before publish', `${volumeId} is not staged at ${staging}`);
        return;
      }
      case 'NodeUnstageVolume': {
        const staging = String(request.stagingTargetPath ?? '');
        const root = staging.slice(0, staging.indexOf('/plugins/'));
        const left = where.mountsOf(volumeId).filter((target) => target.startsWith(`${root}/pods/`));
        if (left.length > 0)
          this.#violate('unpublish before unstage', `${volumeId} is still mounted at ${left.join(', ')}`);
        return;
      }
    }
  }

  /** A call to a machine that takes effect now. */
  touched(call: string, args: readonly unknown[]): void {
    if (call !== 'mounts.unmount') return;
    const target = String(args[0]);
    for (const container of this.#options.running()) {
      const mount = container.mounts.find(({ hostPath }) => hostPath === target);
      if (mount && mount.grant?.open !== false)
        this.#violate(
          'no volume goes under a running pod',
          `${target} is unmounted while ${container.podName} runs`,
        );
    }
  }

  started(container: SimContainer): void {
    this.#options.data.started(container);
  }

  exits(container: SimContainer): void {
    this.#options.data.exits(container);
  }

  #mirrors(): readonly Mirror<KubeObject>[] {
    return [this.#volumes, this.#claims, this.#attachments, this.#nodes] as unknown as Mirror<KubeObject>[];
  }

  #remember({ metadata, spec }: Stored<PersistentVolume>): void {
    const handle = spec?.csi?.volumeHandle;
    if (handle === undefined) return;
    this.#handles.set(metadata.name, handle);
    if (!spec?.accessModes?.every((mode) => ONE_NODE.includes(mode))) this.#shared.add(handle);
    this.#unsaved.delete(handle);
    this.#lost.delete(handle);
    if (spec?.persistentVolumeReclaimPolicy === 'Retain') this.#retained.add(handle);
    else this.#retained.delete(handle);
  }

  #checkBinding(): void {
    const holders = new Map<string, Stored<PersistentVolumeClaim>>();
    for (const claim of this.#claims.values()) {
      if (claim.status?.phase !== 'Bound') continue;
      const name = claim.spec?.volumeName ?? '';
      const other = holders.get(name);
      if (other)
        this.#violate('one claim a volume', `${name} is bound to ${nameOf(other)} and ${nameOf(claim)}`);
      holders.set(name, claim);
      this.#checkAgrees(claim, name, this.#volumes.get(name));
    }
  }

  #checkAgrees(
    claim: Stored<PersistentVolumeClaim>,
    name: string,
    volume: Stored<PersistentVolume> | undefined,
  ): void {
    if (!volume)
      this.#violate('no bound volume goes', `claim ${nameOf(claim)} is bound to ${name}, which is gone`);
    else if (volume.spec?.claimRef?.uid !== claim.metadata.uid)
      this.#violate(
        'claim and volume agree',
        `claim ${nameOf(claim)} is bound to ${name}, which names ${volume.spec?.claimRef?.name ?? 'nobody'}`,
      );
  }

  /**
   * As upstream, an attach or detach that failed leaves the volume uncertain, and another node may be tried meanwhile:
   * the driver has to refuse. But never while a node has it mounted.
   */
  #checkAttachment({ metadata, spec }: Stored<VolumeAttachment>): void {
    const volume = spec.source.persistentVolumeName ?? '';
    const handle = this.#handles.get(volume) ?? '';
    if (metadata.deletionTimestamp) {
      this.#detachments.asked(metadata.uid, handle, spec.nodeName);
      return;
    }
    if (this.#seen.has(metadata.uid)) return;
    this.#seen.add(metadata.uid);
    this.#detachments.wanted(handle, spec.nodeName);
    if (this.#shared.has(handle)) return;
    for (const { spec: other } of this.#attachments.values()) {
      if (other.source.persistentVolumeName !== volume || other.nodeName === spec.nodeName) continue;
      const [mounted] = this.#options.where.mountsOn(handle, other.nodeName);
      if (mounted !== undefined)
        this.#violate(
          'one attachment a volume',
          `${volume} is to be on ${spec.nodeName} (${metadata.name}), and is mounted at ${mounted}`,
        );
    }
  }

  #checkDelete(volumeId: string): void {
    const { where } = this.#options;
    const mounted = where.mountsOf(volumeId);
    if (mounted.length > 0)
      this.#violate('no volume in use is deleted', `${volumeId} is mounted at ${mounted.join(', ')}`);
    const [holder] = where.publishedTo(volumeId);
    if (holder !== undefined)
      this.#violate('no attached volume is deleted', `${volumeId} is published to ${holder}`);
    const volume = [...this.#volumes.values()].find(({ spec }) => spec?.csi?.volumeHandle === volumeId);
    if (!volume) return;
    const { phase } = volume.status ?? {};
    if (volume.spec?.persistentVolumeReclaimPolicy !== 'Delete')
      this.#violate(
        'retained volumes stay',
        `${volumeId} has policy ${volume.spec?.persistentVolumeReclaimPolicy}`,
      );
    if (phase !== 'Released' && phase !== 'Failed' && volume.metadata.deletionTimestamp === undefined)
      this.#violate('only released volumes are deleted', `${volumeId} is ${phase}`);
  }

  #violate(rule: string, detail: string): void {
    this.#options.violated({ rule, detail });
  }
}

function nameOf(object: KubeObject): string {
  return `${object.metadata?.namespace}/${object.metadata?.name}`;
}
