import type { Client } from '../client/index.ts';
import {
  type KubeObject,
  type PersistentVolume,
  type PersistentVolumeClaim,
  persistentVolumeClaims,
  persistentVolumes,
  type Resource,
  type Stored,
  volumeAttachments,
} from '../kube/index.ts';
import type { Machine } from './host/machine.ts';
import type { ContainerObserver, SimContainer } from './node/containers.ts';

/** A rule of the design that was broken. */
export interface Violation {
  readonly rule: string;
  readonly detail: string;
}

export interface MonitorOptions {
  readonly machine: Machine;
  /** The directory of the disk driver's volumes. */
  readonly pool: string;
  /** The kubelet root of a node. */
  nodeRoot(nodeName: string): string;
  /** The API server's present state; undefined while it is down. */
  api(): Client | undefined;
  running(): readonly SimContainer[];
  violated(violation: Violation): void;
}

/** What pods have written to a volume, oldest first. */
const DATA_FILE = '.data';
/** Far more than the little that the workloads ask for. */
const MAX_REQUESTS_A_SECOND = 300;

/** Looks at every step with the invariants in hand (design §5). It sees more than any component does, and changes nothing. */
export class Monitor implements ContainerObserver {
  readonly #options: MonitorOptions;
  /** By PV name: what the next pod must read. */
  readonly #written = new Map<string, string>();
  /** Volume handles by PV name. */
  readonly #handles = new Map<string, string>();
  /** Volumes that CreateVolume was called for and that no PV has told of. */
  readonly #unsaved = new Set<string>();
  /** Handles of volumes that are to outlive their PV. */
  readonly #retained = new Set<string>();
  readonly #lost = new Set<string>();
  /** What each process has sent within the present second. */
  readonly #requests = new Map<string, { second: number; count: number }>();

  constructor(options: MonitorOptions) {
    this.#options = options;
  }

  /**
   * The provisioner has died. A volume that it was making and had not saved is known to nobody if the claim goes before
   * it comes back; upstream's loses it too.
   */
  provisionerDied(): void {
    for (const volume of this.#unsaved) this.#lost.add(volume);
  }

  /** Whether a volume of the pool may be there without a PV. */
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

  /** A write that the API server has acknowledged. */
  wrote(resource: Resource): void {
    const { plural } = resource;
    if (plural === persistentVolumes.plural || plural === persistentVolumeClaims.plural)
      void this.#checkBinding();
    else if (plural === volumeAttachments.plural) void this.#checkAttachments();
  }

  /** A call that has reached the driver. */
  async called(method: string, request: Record<string, unknown>): Promise<void> {
    const rpc = method.slice(method.lastIndexOf('/') + 1);
    const volumeId = String(request.volumeId ?? '');
    const node = String(request.nodeId ?? '');
    switch (rpc) {
      case 'CreateVolume':
        this.#unsaved.add(String(request.name));
        return;
      case 'DeleteVolume':
        return this.#checkDelete(volumeId);
      case 'ControllerPublishVolume': {
        const holder = this.#publishedTo(volumeId);
        if (holder !== undefined && holder !== node && this.#mountsOn(volumeId, holder).length > 0)
          this.#violate(
            'one node at a time',
            `${volumeId} is to be published to ${node} and is on ${holder}`,
          );
        return;
      }
      case 'ControllerUnpublishVolume': {
        const left = this.#mountsOf(volumeId).filter((target) =>
          target.startsWith(`${this.#options.nodeRoot(node)}/`),
        );
        if (left.length > 0)
          this.#violate(
            'unstage before controller-unpublish',
            `${volumeId} leaves ${node}, mounted at ${left}`,
          );
        return;
      }
      case 'NodePublishVolume': {
        const staging = String(request.stagingTargetPath ?? '');
        if (!this.#mountsOf(volumeId).includes(staging))
          this.#violate('stage before publish', `${volumeId} is not staged at ${staging}`);
        return;
      }
      case 'NodeUnstageVolume': {
        const staging = String(request.stagingTargetPath ?? '');
        const root = staging.slice(0, staging.indexOf('/plugins/'));
        const left = this.#mountsOf(volumeId).filter((target) => target.startsWith(`${root}/pods/`));
        if (left.length > 0)
          this.#violate('unpublish before unstage', `${volumeId} is still mounted at ${left.join(', ')}`);
        return;
      }
    }
  }

  /** A call to the machine that takes effect now. */
  touched(call: string, args: readonly unknown[]): void {
    if (call !== 'mounts.unmount') return;
    const target = String(args[0]);
    for (const container of this.#options.running()) {
      if (container.mounts.some(({ hostPath }) => hostPath === target))
        this.#violate(
          'no volume goes under a running pod',
          `${target} is unmounted while ${container.podName} runs`,
        );
    }
  }

  started(container: SimContainer): void {
    for (const mount of container.mounts) {
      const volume = volumeOf(mount.hostPath);
      if (volume === undefined) continue;
      const file = mount.node.entries.get(DATA_FILE);
      const expected = this.#written.get(volume) ?? '';
      if (mount.node.fileSystem.device === '8:1' && mount.hostPath.includes('kubernetes.io~csi'))
        this.#violate(
          'a pod runs on its volume',
          `${container.podName} sees the host below ${mount.hostPath}`,
        );
      if ((file?.content ?? '') !== expected)
        this.#violate(
          'what a pod wrote, the next pod reads',
          `${volume} holds ${JSON.stringify(file?.content ?? '')}, ${JSON.stringify(expected)} was written`,
        );
      this.#append(mount.node, volume, `+${container.podUid.slice(0, 8)}`);
    }
  }

  exits(container: SimContainer): void {
    for (const mount of container.mounts) {
      const volume = volumeOf(mount.hostPath);
      if (volume !== undefined) this.#append(mount.node, volume, '-');
    }
  }

  #append(node: SimContainer['mounts'][number]['node'], volume: string, text: string): void {
    const { machine } = this.#options;
    let file = node.entries.get(DATA_FILE);
    if (!file) {
      file = machine.inode('file', node.fileSystem, `/${DATA_FILE}`, 0o644);
      node.entries.set(DATA_FILE, file);
    }
    file.content += text;
    this.#written.set(volume, (this.#written.get(volume) ?? '') + text);
  }

  async #checkBinding(): Promise<void> {
    const client = this.#options.api();
    if (!client) return;
    const [volumes, claims] = await Promise.all([
      client.list(persistentVolumes),
      client.list(persistentVolumeClaims),
    ]);
    const byName = new Map(volumes.items.map((volume) => [volume.metadata.name, volume]));
    for (const { metadata, spec } of volumes.items) {
      const handle = spec?.csi?.volumeHandle;
      if (handle === undefined) continue;
      this.#handles.set(metadata.name, handle);
      this.#unsaved.delete(handle);
      this.#lost.delete(handle);
      if (spec?.persistentVolumeReclaimPolicy === 'Retain') this.#retained.add(handle);
      else this.#retained.delete(handle);
    }
    const holders = new Map<string, Stored<PersistentVolumeClaim>>();
    for (const claim of claims.items) {
      if (claim.status?.phase !== 'Bound') continue;
      const name = claim.spec?.volumeName ?? '';
      const other = holders.get(name);
      if (other)
        this.#violate('one claim a volume', `${name} is bound to ${nameOf(other)} and ${nameOf(claim)}`);
      holders.set(name, claim);
      this.#checkAgrees(claim, name, byName.get(name));
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

  async #checkAttachments(): Promise<void> {
    const client = this.#options.api();
    if (!client) return;
    const { items } = await client.list(volumeAttachments);
    const nodeOf = new Map<string, string>();
    for (const { spec, metadata } of items) {
      if (metadata.deletionTimestamp) continue;
      const volume = spec.source.persistentVolumeName ?? '';
      const other = nodeOf.get(volume);
      if (other !== undefined && other !== spec.nodeName)
        this.#checkNotUsedElsewhere(volume, [other, spec.nodeName], metadata.name);
      nodeOf.set(volume, spec.nodeName);
    }
  }

  /**
   * As upstream, an attach or detach that failed leaves the volume uncertain, and another node may be tried meanwhile:
   * the driver has to refuse. But never while a node has it mounted.
   */
  #checkNotUsedElsewhere(volume: string, nodes: readonly string[], attachment: string): void {
    const handle = this.#handles.get(volume) ?? '';
    for (const node of nodes) {
      const mounted = this.#mountsOn(handle, node);
      if (mounted.length > 0)
        this.#violate(
          'one attachment a volume',
          `${volume} is to be on ${nodes.join(' and ')} (${attachment}), and is mounted at ${mounted[0]}`,
        );
    }
  }

  #mountsOn(volumeId: string, node: string): string[] {
    const root = `${this.#options.nodeRoot(node)}/`;
    return this.#mountsOf(volumeId).filter((target) => target.startsWith(root));
  }

  async #checkDelete(volumeId: string): Promise<void> {
    const mounted = this.#mountsOf(volumeId);
    if (mounted.length > 0)
      this.#violate('no volume in use is deleted', `${volumeId} is mounted at ${mounted.join(', ')}`);
    const holder = this.#publishedTo(volumeId);
    if (holder !== undefined)
      this.#violate('no attached volume is deleted', `${volumeId} is published to ${holder}`);
    const client = this.#options.api();
    if (!client) return;
    const { items } = await client.list(persistentVolumes);
    const volume = items.find(({ spec }) => spec?.csi?.volumeHandle === volumeId);
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

  #publishedTo(volumeId: string): string | undefined {
    const file = this.#options.machine.lookup(`${this.#options.pool}/${volumeId}.node`)?.node;
    return file && (JSON.parse(file.content) as { nodeId?: string }).nodeId;
  }

  #mountsOf(volumeId: string): string[] {
    const { machine, pool } = this.#options;
    const image = `${pool}/${volumeId}.img`;
    return machine
      .loops()
      .filter(({ backingFile }) => backingFile === image)
      .flatMap((loop) => machine.usesOf(loop))
      .map(({ target }) => target);
  }

  #violate(rule: string, detail: string): void {
    this.#options.violated({ rule, detail });
  }
}

function nameOf(object: KubeObject): string {
  return `${object.metadata?.namespace}/${object.metadata?.name}`;
}

/** The PV whose mount a path in a pod's directory is. */
function volumeOf(hostPath: string): string | undefined {
  const csi = /\/volumes\/kubernetes\.io~csi\/([^/]+)\/mount$/.exec(hostPath)?.[1];
  return csi ?? /^\/static\/([^/]+)$/.exec(hostPath)?.[1];
}
