import { join } from 'node:path';
import { sleep } from '../../base/index.ts';
import { type CsiClient, csi } from '../../csi/index.ts';
import { Expectations } from './expectations.ts';
import type { Claims } from './needs.ts';
import type { VerifyOptions } from './options.ts';
import { Blocked, type CallSeen } from './violation.ts';

type CreateVolumeInit = Exclude<
  NonNullable<Parameters<CsiClient['controller']['createVolume']>[0]>,
  csi.CreateVolumeRequest
>;
type Mode = csi.VolumeCapability_AccessMode_Mode;

/** What is the same in every check of a run. */
export interface SceneOptions {
  readonly csi: CsiClient;
  readonly claims: Claims;
  readonly options: VerifyOptions & { readonly sizeBytes: bigint };
  /** Tells this scene's volumes from all others, of other runs too. */
  readonly prefix: string;
  /** The calls made so far, oldest first. */
  readonly calls: readonly CallSeen[];
}

/** A volume on its way to a pod. */
export interface Placed {
  readonly volume: csi.Volume;
  readonly publishContext: Readonly<Record<string, string>>;
  /** Empty if the driver does not stage. */
  readonly stagingTargetPath: string;
}

/** How long a snapshot may take until it is ready. */
const READY_LIMIT_MS = 300_000;
const BETWEEN_LOOKS_MS = 500;

/** The driver as one check sees it: calls, and volumes of the check's own on their way to a pod and back. */
export class Scene extends Expectations {
  readonly csi: CsiClient;
  readonly claims: Claims;
  readonly options: SceneOptions['options'];
  readonly #scene: SceneOptions;
  #names = 0;
  #node: Promise<csi.NodeGetInfoResponse> | undefined;

  constructor(scene: SceneOptions) {
    super(scene.calls);
    this.csi = scene.csi;
    this.claims = scene.claims;
    this.options = scene.options;
    this.#scene = scene;
  }

  /** A name that nobody else uses. */
  name(): string {
    this.#names++;
    return `${this.#scene.prefix}-${this.#names}`;
  }

  /** An absolute path of this check's own; its parent exists. */
  async path(kind: 'staging' | 'target'): Promise<string> {
    const parent = join(this.options.directory, this.name());
    await this.options.host.files.makeDirectory(parent, 0o750);
    return join(parent, kind);
  }

  /** An id that no driver has given out. */
  unknownId(): string {
    return `${this.#scene.prefix}-no-such-id`;
  }

  capability(mode: Mode = csi.VolumeCapability_AccessMode_Mode.SINGLE_NODE_WRITER) {
    const accessType =
      this.options.accessType === 'block'
        ? { case: 'block' as const, value: {} }
        : { case: 'mount' as const, value: {} };
    return { accessMode: { mode }, accessType };
  }

  /** A whole CreateVolumeRequest, as a provisioner beside this node would make it. */
  async volumeRequest(init: CreateVolumeInit = {}): Promise<CreateVolumeInit> {
    const topology = this.claims.plugin.services.has('VOLUME_ACCESSIBILITY_CONSTRAINTS')
      ? (await this.nodeInfo())?.accessibleTopology
      : undefined;
    return {
      name: this.name(),
      capacityRange: { requiredBytes: this.options.sizeBytes },
      volumeCapabilities: [this.capability()],
      parameters: { ...this.options.parameters },
      ...(topology && { accessibilityRequirements: { requisite: [topology], preferred: [topology] } }),
      ...init,
    };
  }

  /** The node's answer; undefined if the socket has no node service. */
  async nodeInfo(): Promise<csi.NodeGetInfoResponse | undefined> {
    if (!this.claims.node) return undefined;
    this.#node ??= this.prepare(this.csi.node.nodeGetInfo({}));
    return this.#node;
  }

  /** A volume to try things with. */
  async volume(init: CreateVolumeInit = {}): Promise<csi.Volume> {
    const request = await this.volumeRequest(init);
    const { volume } = await this.prepare(this.csi.controller.createVolume(request));
    if (!volume?.volumeId) throw new Blocked('CreateVolume answered without a volume id');
    return volume;
  }

  snapshotRequest(sourceVolumeId: string) {
    return { sourceVolumeId, name: this.name(), parameters: { ...this.options.snapshotParameters } };
  }

  /** A snapshot that is ready to use. */
  async snapshot(sourceVolumeId: string): Promise<csi.Snapshot> {
    return this.ready(this.snapshotRequest(sourceVolumeId));
  }

  /** Asks for a snapshot until it is ready, as the specification tells callers to. */
  async ready(request: { sourceVolumeId: string; name: string }): Promise<csi.Snapshot> {
    const { clock, signal } = this.options;
    const until = clock.monotonic() + READY_LIMIT_MS;
    for (;;) {
      const { snapshot } = await this.prepare(this.csi.controller.createSnapshot(request));
      if (!snapshot?.snapshotId) throw new Blocked('CreateSnapshot answered without a snapshot id');
      if (snapshot.readyToUse) return snapshot;
      if (clock.monotonic() > until)
        throw this.violation(
          `a snapshot becomes ready to use; it has not for ${READY_LIMIT_MS / 1000} s`,
          'set ready_to_use once the snapshot can be restored',
        );
      await sleep(clock, BETWEEN_LOOKS_MS, signal);
    }
  }

  /** Publishes a volume to this node, if the driver has that step. Resolves to the publish context. */
  async attach(volume: csi.Volume, mode?: Mode): Promise<Readonly<Record<string, string>>> {
    if (!this.claims.controller?.has('PUBLISH_UNPUBLISH_VOLUME')) return {};
    const request = await this.publishRequest(volume, mode);
    return (await this.prepare(this.csi.controller.controllerPublishVolume(request))).publishContext;
  }

  async publishRequest({ volumeId, volumeContext }: csi.Volume, mode?: Mode) {
    const nodeId = (await this.nodeInfo())?.nodeId ?? '';
    return { volumeId, nodeId, volumeCapability: this.capability(mode), volumeContext };
  }

  /** Attaches a volume and stages it, as far as the driver has these steps. */
  async place(volume: csi.Volume, mode?: Mode): Promise<Placed> {
    const publishContext = await this.attach(volume, mode);
    const stages = this.claims.node?.has('STAGE_UNSTAGE_VOLUME') ?? false;
    const placed = { volume, publishContext, stagingTargetPath: stages ? await this.path('staging') : '' };
    if (stages) {
      await this.options.host.files.makeDirectory(placed.stagingTargetPath, 0o750);
      await this.prepare(this.csi.node.nodeStageVolume(this.stageRequest(placed, mode)));
    }
    return placed;
  }

  stageRequest({ volume, publishContext, stagingTargetPath }: Placed, mode?: Mode) {
    const { volumeId, volumeContext } = volume;
    const volumeCapability = this.capability(mode);
    return { volumeId, publishContext, stagingTargetPath, volumeCapability, volumeContext };
  }

  mountRequest(placed: Placed, targetPath: string, mode?: Mode) {
    return { ...this.stageRequest(placed, mode), targetPath };
  }

  /** Publishes a placed volume at a path of its own. Resolves to the path. */
  async mount(placed: Placed, mode?: Mode): Promise<string> {
    const targetPath = await this.path('target');
    await this.prepare(this.csi.node.nodePublishVolume(this.mountRequest(placed, targetPath, mode)));
    return targetPath;
  }

  /** Takes a placed volume off this node again. */
  async takeOff({ volume: { volumeId }, stagingTargetPath }: Placed, targetPath?: string): Promise<void> {
    if (targetPath !== undefined)
      await this.prepare(this.csi.node.nodeUnpublishVolume({ volumeId, targetPath }));
    if (stagingTargetPath !== '')
      await this.prepare(this.csi.node.nodeUnstageVolume({ volumeId, stagingTargetPath }));
    if (!this.claims.controller?.has('PUBLISH_UNPUBLISH_VOLUME')) return;
    const nodeId = (await this.nodeInfo())?.nodeId ?? '';
    await this.prepare(this.csi.controller.controllerUnpublishVolume({ volumeId, nodeId }));
  }
}
