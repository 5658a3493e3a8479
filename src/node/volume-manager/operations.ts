import { type Clock, errorMessage, type Logger, type Trace } from '../../base/index.ts';
import type { Client, EventRecorder } from '../../client/index.ts';
import type { Host } from '../../host/index.ts';
import { type Node, nodes, type Stored } from '../../kube/index.ts';
import {
  claimOf,
  isAttachable,
  type MountContext,
  type OperationKey,
  type PendingOperations,
  type VolumeSpec,
} from '../../volume/index.ts';
import { MountError, mountReferences } from '../../volume/mount/index.ts';
import type { ActualStateOfWorld, AttachedVolume, PodMount } from './actual-state-of-world.ts';
import type { VolumeToMount } from './desired-state-of-world.ts';
import { afterDeviceFailure, afterMountFailure, mountForbidden } from './mount-rules.ts';
import { UnmountSpans } from './unmount-spans.ts';
import { type MountedAt, VolumeExpander } from './volume-expander.ts';

export interface OperationsOptions {
  readonly client: Client;
  readonly host: Host;
  readonly nodeName: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly recorder: EventRecorder;
  readonly trace: Trace;
  readonly actual: ActualStateOfWorld;
  readonly pending: PendingOperations;
  /** This node, as cached. */
  node(): Stored<Node> | undefined;
  /** The claim (`namespace/name`) of a volume that was rebuilt from disk and does not know it. */
  claimByVolume(spec: VolumeSpec): string | undefined;
}

/** What an operation on a volume is called; also the name under which it backs off. */
const MOUNT = 'volume_mount';
const UNMOUNT = 'volume_unmount';
const UNMOUNT_DEVICE = 'unmount_device';
const EXPAND = 'volume_fs_resize';
const VERIFY = 'verify_controller_attached_volume';

/**
 * Starts operations on volumes in the background, one at a time for each, and notes their outcome in the actual state
 * of the world. Upstream: operationexecutor.OperationGenerator.
 */
export class Operations {
  readonly #options: OperationsOptions;
  readonly #unmounts: UnmountSpans;
  readonly #expander: VolumeExpander;

  constructor(options: OperationsOptions) {
    this.#options = options;
    this.#unmounts = new UnmountSpans(options.trace, options.nodeName);
    this.#expander = new VolumeExpander(options);
  }

  isPending(key: OperationKey): boolean {
    return this.#options.pending.isPending(key);
  }

  /** Asks the server whether the volume was attached to this node, and notes it. */
  verifyAttached(volume: VolumeToMount, signal: AbortSignal): void {
    this.#start({ volume: volume.volumeName }, VERIFY, volume.spec, async () => {
      const { client, nodeName, actual } = this.#options;
      const node = await client.get(nodes, { name: nodeName }, { signal });
      const attached = node.status?.volumesAttached?.find((each) => each.name === volume.volumeName);
      if (!attached) throw failure('Volume not attached according to node status', volume.spec, undefined);
      actual.markAttached(volume.volumeName, volume.plugin, volume.spec, attached.devicePath, 'yes');
    });
  }

  mount(volume: VolumeToMount, isRemount: boolean, signal: AbortSignal): void {
    const { volumeName, spec, pod, attachable, deviceMountable } = volume;
    const shared = attachable || deviceMountable;
    const key = shared ? { volume: volumeName } : { volume: volumeName, pod: pod.metadata.uid };
    this.#start(key, MOUNT, spec, async () => {
      const claim = claimOf(spec);
      const span = claim && !isRemount ? this.#beginMount(claim, volume) : undefined;
      try {
        await this.#mount(volume, isRemount, signal);
        span?.ok();
      } catch (error) {
        span?.fail(errorMessage(error));
        if (!signal.aborted) this.#options.recorder.event(pod, 'Warning', 'FailedMount', errorMessage(error));
        throw error;
      }
    });
  }

  /** Grows a volume that is mounted for the pod. */
  expand(volume: VolumeToMount, signal: AbortSignal): void {
    const { volumeName, spec, pod } = volume;
    this.#start({ volume: volumeName }, EXPAND, spec, async () => {
      const { actual, recorder } = this.#options;
      try {
        await this.#expander.inUse(volume, mountedAt(volume, actual.get(volumeName)?.devicePath), signal);
      } catch (error) {
        const told = failure('NodeExpandVolume.NodeExpandVolume failed', spec, error);
        if (!signal.aborted) recorder.event(pod, 'Warning', 'VolumeResizeFailed', told.message);
        throw told;
      }
    });
  }

  unmount(mount: PodMount, signal: AbortSignal): void {
    const { volumeName, podUid, spec, plugin } = mount;
    this.#start({ volume: volumeName, pod: podUid }, UNMOUNT, spec, async () => {
      const { actual } = this.#options;
      const volume = actual.get(volumeName);
      this.#unmounts.begin(
        mount,
        claimOf(spec) ?? this.#options.claimByVolume(spec),
        volume?.deviceMountPath,
      );
      try {
        await plugin.mounter.tearDown(spec.name, podUid, signal);
      } catch (error) {
        // It may be half undone: a pod that comes back must set it up again.
        actual.markMountUncertain(volumeName, podUid, spec);
        this.#unmounts.fail(volumeName, errorMessage(error));
        throw failure('UnmountVolume.TearDown failed', spec, error);
      }
      actual.markUnmounted(volumeName, podUid);
      if (volume?.deviceState === 'not-mounted' || (volume && volume.pods.size > 0))
        this.#unmounts.ok(volumeName);
    });
  }

  unmountDevice(volume: AttachedVolume, signal: AbortSignal): void {
    const { volumeName, spec, plugin } = volume;
    this.#start({ volume: volumeName }, UNMOUNT_DEVICE, spec, async () => {
      const { actual, host } = this.#options;
      const path = plugin.deviceMounter!.deviceMountPath(spec) || volume.deviceMountPath;
      const others = await mountReferences(host, path);
      if (others.length > 0) {
        const why = `the device mount path ${JSON.stringify(path)} is still mounted by other references [${others.join(' ')}]`;
        throw failure('GetDeviceMountRefs check failed', spec, why);
      }
      try {
        await plugin.deviceMounter!.unmountDevice(path, signal);
      } catch (error) {
        actual.markDeviceUncertain(volumeName, path);
        this.#unmounts.fail(volumeName, errorMessage(error));
        throw failure('UnmountDevice failed', spec, error);
      }
      actual.markDeviceUnmounted(volumeName);
      this.#unmounts.ok(volumeName);
    });
  }

  /** Undoes what was found on disk but could not be understood well enough to keep account of. */
  cleanUp(
    plugin: PodMount['plugin'],
    specName: string,
    podUid: string,
    signal: AbortSignal,
    done: () => void,
  ): void {
    const spec: VolumeSpec = { name: specName, readOnly: false };
    this.#start({ volume: `${plugin.name}/${podUid}-${specName}` }, UNMOUNT, spec, async () => {
      await plugin.mounter.tearDown(specName, podUid, signal);
      done();
    });
  }

  async #mount(volume: VolumeToMount, isRemount: boolean, signal: AbortSignal): Promise<void> {
    const { actual, nodeName, recorder } = this.#options;
    const { volumeName, spec, plugin, pod } = volume;
    const podUid = pod.metadata.uid;
    const forbidden = mountForbidden(
      spec,
      this.#options.node(),
      actual.isMountedElsewhere(volumeName, podUid),
    );
    if (forbidden) throw failure(forbidden.step, spec, forbidden.why);
    await plugin.mounter.check?.(spec).catch((error) => {
      throw failure('MountVolume.NewMounter initialization failed', spec, error);
    });
    const security = pod.spec?.securityContext;
    const context: MountContext = {
      pod,
      fsGroup: security?.fsGroup,
      fsGroupChangePolicy: security?.fsGroupChangePolicy === 'OnRootMismatch' ? 'OnRootMismatch' : 'Always',
      isRemount,
      isReconstructed: actual.podMount(podUid, volumeName)?.reconstructed ?? false,
      signal,
    };
    const tellMismatch = (error: unknown) => {
      if (error instanceof MountError && error.kind === 'FilesystemMismatch')
        recorder.event(pod, 'Warning', 'FailedMountOnFilesystemMismatch', error.message);
    };

    let devicePath = actual.get(volumeName)?.devicePath ?? '';
    if (isAttachable(plugin, spec)) {
      const attached = plugin.attacher!.waitForAttach(spec, nodeName, devicePath, signal, pod);
      devicePath = await attached.catch((error) => {
        throw failure('MountVolume.WaitForAttach failed', spec, error);
      });
    }
    if (volume.deviceMountable && actual.get(volumeName)?.deviceState !== 'mounted') {
      const path = plugin.deviceMounter!.deviceMountPath(spec);
      try {
        await plugin.deviceMounter!.mountDevice(spec, devicePath, path, context);
      } catch (error) {
        tellMismatch(error);
        afterDeviceFailure(actual, volumeName, path, error);
        throw failure('MountVolume.MountDevice failed', spec, error);
      }
      actual.markDeviceMounted(volumeName, devicePath, path);
    }
    try {
      await plugin.mounter.setUp(spec, context);
    } catch (error) {
      tellMismatch(error);
      afterMountFailure(actual, volumeName, podUid, spec, error);
      throw failure('MountVolume.SetUp failed', spec, error);
    }
    try {
      await this.#expander.afterMount(volume, mountedAt(volume, devicePath), signal);
    } catch (error) {
      // It is mounted, but must not be used with its old size.
      actual.markMountUncertain(volumeName, podUid, spec);
      throw failure('MountVolume.Setup failed while expanding volume', spec, error);
    }
    actual.markMounted(volumeName, podUid, spec);
  }

  #beginMount(claim: string, volume: VolumeToMount) {
    const { pod, plugin, spec } = volume;
    return this.#options.trace.begin('volume-manager', 'mount', claim, {
      pod: `${pod.metadata.namespace}/${pod.metadata.name}`,
      node: this.#options.nodeName,
      volume: spec.name,
      globalPath: volume.deviceMountable ? plugin.deviceMounter!.deviceMountPath(spec) : '',
      podPath: plugin.mounter.podPath(spec, pod.metadata.uid),
    });
  }

  #start(key: OperationKey, name: string, spec: VolumeSpec, work: () => Promise<void>): void {
    const { log, pending } = this.#options;
    pending.run(key, name, async () => {
      log.debug(`${name} started`, { volume: spec.name, pod: key.pod });
      await work();
      log.debug(`${name} succeeded`, { volume: spec.name, pod: key.pod });
    });
  }
}

function mountedAt({ plugin, spec, pod, deviceMountable }: VolumeToMount, devicePath = ''): MountedAt {
  return {
    devicePath,
    mountPath: plugin.mounter.podPath(spec, pod.metadata.uid),
    deviceMountPath: deviceMountable ? plugin.deviceMounter!.deviceMountPath(spec) : '',
  };
}

/** `MountVolume.SetUp failed for volume "pvc-…" : why`, as upstream's GenerateError words it. */
function failure(step: string, spec: VolumeSpec, cause: unknown): Error {
  const why = cause === undefined ? '' : `: ${errorMessage(cause)}`;
  return new Error(`${step} for volume ${JSON.stringify(spec.name)} ${why}`, { cause });
}
