import { errorMessage, type Logger } from '../../base/index.ts';
import type { Client, Informer } from '../../client/index.ts';
import {
  isNotFound,
  type Node,
  type PersistentVolume,
  type Stored,
  type VolumeAttachment,
  volumeAttachments,
} from '../../kube/index.ts';
import type { PendingOperations, PluginRegistry, UniqueVolumeName } from '../../volume/index.ts';
import type { ActualStateOfWorld, AttachedTo } from './actual-state-of-world.ts';
import { lostAttachment, volumeOfAttachment } from './attachment-check.ts';
import { nodeCondition } from './nodes.ts';
import { operationKey } from './operations.ts';
import { attachablePlugin } from './volume-spec.ts';

const VERIFY = 'verify_volumes_are_attached';
/** The index of `attachments`. */
export const BY_VOLUME_AND_NODE = 'attach-detach/volume-and-node';

export interface VolumeAttachmentsOptions {
  readonly actual: ActualStateOfWorld;
  readonly pending: PendingOperations;
  readonly plugins: PluginRegistry;
  readonly client: Client;
  readonly log: Logger;
  readonly nodes: Informer<Node>;
  readonly volumes: Informer<PersistentVolume>;
  readonly attachments: Informer<VolumeAttachment>;
  /** Has the reconciler look at a volume. */
  wake(volumeName: UniqueVolumeName): void;
}

/** Keeps the actual state true to the VolumeAttachments, whoever makes and deletes them. */
export class VolumeAttachments {
  readonly #options: VolumeAttachmentsOptions;

  constructor(options: VolumeAttachmentsOptions) {
    this.#options = options;
  }

  /**
   * VolumeAttachments that this controller did not make: a predecessor did. Upstream looks for them at its start only, and
   * never detaches what an old leader, frozen meanwhile, attaches after that.
   */
  learn(): void {
    for (const attachment of this.#options.attachments.values()) {
      const { nodeName = '' } = attachment.spec ?? {};
      if (nodeCondition(this.#options.nodes.get(nodeName)).attachesForItself) continue;
      const found = volumeOfAttachment(attachment, this.#options.volumes, this.#options.plugins);
      if (!found) continue;
      const { volumeName, spec } = found;
      if (this.#options.actual.state(volumeName, nodeName) !== 'detached')
        this.#options.actual.setSpec(volumeName, spec);
      else if (!this.#options.pending.isPending(operationKey(volumeName, spec, nodeName)))
        this.#options.actual.markUncertain(volumeName, spec, nodeName);
    }
  }

  /** What failed before has come true meanwhile: the back-off need not be sat out. */
  tryNow(attachment: VolumeAttachment): void {
    const nodeName = attachment.spec?.nodeName ?? '';
    const found = volumeOfAttachment(attachment, this.#options.volumes, this.#options.plugins);
    if (!found || this.#options.actual.state(found.volumeName, nodeName) !== 'uncertain') return;
    this.#options.pending.forget(found.volumeName);
    this.#options.wake(found.volumeName);
  }

  /** Somebody may have deleted it by hand: then the volume is attached again. */
  async deleted(attachment: Stored<VolumeAttachment>, signal: AbortSignal): Promise<void> {
    const nodeName = attachment.spec?.nodeName ?? '';
    const found = volumeOfAttachment(attachment, this.#options.volumes, this.#options.plugins);
    if (!found || !this.#isQuietlyAttached(found.volumeName, nodeName)) return;
    try {
      // The news may be old: our own detach and a new attach may have passed since.
      await this.#options.client.get(volumeAttachments, { name: attachment.metadata.name }, { signal });
    } catch (error) {
      if (isNotFound(error)) {
        if (this.#isQuietlyAttached(found.volumeName, nodeName)) this.#lost(found.volumeName, nodeName);
      } else if (!signal.aborted) {
        this.#options.log.warn(
          'a deleted VolumeAttachment could not be looked up; the next sync will see it',
          {
            attachment: attachment.metadata.name,
            error: errorMessage(error),
          },
        );
      }
    }
  }

  /** Looks whether what is attached still is, and for what others have attached. */
  verify(signal: AbortSignal): void {
    const { attachments } = this.#options;
    for (const attached of this.#options.actual.attachedVolumes()) {
      const { volumeName, nodeName } = attached;
      if (!this.#isQuietlyAttached(volumeName, nodeName)) continue;
      if (lostAttachment(attached, (key) => attachments.byIndex(BY_VOLUME_AND_NODE, key))) {
        this.#lost(volumeName, nodeName);
      } else this.#askPlugin(attached, signal);
    }
    this.learn();
  }

  /** A plugin that can tell is asked whether the volume is attached still (VolumesAreAttached). */
  #askPlugin({ volumeName, nodeName, spec }: AttachedTo, signal: AbortSignal): void {
    const attacher = spec && attachablePlugin(this.#options.plugins, spec)?.attacher;
    if (!spec || !attacher?.isAttached) return;
    this.#options.pending.run(operationKey(volumeName, spec, nodeName), VERIFY, async () => {
      if (!(await attacher.isAttached!(spec, nodeName, signal))) this.#lost(volumeName, nodeName);
    });
  }

  #lost(volumeName: string, nodeName: string): void {
    this.#options.log.warn('a volume was detached behind the controller', {
      volume: volumeName,
      node: nodeName,
    });
    this.#options.actual.markDetached(volumeName, nodeName);
  }

  /** Attached, and no operation of ours is changing that. */
  #isQuietlyAttached(volumeName: string, nodeName: string): boolean {
    const spec = this.#options.actual
      .nodesOf(volumeName)
      .find((attached) => attached.nodeName === nodeName)?.spec;
    return (
      this.#options.actual.state(volumeName, nodeName) === 'attached' &&
      !this.#options.pending.isPending(operationKey(volumeName, spec, nodeName))
    );
  }
}
