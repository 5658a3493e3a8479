import { errorMessage } from '../../base/index.ts';
import type { ComponentContext, EventRecorder, Informer, Patch } from '../../client/index.ts';
import { Code, CsiError, isFinalError, isInfeasibleError, rpcErrorText } from '../../csi/index.ts';
import {
  ANN_PRE_RESIZE_CAPACITY,
  ANN_STORAGE_RESIZER,
  claimKeysOf,
  compareQuantity,
  keyOf,
  type PersistentVolumeClaim,
  type Pod,
  persistentVolumes,
  pods,
} from '../../kube/index.ts';
import { CACHE_LAG_MS, type Claim, ClaimLoop, type Volume } from './claim-loop.ts';
import {
  type ClaimPatch,
  expansionFailed,
  expansionFinished,
  nodeExpansionPending,
  resizeInProgress,
} from './expansion-status.ts';
import type { Flags } from './options.ts';
import { asksForMore, type Expansion, isExpandedOnNode, planExpansion } from './plan-expansion.ts';
import { isVolumeOf, type Resized, type VolumeResizer } from './volume-resizer.ts';

const POD_BY_CLAIM = 'resizer/claims-in-use';

export interface ExpansionControllerOptions {
  readonly driver: string;
  readonly resizer: VolumeResizer;
  readonly recorder: EventRecorder;
  readonly flags: Flags;
}

/** Grows volumes when their claims ask for more. Source: resizeController of external-resizer, with recovery from failures. */
export class ExpansionController {
  readonly #context: ComponentContext;
  readonly #options: ExpansionControllerOptions;
  /** Absent when nobody wants to know who uses what. */
  readonly #pods: Informer<Pod> | undefined;
  readonly #loop: ClaimLoop;
  /** The versions of volumes and claims, by key, that we have written and the caches may not have heard of yet. */
  readonly #written = new Map<string, bigint>();
  /** Claims whose last try failed for good. */
  readonly #failedForGood = new Set<string>();
  /** Claims, by uid, whose volume the driver grows only while nobody uses it. */
  readonly #offlineOnly = new Set<string>();

  constructor(context: ComponentContext, options: ExpansionControllerOptions) {
    const { flags } = options;
    this.#context = context;
    this.#options = options;
    this.#pods = flags.handleVolumeInUseError
      ? context.informers.of<Pod>(pods).addIndex(POD_BY_CLAIM, claimsInUse)
      : undefined;
    this.#loop = new ClaimLoop(context, flags, {
      name: 'csi-resizer-pvc',
      queue: `${options.driver}-pvc`,
      concerns: concernsExpansion,
      forget: (key, { metadata }) => {
        this.#failedForGood.delete(key);
        this.#written.delete(key);
        this.#offlineOnly.delete(metadata.uid);
      },
      reconcile: (...of) => this.#reconcile(...of),
    });
  }

  run(signal: AbortSignal): Promise<void> {
    return this.#loop.run(signal, { informers: this.#pods ? { pods: this.#pods } : {} });
  }

  async #reconcile(
    key: string,
    claim: Claim,
    volume: Volume,
    signal: AbortSignal,
  ): Promise<number | undefined> {
    if (!isVolumeOf(this.#options.driver, volume, claim)) return undefined;
    if (this.#isBehind(keyOf(volume), volume) || this.#isBehind(key, claim)) return CACHE_LAG_MS;
    if (ANN_PRE_RESIZE_CAPACITY in (volume.metadata.annotations ?? {}) && isExpandedOnNode(claim, volume))
      await this.#patchVolume(volume, { metadata: { annotations: { [ANN_PRE_RESIZE_CAPACITY]: null } } });
    if (!asksForMore(claim) || volume.spec?.claimRef?.uid !== claim.metadata.uid) return undefined;

    const known = {
      inControlPlane: this.#options.resizer.inControlPlane,
      failedForGood: this.#failedForGood.has(key),
    };
    const waitMs = this.#loop.slow.remainingMs(key);
    if (waitMs === 0 && claim.status?.allocatedResourceStatuses?.storage === 'ControllerResizeInfeasible')
      this.#loop.slow.add(key);
    const expansion = planExpansion(claim, volume, known);
    if (!expansion) return undefined;
    // Impossible is impossible, until it is asked for another size.
    if (!expansion.isNew && waitMs > 0) return waitMs;
    await this.#expand(key, claim, volume, expansion, signal);
    return undefined;
  }

  async #expand(
    key: string,
    old: Claim,
    volume: Volume,
    expansion: Expansion,
    signal: AbortSignal,
  ): Promise<void> {
    const { recorder, driver } = this.#options;
    const claim = await this.#patchClaim(
      `marking pvc ${JSON.stringify(key)} as resizing failed`,
      old,
      resizeInProgress(old, expansion, this.#loop.now()),
    );
    const { uid } = claim.metadata;
    if (this.#offlineOnly.has(uid) && (this.#pods?.byIndex(POD_BY_CLAIM, key).length ?? 0) > 0) {
      const why = `Unable to expand ${key} because CSI driver ${driver} only supports offline expansion and volume is currently in-use`;
      recorder.event(claim, 'Warning', 'VolumeResizeFailed', why);
      throw new Error(why);
    }
    const { name } = volume.metadata;
    recorder.event(claim, 'Normal', 'Resizing', `External resizer is resizing volume ${name}`);
    this.#offlineOnly.delete(uid);
    try {
      const resized = await this.#resize(key, claim, volume, expansion.newSize, signal);
      await this.#noteResized(key, claim, volume, resized);
    } catch (error) {
      if (!signal.aborted) recorder.event(claim, 'Warning', 'VolumeResizeFailed', errorMessage(error));
      throw error;
    }
  }

  /** Asks the driver, and says of the claim what a failure means. */
  async #resize(
    key: string,
    claim: Claim,
    volume: Volume,
    newSize: string,
    signal: AbortSignal,
  ): Promise<Resized> {
    const { resizer, driver } = this.#options;
    try {
      const resized = await resizer.resize(volume, newSize, signal);
      this.#failedForGood.delete(key);
      this.#loop.slow.delete(key);
      return resized;
    } catch (error) {
      const why = rpcErrorText(error);
      if (isInUse(error)) this.#offlineOnly.add(claim.metadata.uid);
      const isInfeasible = isInfeasibleError(error);
      if (!isInfeasible) this.#loop.slow.delete(key);
      if (isFinalError(error)) {
        this.#failedForGood.add(key);
        await this.#tellFailure(key, claim, why, isInfeasible);
      } else this.#failedForGood.delete(key);
      const { name } = volume.metadata;
      throw new Error(
        `resize volume ${JSON.stringify(name)} by resizer ${JSON.stringify(driver)} failed: ${why}`,
        { cause: error },
      );
    }
  }

  async #tellFailure(key: string, claim: Claim, why: string, isInfeasible: boolean): Promise<void> {
    const body = expansionFailed(why, isInfeasible, this.#loop.now());
    try {
      // Whatever else has changed of the claim: the next try begins with this.
      await this.#patchStatus(claim, { type: 'strategic', body });
    } catch (error) {
      throw new Error(
        `resizing failed in controller with ${why} but failed to update PVC ${key} with: ` +
          `mark PVC ${JSON.stringify(key)} as controller expansion failed, errored with: ${errorMessage(error)}`,
        { cause: error },
      );
    }
  }

  async #noteResized(key: string, claim: Claim, volume: Volume, { size, onNode }: Resized): Promise<void> {
    const { recorder } = this.#options;
    // Should the claim go before the node is done, the next one of the volume must know.
    const notes = onNode && !(ANN_PRE_RESIZE_CAPACITY in (volume.metadata.annotations ?? {}));
    const had = claim.status?.capacity?.storage ?? '0';
    try {
      await this.#patchVolume(volume, {
        spec: { capacity: { storage: size } },
        ...(notes && { metadata: { annotations: { [ANN_PRE_RESIZE_CAPACITY]: had } } }),
      });
    } catch (error) {
      const { name } = volume.metadata;
      throw new Error(
        `error updating pv ${JSON.stringify(name)} by resizer: updating capacity of PV ${JSON.stringify(name)} to ${size} failed: ${errorMessage(error)}`,
        { cause: error },
      );
    }
    const quoted = JSON.stringify(key);
    if (onNode) {
      const pending = nodeExpansionPending(claim, this.#loop.now());
      await this.#patchClaim(`mark PVC ${quoted} as node expansion required failed`, claim, pending);
      recorder.event(
        claim,
        'Normal',
        'FileSystemResizeRequired',
        'Require file system resize of volume on node',
      );
    } else {
      const finished = expansionFinished(claim, size);
      await this.#patchClaim(`mark PVC ${quoted} as resize finished failed`, claim, finished);
      recorder.event(claim, 'Normal', 'VolumeResizeSuccessful', 'Resize volume succeeded');
    }
  }

  /** Rejects when the claim has changed since it was read: what was decided on it may be wrong. */
  async #patchClaim(failure: string, claim: Claim, { metadata, status }: ClaimPatch): Promise<Claim> {
    const { resourceVersion } = claim.metadata;
    const body = { metadata: { ...metadata, resourceVersion }, status };
    try {
      return await this.#patchStatus(claim, { type: 'merge', body });
    } catch (error) {
      throw new Error(`${failure}: ${errorMessage(error)}`, { cause: error });
    }
  }

  async #patchStatus(claim: Claim, patch: Patch): Promise<Claim> {
    const patched = await this.#loop.patchStatus(claim, patch);
    this.#written.set(keyOf(claim), versionOf(patched));
    return patched;
  }

  async #patchVolume({ metadata: { name } }: Volume, body: object): Promise<Volume> {
    const patched = await this.#context.client.patch(persistentVolumes, { name }, { type: 'merge', body });
    this.#written.set(name, versionOf(patched));
    return patched;
  }

  /** What we have not heard of our own writes would be done once more (upstream puts them into its caches). */
  #isBehind(key: string, cached: Claim | Volume): boolean {
    const written = this.#written.get(key);
    if (written === undefined) return false;
    if (versionOf(cached) < written) return true;
    this.#written.delete(key);
    return false;
  }
}

function versionOf({ metadata }: Claim | Volume): bigint {
  return BigInt(metadata.resourceVersion);
}

/** Whether a change may call for work: the rest is others' doing, or our own (updatePVC). */
export function concernsExpansion(claim: PersistentVolumeClaim, previous: PersistentVolumeClaim): boolean {
  const [now, before] = [claim, previous].map(({ metadata, spec, status }) => ({
    asked: spec?.resources?.requests?.storage,
    has: status?.capacity?.storage,
    status: status?.allocatedResourceStatuses?.storage,
    resizer: metadata?.annotations?.[ANN_STORAGE_RESIZER],
  }));
  return (
    compareQuantity(now?.asked, before?.asked) !== 0 ||
    now?.resizer !== before?.resizer ||
    compareQuantity(now?.has, before?.has) > 0 ||
    now?.status !== before?.status
  );
}

/** The claims that a pod uses, by key; none once it has ended. */
function claimsInUse(pod: Pod): readonly string[] {
  const { phase } = pod.status ?? {};
  return phase === 'Failed' || phase === 'Succeeded' ? [] : claimKeysOf(pod);
}

/** The driver grows volumes only while nobody uses them. Source: errors of ControllerExpandVolume. */
function isInUse(error: unknown): boolean {
  return error instanceof CsiError && error.code === Code.FAILED_PRECONDITION;
}
