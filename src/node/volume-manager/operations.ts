import { type Clock, errorMessage, type Logger, type Trace } from '../../base/index.ts';
import type { Client, EventRecorder } from '../../client/index.ts';
import type { Host } from '../../host/index.ts';
import { type Node, nodes, type Stored } from '../../kube/index.ts';
import {
  claimOf,
  type OperationKey,
  type PendingOperations,
  type VolumePlugin,
  type VolumeSpec,
} from '../../volume/index.ts';
import type { ActualStateOfWorld, AttachedVolume, PodMount } from './actual-state-of-world.ts';
import { blockForm } from './block-form.ts';
import type { VolumeToMount } from './desired-state-of-world.ts';
import { filesystemForm } from './filesystem-form.ts';
import { failure } from './operation-failure.ts';
import type { FoundVolume } from './reconstruct.ts';
import { attachHere, detachHere } from './self-attach.ts';
import { UnmountSpans } from './unmount-spans.ts';
import { VolumeExpander } from './volume-expander.ts';
import type { VolumeForm } from './volume-form.ts';
import type { VolumeMetrics } from './volume-metrics.ts';
import { globalPathOf, isBlock, podPathOf } from './volume-places.ts';

export interface OperationsOptions {
  readonly client: Client;
  readonly host: Host;
  readonly nodeName: string;
  readonly nodeRoot: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly recorder: EventRecorder;
  readonly trace: Trace;
  readonly metrics: VolumeMetrics;
  readonly actual: ActualStateOfWorld;
  readonly pending: PendingOperations;
  /** This node, as cached. */
  node(): Stored<Node> | undefined;
  /** The claim (`namespace/name`) of a volume that was rebuilt from disk and does not know it. */
  claimByVolume(spec: VolumeSpec): string | undefined;
}

/** What an operation on a volume is called; also the name under which it backs off. */
const EXPAND = 'volume_fs_resize';
const VERIFY = 'verify_controller_attached_volume';
const ATTACH = 'volume_attach';
const DETACH = 'volume_detach';

/**
 * Starts operations on volumes in the background, one at a time for each, and notes their outcome in the actual state
 * of the world. Upstream: operationexecutor.OperationGenerator.
 */
export class Operations {
  readonly #options: OperationsOptions;
  readonly #unmounts: UnmountSpans;
  readonly #expander: VolumeExpander;
  readonly #filesystem: VolumeForm;
  readonly #block: VolumeForm;

  constructor(options: OperationsOptions) {
    this.#options = options;
    this.#unmounts = new UnmountSpans(options.trace, options.nodeName);
    this.#expander = new VolumeExpander(options);
    this.#filesystem = filesystemForm({ ...options, expander: this.#expander });
    this.#block = blockForm({ ...options, expander: this.#expander });
  }

  isPending(key: OperationKey): boolean {
    return this.#options.pending.isPending(key);
  }

  /** Asks the server whether the volume was attached to this node, and notes it. */
  verifyAttached(volume: VolumeToMount, signal: AbortSignal): void {
    this.#start({ volume: volume.volumeName }, VERIFY, volume, async () => {
      const { client, nodeName, actual } = this.#options;
      const node = await client.get(nodes, { name: nodeName }, { signal });
      const attached = node.status?.volumesAttached?.find((each) => each.name === volume.volumeName);
      if (!attached) throw failure('Volume not attached according to node status', volume.spec, undefined);
      actual.markAttached(volume.volumeName, volume.plugin, volume.spec, attached.devicePath, 'yes');
    });
  }

  /** Attaches the volume to this node, which does so for itself. */
  attach(volume: VolumeToMount, signal: AbortSignal): void {
    this.#start({ volume: volume.volumeName }, ATTACH, volume, () =>
      attachHere(this.#options, volume, signal),
    );
  }

  detach(volume: AttachedVolume, signal: AbortSignal): void {
    this.#start({ volume: volume.volumeName }, DETACH, volume, () =>
      detachHere(this.#options, volume, signal),
    );
  }

  mount(volume: VolumeToMount, isRemount: boolean, signal: AbortSignal): void {
    const { volumeName, spec, plugin, pod, attachable, deviceMountable, requestedAtMs } = volume;
    const shared = attachable || deviceMountable;
    const key = shared ? { volume: volumeName } : { volume: volumeName, pod: pod.metadata.uid };
    const form = this.#formOf(spec);
    this.#start(key, form.names.setUp, volume, async () => {
      const claim = claimOf(spec);
      const span = claim && !isRemount ? this.#beginMount(claim, volume) : undefined;
      const { actual } = this.#options;
      if (isRemount) actual.remountBegins(volumeName, pod.metadata.uid);
      try {
        await form.setUp(volume, isRemount, signal);
        if (form === this.#filesystem) this.#options.metrics.mounted(plugin, spec, requestedAtMs);
        span?.ok();
      } catch (error) {
        span?.fail(errorMessage(error));
        if (isRemount) actual.remountFailed(volumeName, pod.metadata.uid);
        if (!signal.aborted)
          this.#options.recorder.event(pod, 'Warning', form.failureReason, errorMessage(error));
        throw error;
      }
    });
  }

  /** Grows a volume that is mounted for the pod. */
  expand(volume: VolumeToMount, signal: AbortSignal): void {
    const { volumeName, spec, pod } = volume;
    this.#start({ volume: volumeName }, EXPAND, volume, async () => {
      try {
        await this.#expander.inUse(volume, this.#formOf(spec).mountedAt(volume), signal);
      } catch (error) {
        const told = failure('NodeExpandVolume.NodeExpandVolume failed', spec, error);
        if (!signal.aborted) this.#options.recorder.event(pod, 'Warning', 'VolumeResizeFailed', told.message);
        throw told;
      }
    });
  }

  unmount(mount: PodMount, signal: AbortSignal): void {
    const { volumeName, podUid, spec } = mount;
    const form = this.#formOf(spec);
    this.#start({ volume: volumeName, pod: podUid }, form.names.tearDown, mount, async () => {
      const volume = this.#options.actual.get(volumeName);
      const claim = claimOf(spec) ?? this.#options.claimByVolume(spec);
      this.#unmounts.begin(mount, claim, volume?.deviceMountPath);
      try {
        await form.tearDown(mount, signal);
      } catch (error) {
        this.#unmounts.fail(volumeName, errorMessage(error));
        throw error;
      }
      if (volume?.deviceState === 'not-mounted' || (volume && volume.pods.size > 0))
        this.#unmounts.ok(volumeName);
    });
  }

  unmountDevice(volume: AttachedVolume, signal: AbortSignal): void {
    const { volumeName, spec } = volume;
    const form = this.#formOf(spec);
    this.#start({ volume: volumeName }, form.names.tearDownDevice, volume, async () => {
      try {
        await form.tearDownDevice(volume, signal);
      } catch (error) {
        this.#unmounts.fail(volumeName, errorMessage(error));
        throw error;
      }
      this.#unmounts.ok(volumeName);
    });
  }

  /** Undoes what was found on disk but could not be understood well enough to keep account of. */
  cleanUp(
    { specName, podUid, mode }: FoundVolume,
    plugin: VolumePlugin,
    signal: AbortSignal,
    done: () => void,
  ): void {
    const spec: VolumeSpec = { name: specName, readOnly: false };
    const form = mode === 'Block' ? this.#block : this.#filesystem;
    const key = { volume: `${plugin.name}/${podUid}-${specName}` };
    this.#start(key, form.names.tearDown, { plugin, spec }, async () => {
      const { metrics } = this.#options;
      await form.undo(plugin, specName, podUid, signal).catch((error) => {
        metrics.forceCleaned(true);
        throw error;
      });
      metrics.forceCleaned(false);
      done();
    });
  }

  #formOf(spec: VolumeSpec): VolumeForm {
    return isBlock(spec) ? this.#block : this.#filesystem;
  }

  #beginMount(claim: string, { pod, spec, plugin, deviceMountable }: VolumeToMount) {
    return this.#options.trace.begin('volume-manager', 'mount', claim, {
      pod: `${pod.metadata.namespace}/${pod.metadata.name}`,
      node: this.#options.nodeName,
      volume: spec.name,
      globalPath: deviceMountable ? globalPathOf(plugin, spec) : '',
      podPath: podPathOf(plugin, spec, pod.metadata.uid),
    });
  }

  #start(
    key: OperationKey,
    name: string,
    { plugin, spec }: Pick<VolumeToMount, 'plugin' | 'spec'>,
    work: () => Promise<void>,
  ): void {
    const { log, pending, metrics } = this.#options;
    pending.run(key, name, async () => {
      log.debug(`${name} started`, { volume: spec.name, pod: key.pod });
      await metrics.timed(plugin, spec, name, work);
      log.debug(`${name} succeeded`, { volume: spec.name, pod: key.pod });
    });
  }
}
