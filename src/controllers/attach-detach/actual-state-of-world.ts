import type { AttachedVolume } from '../../kube/index.ts';
import type { UniqueVolumeName, VolumeSpec } from '../../volume/index.ts';
import type { VolumeListener } from './desired-state-of-world.ts';

/** `uncertain`: an attach or a detach failed, or was found under way at the start; the volume may be there or not. */
export type AttachState = 'attached' | 'uncertain' | 'detached';

/** A volume that is, or may be, attached to a node. */
export interface AttachedTo {
  readonly volumeName: UniqueVolumeName;
  readonly nodeName: string;
  /** Unknown for a volume found in a node's status that neither a pod nor a VolumeAttachment explains. */
  readonly spec: VolumeSpec | undefined;
  readonly devicePath: string;
  readonly mountedByNode: boolean;
}

interface Attachment {
  confirmed: boolean;
  devicePath: string;
  /** Monotonic milliseconds when the detach was first wanted. */
  detachRequestedAt: number | undefined;
}

/**
 * Which volumes are attached to which nodes, as far as the controller knows; which of them the nodes use; and which
 * should be written to node.status.volumesAttached (attachdetach/cache).
 */
export class ActualStateOfWorld {
  readonly #volumes = new Map<
    UniqueVolumeName,
    { spec: VolumeSpec | undefined; nodes: Map<string, Attachment> }
  >();
  readonly #inUse = new Map<string, Set<UniqueVolumeName>>();
  /** Per node what to report. A volume leaves this list before its detach begins. */
  readonly #reports = new Map<string, { stale: boolean; volumes: Set<UniqueVolumeName> }>();
  readonly #changed: VolumeListener;

  constructor(changed: VolumeListener = () => undefined) {
    this.#changed = changed;
  }

  markAttached(
    volumeName: UniqueVolumeName,
    spec: VolumeSpec | undefined,
    nodeName: string,
    devicePath: string,
  ): void {
    this.#mark(volumeName, spec, nodeName, devicePath, true);
    this.report(volumeName, nodeName);
  }

  /** Not reported to the node as attached until an attach has succeeded. */
  markUncertain(volumeName: UniqueVolumeName, spec: VolumeSpec | undefined, nodeName: string): void {
    this.#mark(volumeName, spec, nodeName, '', false);
  }

  markDetached(volumeName: UniqueVolumeName, nodeName: string): void {
    const volume = this.#volumes.get(volumeName);
    if (!volume?.nodes.delete(nodeName)) return;
    if (volume.nodes.size === 0) this.#volumes.delete(volumeName);
    this.unreport(volumeName, nodeName);
    this.#changed(volumeName);
  }

  /** The node now attaches for itself: nothing of it is our business. */
  releaseNode(nodeName: string): void {
    for (const { volumeName } of this.attachedVolumes().filter(
      (attached) => attached.nodeName === nodeName,
    )) {
      this.markDetached(volumeName, nodeName);
    }
    this.#inUse.delete(nodeName);
    this.#reports.delete(nodeName);
  }

  /** What the node reports in status.volumesInUse. */
  setVolumesInUse(nodeName: string, volumeNames: readonly UniqueVolumeName[]): void {
    const before = this.#inUse.get(nodeName);
    const now = new Set(volumeNames);
    this.#inUse.set(nodeName, now);
    for (const name of before ?? []) if (!now.has(name)) this.#changed(name);
  }

  state(volumeName: UniqueVolumeName, nodeName: string): AttachState {
    const attachment = this.#volumes.get(volumeName)?.nodes.get(nodeName);
    if (!attachment) return 'detached';
    return attachment.confirmed ? 'attached' : 'uncertain';
  }

  /** Milliseconds since the detach was first wanted; the first call starts the count. */
  requestDetach(volumeName: UniqueVolumeName, nodeName: string, nowMs: number): number {
    const attachment = this.#volumes.get(volumeName)?.nodes.get(nodeName);
    if (!attachment) return 0;
    attachment.detachRequestedAt ??= nowMs;
    return nowMs - attachment.detachRequestedAt;
  }

  resetDetachRequest(volumeName: UniqueVolumeName, nodeName: string): void {
    const attachment = this.#volumes.get(volumeName)?.nodes.get(nodeName);
    if (attachment) attachment.detachRequestedAt = undefined;
  }

  /** Fills in what a volume is, once known. */
  setSpec(volumeName: UniqueVolumeName, spec: VolumeSpec): void {
    const volume = this.#volumes.get(volumeName);
    if (volume) volume.spec ??= spec;
  }

  nodesOf(volumeName: UniqueVolumeName): AttachedTo[] {
    const volume = this.#volumes.get(volumeName);
    if (!volume) return [];
    return [...volume.nodes].map(([nodeName, { devicePath }]) => ({
      volumeName,
      nodeName,
      spec: volume.spec,
      devicePath,
      mountedByNode: this.#inUse.get(nodeName)?.has(volumeName) ?? false,
    }));
  }

  /** The nodes to which the volume is attached for certain. */
  confirmedNodesOf(volumeName: UniqueVolumeName): string[] {
    const nodes = this.#volumes.get(volumeName)?.nodes ?? [];
    return [...nodes].filter(([, { confirmed }]) => confirmed).map(([nodeName]) => nodeName);
  }

  volumeNames(): UniqueVolumeName[] {
    return [...this.#volumes.keys()];
  }

  attachedVolumes(): AttachedTo[] {
    return this.volumeNames().flatMap((name) => this.nodesOf(name));
  }

  /** Puts a volume that is attached, or thought so, on its node's list. */
  report(volumeName: UniqueVolumeName, nodeName: string): void {
    if (!this.#volumes.get(volumeName)?.nodes.has(nodeName)) return;
    let report = this.#reports.get(nodeName);
    if (!report) {
      report = { stale: true, volumes: new Set() };
      this.#reports.set(nodeName, report);
    }
    if (report.volumes.has(volumeName)) return;
    report.volumes.add(volumeName);
    report.stale = true;
    this.#changed(volumeName);
  }

  /** Takes a volume off its node's list. */
  unreport(volumeName: UniqueVolumeName, nodeName: string): void {
    const report = this.#reports.get(nodeName);
    if (report?.volumes.delete(volumeName)) report.stale = true;
  }

  /** The node's status no longer says what it should, or a write of it failed. */
  setReportStale(nodeName: string): void {
    const report = this.#reports.get(nodeName);
    if (report) report.stale = true;
  }

  staleReports(): string[] {
    return [...this.#reports].filter(([, { stale }]) => stale).map(([nodeName]) => nodeName);
  }

  /** What to write to the node's status; undefined when nothing has changed since the last call. */
  takeReport(nodeName: string): AttachedVolume[] | undefined {
    const report = this.#reports.get(nodeName);
    if (!report?.stale) return undefined;
    report.stale = false;
    return [...report.volumes].sort().map((name) => ({
      name,
      devicePath: this.#volumes.get(name)?.nodes.get(nodeName)?.devicePath ?? '',
    }));
  }

  /** Whether the node's status lists other volumes than it should. */
  reportDiffers(nodeName: string, written: readonly AttachedVolume[]): boolean {
    const report = this.#reports.get(nodeName);
    if (!report) return false;
    return (
      written.length !== report.volumes.size || written.some((volume) => !report.volumes.has(volume.name))
    );
  }

  #mark(
    volumeName: UniqueVolumeName,
    spec: VolumeSpec | undefined,
    nodeName: string,
    devicePath: string,
    confirmed: boolean,
  ): void {
    let volume = this.#volumes.get(volumeName);
    if (!volume) {
      volume = { spec, nodes: new Map() };
      this.#volumes.set(volumeName, volume);
    } else if (spec) volume.spec = spec;
    const attachment = volume.nodes.get(nodeName);
    // No news, and no reason to look again at once: an attach and a detach that fail in turn would never rest.
    const isAsUncertain = attachment?.confirmed === false && !confirmed;
    if (attachment) {
      attachment.confirmed = confirmed;
      attachment.devicePath = devicePath;
    } else {
      volume.nodes.set(nodeName, { confirmed, devicePath, detachRequestedAt: undefined });
      // In use until the node says otherwise: it may begin to mount before its report arrives here. A volume that was
      // never reported to it as attached it does not mount.
      if (confirmed) {
        const inUse = this.#inUse.get(nodeName);
        if (inUse) inUse.add(volumeName);
        else this.#inUse.set(nodeName, new Set([volumeName]));
      }
    }
    if (!isAsUncertain) this.#changed(volumeName);
  }
}
