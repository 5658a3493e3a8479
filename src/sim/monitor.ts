import type { Client } from '../client/index.ts';
import type { csi } from '../csi/index.ts';
import type { MountRequest } from '../host/host.ts';
import { NETWORK_FS } from '../host/simulated/index.ts';
import {
  type KubeObject,
  type Namespace,
  type Node,
  namespaces,
  nodes,
  type PersistentVolume,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  type Resource,
  type Stored,
  type VolumeAttachment,
  type VolumeSnapshotContent,
  volumeAttachments,
  volumeAttributesClasses,
  volumeGroupSnapshotContents,
  volumeSnapshotContents,
  volumeSnapshots,
} from '../kube/index.ts';
import { Mirror } from './api/mirror.ts';
import { bindingViolation } from './binding-rule.ts';
import { callViolations } from './call-rules.ts';
import { CopyRules } from './copy-rules.ts';
import { Detachments, LAG_MS } from './detachments.ts';
import { GroupRules } from './group-rules.ts';
import type { ContainerObserver, SimContainer } from './node/containers.ts';
import { RequestRate } from './request-rate.ts';
import type { Violation } from './violation.ts';
import type { Whereabouts } from './whereabouts.ts';
import type { WrittenData } from './written-data.ts';

export interface MonitorOptions {
  readonly where: Whereabouts;
  readonly data: WrittenData;
  nowMs(): number;
  /** When another scheduler took over the last time, as `nowMs`. */
  newSchedulerAtMs(): number;
  running(): readonly SimContainer[];
  violated(violation: Violation): void;
}

/** Access modes that let one node at a time have a volume. */
const ONE_NODE = ['ReadWriteOnce', 'ReadWriteOncePod'];

/** Looks at every step with the invariants in hand (design §5). It sees more than any component does, and changes nothing. */
export class Monitor implements ContainerObserver {
  readonly #options: MonitorOptions;
  readonly #volumes = new Mirror(persistentVolumes);
  readonly #claims = new Mirror(persistentVolumeClaims);
  readonly #attachments = new Mirror(volumeAttachments);
  readonly #nodes = new Mirror(nodes);
  readonly #pods = new Mirror(pods);
  readonly #snapshots = new Mirror(volumeSnapshots);
  readonly #contents = new Mirror(volumeSnapshotContents);
  readonly #groupContents = new Mirror(volumeGroupSnapshotContents);
  /** By the plural of their resource. */
  readonly #mirrors: ReadonlyMap<string, Mirror<KubeObject>>;
  readonly #copies: CopyRules;
  readonly #groups: GroupRules;
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
  /** Of these, what leaders asked for that others had replaced: as `volume@node`. */
  readonly #askedLate = new Set<string>();
  /** Since when volumes have the attributes that they have. */
  readonly #attributes = new Map<string, { readonly name: string | undefined; readonly sinceMs: number }>();
  readonly #requests = new RequestRate();

  constructor(options: MonitorOptions) {
    this.#options = options;
    this.#detachments = new Detachments(options);
    const mirrors = [
      ...[this.#volumes, this.#claims, this.#attachments, this.#nodes, this.#pods],
      ...[this.#snapshots, this.#contents, this.#groupContents],
    ] as unknown as readonly Mirror<KubeObject>[];
    this.#mirrors = new Map(mirrors.map((mirror) => [mirror.resource.plural, mirror]));
    const [claims, snapshots, contents] = [this.#claims, this.#snapshots, this.#contents];
    this.#copies = new CopyRules({ ...options, claims, snapshots, contents });
    this.#groups = new GroupRules({ ...options, groupContents: this.#groupContents });
  }

  /** The API server is up, for the first time or again. */
  async apiStarted(client: Client): Promise<void> {
    for (const mirror of this.#mirrors.values()) {
      const older = await mirror.load(client);
      if (older !== undefined) this.#violate('what was acknowledged stays', older);
    }
  }

  /**
   * A provisioner has died, or may no longer go on: its class waits for a pod now. A volume that it was making and had
   * not saved is known to nobody if the claim goes before it begins again; upstream's loses it too.
   */
  provisioningBrokeOff(): void {
    for (const volume of this.#unsaved) this.#lost.add(volume);
  }

  /** Whether a volume may be there without a PV. */
  mayStay(volumeId: string): boolean {
    return this.#retained.has(volumeId) || this.#lost.has(volumeId);
  }

  /** A process asks the API server for something. */
  requested(process: string): void {
    const broken = this.#requests.violation(process, this.#options.nowMs());
    if (broken) this.#options.violated(broken);
  }

  /**
   * A write that the API server has acknowledged, and what it made of the object; `late`: of a leader in whose place
   * another leads already.
   */
  wrote(verb: string, resource: Resource, object: KubeObject, late = false): void {
    if (object.metadata?.resourceVersion === undefined) return;
    if (resource.plural === namespaces.plural) this.#checkNamespace(object);
    if (resource.plural === volumeAttributesClasses.plural) this.#checkAttributesClass(verb, object);
    const mirror = this.#mirrors.get(resource.plural);
    if (!mirror) return;
    mirror.wrote(verb, object as Stored<KubeObject>);
    if (mirror === this.#volumes) this.#remember(object as Stored<PersistentVolume>);
    else if (mirror === this.#contents) this.#copies.contentSeen(object as VolumeSnapshotContent);
    if (mirror === this.#volumes || mirror === this.#claims) {
      const broken = bindingViolation(this.#volumes, this.#claims);
      if (broken) this.#options.violated(broken);
    }
    if (mirror === this.#attachments) this.#checkAttachment(object as Stored<VolumeAttachment>, late);
    else if (mirror === this.#nodes)
      this.#detachments.nodeSeen(object.metadata.name!, this.#nodes.get(object.metadata.name!));
  }

  /** Objects of a kind have gone, or begun to, that nobody has named. */
  async emptied(client: Client, resource: Resource): Promise<void> {
    await this.#mirrors.get(resource.plural)?.catchUp(client);
  }

  /** A call that has reached a driver. */
  called(method: string, request: Record<string, unknown>): void {
    const rpc = method.slice(method.lastIndexOf('/') + 1);
    const volumeId = String(request.volumeId ?? '');
    if (rpc === 'CreateVolume') this.#unsaved.add(String(request.name));
    const known = {
      where: this.#options.where,
      shared: this.#shared.has(volumeId),
      volume: () => [...this.#volumes.values()].find(({ spec }) => spec?.csi?.volumeHandle === volumeId),
      mayForce: (node: string) => this.#detachments.mayForce(volumeId, node),
      askedLate: (node: string) => this.#askedLate.has(`${volumeId}@${node}`),
    };
    const call = {
      rpc,
      volumeId,
      node: String(request.nodeId ?? ''),
      staging: String(request.stagingTargetPath ?? ''),
      accessType: (request.volumeCapability as csi.VolumeCapability | undefined)?.accessType.case,
    };
    const [broken] = [
      ...callViolations(call, known),
      ...this.#copies.called(rpc, request),
      ...this.#groups.called(rpc, request),
    ];
    if (broken) this.#options.violated(broken);
  }

  /** A node as the API server has it now. */
  node(name: string): Stored<Node> | undefined {
    return this.#nodes.get(name);
  }

  /** A FlexVolume driver was told to attach or detach. Nobody wrote that down before. */
  ranFlexDriver(
    rpc: string,
    { volumeId, nodeId }: { volumeId: string; nodeId: string },
    late: boolean,
  ): void {
    const known = {
      where: this.#options.where,
      shared: false,
      volume: () => this.#volumes.get(volumeId),
      mayForce: (node: string) => this.#detachments.isOrWasIll(node),
      askedLate: () => late,
    };
    const [broken] = callViolations({ rpc, volumeId, node: nodeId, staging: '' }, known);
    if (broken) this.#options.violated(broken);
  }

  /** A call to a machine that takes effect now. */
  touched(call: string, args: readonly unknown[]): void {
    if (call === 'files.clone') {
      const broken = this.#copies.copied(String(args[0]), String(args[1]));
      if (broken) this.#options.violated(broken);
    }
    if (call === 'mounts.mount') this.#checkMount(args[0] as MountRequest);
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
    this.#checkOnePod(container);
  }

  exits(container: SimContainer): void {
    this.#options.data.exits(container);
  }

  scrubbed(container: SimContainer): void {
    this.#options.data.scrubbed(container);
  }

  #checkMount({ source, target, fsType }: MountRequest): void {
    if (fsType !== NETWORK_FS || this.#shared.has(source)) return;
    const root = target.slice(0, target.indexOf('/plugins/'));
    const elsewhere = this.#options.where.mountsOf(source).find((path) => !path.startsWith(`${root}/`));
    if (elsewhere !== undefined)
      this.#violate('one node at a time', `${source} is to be at ${target}, and is mounted at ${elsewhere}`);
  }

  /** ReadWriteOncePod is the scheduler's to keep: an old one's last binding may arrive after a new one has begun. */
  #checkOnePod({ podName, podUid, mounts }: SimContainer): void {
    if (this.#options.nowMs() - this.#options.newSchedulerAtMs() < LAG_MS) return;
    for (const { node } of mounts)
      for (const other of this.#options.running()) {
        if (other.podUid === podUid || !other.mounts.some((mount) => mount.node === node)) continue;
        const volume = [...this.#volumes.values()].find(({ metadata }) =>
          other.mounts.some((mount) => mount.node === node && mount.hostPath.includes(`/${metadata.name}/`)),
        );
        // One that was deleted by force may run on where nobody can reach it.
        const stays = this.#pods.get(other.podName)?.metadata.uid === other.podUid;
        if (stays && volume?.spec?.accessModes?.includes('ReadWriteOncePod'))
          this.#violate(
            'one pod a volume',
            `${volume.metadata.name} is used by ${other.podName} and ${podName}`,
          );
      }
  }

  /** A namespace goes with the last of its own finalizers: nothing gets into it since its deletion began. */
  #checkNamespace({ metadata, spec }: Namespace): void {
    if (!metadata?.deletionTimestamp || spec?.finalizers?.length) return;
    for (const mirror of [this.#claims, this.#pods] as readonly Mirror<KubeObject>[])
      for (const { metadata: left } of mirror.values())
        if (left.namespace === metadata.name)
          this.#violate('a namespace goes empty', `${metadata.name} goes, and ${left.name} is in it`);
  }

  /** Who has come to have it a moment ago may not have been heard of. */
  #checkAttributesClass(verb: string, { metadata }: KubeObject): void {
    const isGone =
      !metadata?.finalizers?.length && (verb === 'delete' || metadata?.deletionTimestamp !== undefined);
    if (!isGone) return;
    for (const { metadata: volume, spec } of this.#volumes.values())
      if (spec?.volumeAttributesClassName === metadata?.name && this.#hasHadAttributes(volume.name))
        this.#violate(
          'a class of attributes in use stays',
          `${metadata?.name} goes, and ${volume.name} has it`,
        );
  }

  #hasHadAttributes(volume: string): boolean {
    return this.#options.nowMs() - (this.#attributes.get(volume)?.sinceMs ?? 0) > LAG_MS;
  }

  #remember(volume: Stored<PersistentVolume>): void {
    const { metadata, spec } = volume;
    const attributes = spec?.volumeAttributesClassName;
    if (this.#attributes.get(metadata.name)?.name !== attributes)
      this.#attributes.set(metadata.name, { name: attributes, sinceMs: this.#options.nowMs() });
    const handle = spec?.flexVolume ? metadata.name : spec?.csi?.volumeHandle;
    if (handle === undefined) return;
    const broken = this.#copies.volumeSeen(volume);
    if (broken) this.#options.violated(broken);
    this.#handles.set(metadata.name, handle);
    if (!spec?.accessModes?.every((mode) => ONE_NODE.includes(mode))) this.#shared.add(handle);
    this.#unsaved.delete(handle);
    this.#lost.delete(handle);
    if (spec?.persistentVolumeReclaimPolicy === 'Retain') this.#retained.add(handle);
    else this.#retained.delete(handle);
  }

  /**
   * As upstream, an attach or detach that failed leaves the volume uncertain, and another node may be tried meanwhile:
   * the driver has to refuse. But never while a node has it mounted, unless whoever tries leads no more: that one does not
   * know what the next has attached where.
   */
  #checkAttachment({ metadata, spec }: Stored<VolumeAttachment>, late: boolean): void {
    const volume = spec.source.persistentVolumeName ?? '';
    const handle = this.#handles.get(volume) ?? '';
    if (metadata.deletionTimestamp) {
      this.#detachments.asked(metadata.uid, handle, spec.nodeName);
      return;
    }
    if (this.#seen.has(metadata.uid)) return;
    this.#seen.add(metadata.uid);
    this.#detachments.wanted(handle, spec.nodeName);
    if (late) this.#askedLate.add(`${handle}@${spec.nodeName}`);
    else this.#askedLate.delete(`${handle}@${spec.nodeName}`);
    if (late || this.#shared.has(handle)) return;
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

  #violate(rule: string, detail: string): void {
    this.#options.violated({ rule, detail });
  }
}
