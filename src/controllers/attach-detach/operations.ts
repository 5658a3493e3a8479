import { errorMessage, type Logger, type Trace } from '../../base/index.ts';
import type { Client, EventRecorder } from '../../client/index.ts';
import { isNotFound, keyOf, nodes } from '../../kube/index.ts';
import {
  claimOf,
  type OperationKey,
  type PendingOperations,
  type PluginRegistry,
  qualifiedPluginName,
  splitUniqueVolumeName,
  type TimeOperation,
  type UniqueVolumeName,
  type VolumeSpec,
} from '../../volume/index.ts';
import type { ActualStateOfWorld, AttachedTo } from './actual-state-of-world.ts';
import type { VolumeToAttach } from './desired-state-of-world.ts';
import { volumeMessage } from './messages.ts';
import { isMultiAttachAllowed } from './multi-attach.ts';
import type { NodeStatusUpdater } from './node-status-updater.ts';
import { attachablePlugin } from './volume-spec.ts';

export const COMPONENT = 'attachdetach-controller';
const ATTACH = 'volume_attach';
export const DETACH = 'volume_detach';

/** What an operation on a volume excludes: others on the same node, or on any node when only one may have it. */
export function operationKey(
  volumeName: UniqueVolumeName,
  spec: VolumeSpec | undefined,
  nodeName: string,
): OperationKey {
  return isMultiAttachAllowed(spec) ? { volume: volumeName, node: nodeName } : { volume: volumeName };
}

export interface AttachDetachOperationsOptions {
  readonly actual: ActualStateOfWorld;
  readonly pending: PendingOperations;
  readonly plugins: PluginRegistry;
  readonly nodeStatus: NodeStatusUpdater;
  readonly client: Client;
  readonly recorder: EventRecorder;
  readonly trace: Trace;
  readonly log: Logger;
  /** @default nobody hears of it */
  readonly timed?: TimeOperation | undefined;
}

/** Attaches and detaches, one operation at a time on what excludes one another; keeps the actual state true. */
export class AttachDetachOperations {
  readonly #options: AttachDetachOperationsOptions;

  constructor(options: AttachDetachOperationsOptions) {
    this.#options = options;
  }

  /** Starts the attach unless one is under way or held back by its back-off. */
  attach(volume: VolumeToAttach, signal: AbortSignal): void {
    const key = operationKey(volume.volumeName, volume.spec, volume.nodeName);
    this.#run(key, ATTACH, volume, () => this.#attach(volume, signal));
  }

  /** Starts the detach, as `attach`. */
  detach(volume: AttachedTo, verifySafe: boolean, signal: AbortSignal): void {
    const key = operationKey(volume.volumeName, volume.spec, volume.nodeName);
    this.#run(key, DETACH, volume, () => this.#detach(volume, verifySafe, signal));
  }

  #run(
    key: OperationKey,
    operation: string,
    { volumeName, spec }: Pick<AttachedTo, 'volumeName' | 'spec'>,
    work: () => Promise<void>,
  ): void {
    const { pending, timed } = this.#options;
    pending.run(key, operation, async () => {
      if (!timed) return await work();
      // Throws for a name that somebody has written into a node's status: the operation's failure, like any other.
      const { pluginName: name } = splitUniqueVolumeName(volumeName);
      const plugin = spec ? qualifiedPluginName({ name }, spec) : name;
      await timed(plugin, spec?.isMigrated ?? false, operation, work);
    });
  }

  async #attach(volume: VolumeToAttach, signal: AbortSignal): Promise<void> {
    const { actual, recorder, trace, log, plugins } = this.#options;
    const { volumeName, nodeName, spec, pods } = volume;
    const pod = keyOf(pods[0]!);
    const span = trace.begin(COMPONENT, 'attach', claimOf(spec) ?? pod, {
      pod,
      node: nodeName,
      volume: spec.name,
    });
    try {
      const plugin = attachablePlugin(plugins, spec);
      if (!plugin) throw new Error('no volume plugin attaches it any more');
      const devicePath = await plugin.attacher.attach(spec, nodeName, signal);
      actual.markAttached(volumeName, spec, nodeName, devicePath);
    } catch (error) {
      span.fail(errorMessage(error));
      actual.markUncertain(volumeName, spec, nodeName);
      if (signal.aborted) throw error;
      const message = volumeMessage('AttachVolume.Attach failed', spec.name, `: ${errorMessage(error)}`);
      for (const user of pods) recorder.event(user, 'Warning', 'FailedAttachVolume', message);
      log.warn(message, { node: nodeName });
      throw error;
    }
    span.ok();
    const message = volumeMessage('AttachVolume.Attach succeeded', spec.name, '');
    for (const user of pods) recorder.event(user, 'Normal', 'SuccessfulAttachVolume', message);
    log.info('volume attached', { volume: volumeName, node: nodeName });
  }

  async #detach(volume: AttachedTo, verifySafe: boolean, signal: AbortSignal): Promise<void> {
    const { actual, nodeStatus, trace, log } = this.#options;
    const { volumeName, nodeName, spec } = volume;
    // The node must hear that the volume is no longer safe to mount before it goes away.
    actual.unreport(volumeName, nodeName);
    try {
      await nodeStatus.update(nodeName);
      if (verifySafe) await this.#verifySafeToDetach(volumeName, nodeName, signal);
    } catch (error) {
      // Nothing was asked of the storage: it is attached as before. Upstream is not sure of that when the node still uses
      // the volume, and then attaches it to another node as well.
      actual.report(volumeName, nodeName);
      if (!signal.aborted) this.#warnOfDetach(volume, error);
      throw error;
    }
    const span = trace.begin(COMPONENT, 'detach', (spec && claimOf(spec)) ?? volumeName, {
      node: nodeName,
      volume: spec?.name ?? volumeName,
    });
    try {
      const { pluginName, volumeName: nameInPlugin } = splitUniqueVolumeName(volumeName);
      const attacher = this.#options.plugins.findByName(pluginName)?.attacher;
      if (!attacher)
        throw new Error(`volume plugin ${JSON.stringify(pluginName)} is not known or cannot detach`);
      await attacher.detach(nameInPlugin, nodeName, signal);
    } catch (error) {
      span.fail(errorMessage(error));
      // It may be half gone: only a successful attach makes it safe to mount again.
      actual.markUncertain(volumeName, spec, nodeName);
      if (!signal.aborted) this.#warnOfDetach(volume, error);
      throw error;
    }
    actual.markDetached(volumeName, nodeName);
    span.ok();
    log.info('volume detached', { volume: volumeName, node: nodeName });
  }

  #warnOfDetach({ volumeName, nodeName, spec }: AttachedTo, error: unknown): void {
    const why = `: ${errorMessage(error)}`;
    const message = volumeMessage('DetachVolume.Detach failed', spec?.name ?? volumeName, why);
    this.#options.log.warn(message, { node: nodeName });
  }

  /** Asks the API server itself: the cached node may be older than a mount. */
  async #verifySafeToDetach(
    volumeName: UniqueVolumeName,
    nodeName: string,
    signal: AbortSignal,
  ): Promise<void> {
    const node = await this.#options.client.get(nodes, { name: nodeName }, { signal }).catch((error) => {
      if (isNotFound(error)) return undefined;
      throw error;
    });
    if (node?.status?.volumesInUse?.includes(volumeName)) {
      throw new Error('volume is still in use by node, according to Node status');
    }
  }
}
