import { type Clock, errorMessage, rfc3339 } from '../../base/index.ts';
import type { Client, EventRecorder } from '../../client/index.ts';
import {
  compareQuantity,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
  persistentVolumeClaims,
  persistentVolumes,
  type Stored,
} from '../../kube/index.ts';
import {
  type ClaimStatusPatch,
  FailedPreconditionError,
  InfeasibleError,
  isOperationFinished,
  type NodeExpansion,
  OperationNotSupportedError,
  type VolumePlugin,
  type VolumeSpec,
} from '../../volume/index.ts';
import type { ActualStateOfWorld } from './actual-state-of-world.ts';
import type { VolumeToMount } from './desired-state-of-world.ts';
import {
  expanded,
  expansionFailed,
  IN_PROGRESS,
  isOfOldController,
  planNodeExpansion,
} from './expansion-plan.ts';

type Claim = Stored<PersistentVolumeClaim>;

export interface VolumeExpanderOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly recorder: EventRecorder;
  readonly actual: ActualStateOfWorld;
}

/** Where a volume is, for whoever grows it. */
export type MountedAt = Pick<NodeExpansion, 'devicePath' | 'mountPath' | 'deviceMountPath'>;

/** Grows volumes on the node, and tells their claims. Source: operationexecutor, node_expander.go. */
export class VolumeExpander {
  readonly #options: VolumeExpanderOptions;

  constructor(options: VolumeExpanderOptions) {
    this.#options = options;
  }

  /** After a mount: brings the volume to the size that it has by now, and notes which that is. */
  async afterMount(volume: VolumeToMount, at: MountedAt, signal: AbortSignal): Promise<void> {
    if (!mayGrow(volume.plugin, volume.spec)) return;
    const { claim, persistentVolume } = await this.#read(volume.spec, signal);
    const has = claim.status?.capacity?.storage ?? '0';
    this.#options.actual.initializeSize(volume.volumeName, has);
    if (compareQuantity(has, persistentVolume.spec?.capacity?.storage) < 0)
      await this.#expand(volume, at, claim, persistentVolume, signal);
  }

  /** While it is in use. */
  async inUse(volume: VolumeToMount, at: MountedAt, signal: AbortSignal): Promise<void> {
    const { claim, persistentVolume } = await this.#read(volume.spec, signal);
    await this.#expand(volume, at, claim, persistentVolume, signal);
  }

  async #expand(
    volume: VolumeToMount,
    at: MountedAt,
    claim: Claim,
    persistentVolume: Stored<PersistentVolume>,
    signal: AbortSignal,
  ): Promise<void> {
    const { actual } = this.#options;
    const { volumeName, plugin, pod } = volume;
    const spec: VolumeSpec = { ...volume.spec, persistentVolume };
    if (spec.readOnly) {
      const text = message('MountVolume.NodeExpandVolume failed', spec, 'requested read-only file system');
      this.#tell([pod, claim], 'Warning', 'FileSystemResizeFailed', text);
      return;
    }
    const plan = planNodeExpansion(claim, persistentVolume);
    if (plan.action === 'wait') return;
    if (plan.action === 'done') return actual.markResized(volumeName, plan.newSize);
    const { newSize } = plan;
    const oldSize = actual.get(volumeName)?.size ?? claim.status?.capacity?.storage ?? '0';
    const told = plan.tellsProgress ? await this.#patch(claim, IN_PROGRESS, signal, 'checked') : claim;
    try {
      await plugin.nodeExpander!.expand({ ...at, spec, newSize, oldSize, signal });
    } catch (error) {
      // A shared volume that has grown elsewhere: here there is nothing to do (kubernetes/kubernetes#131381).
      if (error instanceof OperationNotSupportedError && !plan.tellsProgress)
        return actual.markResized(volumeName, newSize);
      if (!signal.aborted && isOperationFinished(error))
        await this.#tellFailure(volume, told, newSize, error, signal);
      // It can be used as it is, and is left alone until nobody uses it.
      if (error instanceof FailedPreconditionError) return actual.markGrowsUnused(volumeName);
      throw error;
    }
    const node = pod.spec?.nodeName ?? '';
    const text = message('MountVolume.NodeExpandVolume succeeded', spec, node);
    this.#tell([pod, claim], 'Normal', 'FileSystemResizeSuccessful', text);
    if (plan.tellsClaim) await this.#patch(told, expanded(told, newSize), signal, 'checked');
    actual.markResized(volumeName, newSize);
  }

  /** One that can never be, or that fails for good while the claim asks for another size by now, makes room for that. */
  async #tellFailure(
    { volumeName }: VolumeToMount,
    claim: Claim,
    newSize: string,
    error: unknown,
    signal: AbortSignal,
  ): Promise<void> {
    if (isOfOldController(claim)) return;
    const { actual, clock } = this.#options;
    const asksForOther = compareQuantity(claim.spec?.resources?.requests?.storage, newSize) !== 0;
    const isInfeasible =
      error instanceof InfeasibleError ||
      (asksForOther && (actual.get(volumeName)?.expansionFailed ?? false));
    actual.markExpansionFailed(volumeName);
    const status = expansionFailed(claim, errorMessage(error), rfc3339(clock.now()), isInfeasible);
    // The failure itself is what matters; the next try tells it again.
    await this.#patch(claim, status, signal, 'blind').catch(() => undefined);
  }

  async #read(
    spec: VolumeSpec,
    signal: AbortSignal,
  ): Promise<{ claim: Claim; persistentVolume: Stored<PersistentVolume> }> {
    const { client } = this.#options;
    const reference = spec.persistentVolume?.spec?.claimRef;
    const { namespace, name = '' } = reference ?? {};
    try {
      const [claim, persistentVolume] = await Promise.all([
        client.get(persistentVolumeClaims, { namespace, name }, { signal }),
        client.get(persistentVolumes, { name: spec.name }, { signal }),
      ]);
      return { claim, persistentVolume };
    } catch (error) {
      throw new Error(`mountVolume.NodeExpandVolume get PVC failed : ${errorMessage(error)}`, {
        cause: error,
      });
    }
  }

  async #patch(
    { metadata }: Claim,
    status: ClaimStatusPatch,
    signal: AbortSignal,
    mode: 'checked' | 'blind',
  ): Promise<Claim> {
    const { namespace, name, resourceVersion } = metadata;
    const body = { ...(mode === 'checked' && { metadata: { resourceVersion } }), status };
    try {
      return await this.#options.client.patch(
        persistentVolumeClaims,
        { namespace, name },
        { type: 'merge', body },
        { subresource: 'status', signal },
      );
    } catch (error) {
      const why = `patchPVCStatus failed to patch PVC ${JSON.stringify(name)}: ${errorMessage(error)}`;
      throw new Error(`mountVolume.NodeExpandVolume update pvc status failed: ${why}`, { cause: error });
    }
  }

  #tell(
    subjects: readonly Stored<Pod | PersistentVolumeClaim>[],
    type: 'Normal' | 'Warning',
    reason: string,
    text: string,
  ): void {
    for (const subject of subjects) this.#options.recorder.event(subject, type, reason, text);
  }
}

/** Whether a node has to do with the size of the volume (checkIfSupportsNodeExpansion). */
export function mayGrow(plugin: VolumePlugin, spec: VolumeSpec): boolean {
  return (
    spec.persistentVolume?.spec?.claimRef !== undefined &&
    (plugin.nodeExpander?.requiresExpansion(spec) ?? false)
  );
}

function message(what: string, spec: VolumeSpec, suffix: string): string {
  return `${what} for volume ${JSON.stringify(spec.name)} ${suffix}`;
}
