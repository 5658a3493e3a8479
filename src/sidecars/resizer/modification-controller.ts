import { errorMessage, rfc3339 } from '../../base/index.ts';
import {
  type ComponentContext,
  Controller,
  type EventRecorder,
  type Informer,
  type Patch,
} from '../../client/index.ts';
import { Code, CsiError, goCodeName, isFinalError, rpcErrorText } from '../../csi/index.ts';
import {
  keyOf,
  type PersistentVolume,
  type PersistentVolumeClaim,
  persistentVolumeClaims,
  persistentVolumes,
  type Stored,
  splitKey,
  type VolumeAttributesClass,
  volumeAttributesClasses,
} from '../../kube/index.ts';
import type { ClaimStatusPatch } from '../../volume/index.ts';
import { SlowRetry } from '../shared/slow-retry.ts';
import {
  MODIFICATION_CANCELLED,
  MODIFICATION_PENDING,
  modificationBegun,
  modificationDone,
  modificationFailed,
} from './modification-status.ts';
import type { Flags } from './options.ts';
import {
  asksForImpossible,
  concernsAttributes,
  isLastTarget,
  planModification,
} from './plan-modification.ts';
import type { VolumeModifier } from './volume-modifier.ts';

type Claim = Stored<PersistentVolumeClaim>;
type Volume = Stored<PersistentVolume>;
type AttributesClass = Stored<VolumeAttributesClass>;

export interface ModificationControllerOptions {
  readonly driver: string;
  readonly modifier: VolumeModifier;
  readonly recorder: EventRecorder;
  readonly flags: Flags;
}

/** Gives volumes the attributes of the class that their claims ask for. Source: modifyController of external-resizer. */
export class ModificationController {
  readonly #context: ComponentContext;
  readonly #options: ModificationControllerOptions;
  readonly #claims: Informer<PersistentVolumeClaim>;
  readonly #volumes: Informer<PersistentVolume>;
  readonly #classes: Informer<VolumeAttributesClass>;
  readonly #controller: Controller;
  readonly #slow: SlowRetry;
  /** Claims whose driver may be at it: they must get the same again. */
  readonly #uncertain = new Set<string>();

  constructor(context: ComponentContext, options: ModificationControllerOptions) {
    const { informers, clock, log } = context;
    const { flags } = options;
    this.#context = context;
    this.#options = options;
    this.#claims = informers.of(persistentVolumeClaims);
    this.#volumes = informers.of(persistentVolumes);
    this.#classes = informers.of(volumeAttributesClasses);
    this.#slow = new SlowRetry(clock, flags.retryIntervalMaxMs);
    this.#controller = new Controller({
      name: 'csi-resizer-modify',
      clock,
      log,
      workers: flags.workers,
      backoff: { initialMs: flags.retryIntervalStartMs, maxMs: flags.retryIntervalMaxMs },
      reconcile: (key, signal) => this.#reconcile(key, signal),
    });
  }

  /** What must be known before anything is decided. */
  get informers(): readonly { readonly synced: Promise<void> }[] {
    return [this.#claims, this.#volumes, this.#classes];
  }

  async run(signal: AbortSignal): Promise<void> {
    // What the one before us has begun: nobody knows how far it came.
    for (const claim of this.#claims.values())
      if (claim.status?.modifyVolumeStatus?.status === 'InProgress') this.#uncertain.add(keyOf(claim));
    const enqueue = (claim: Claim) => this.#controller.enqueue(keyOf(claim));
    const stops = [
      this.#claims.on({
        added: enqueue,
        updated: (claim, previous) => {
          if (concernsAttributes(claim, previous)) enqueue(claim);
        },
        deleted: (claim) => {
          this.#slow.delete(keyOf(claim));
          this.#uncertain.delete(keyOf(claim));
        },
      }),
      // Upstream lets claims wait for a class until something else happens to them.
      this.#classes.on({
        added: ({ metadata }) => {
          for (const claim of this.#claims.values())
            if (
              claim.spec?.volumeAttributesClassName === metadata.name &&
              claim.status?.modifyVolumeStatus?.status === 'Pending'
            )
              enqueue(claim);
        },
      }),
    ];
    try {
      await this.#controller.run(signal);
    } finally {
      for (const stop of stops) stop();
    }
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<number | undefined> {
    const claim = this.#claims.byKey(key);
    const name = claim?.spec?.volumeName;
    if (!claim || !name) return undefined;
    const volume = this.#volumes.get(name);
    if (!volume) throw new Error(`PV ${JSON.stringify(name)} of pvc ${JSON.stringify(key)} not found`);
    if (volume.spec?.csi?.driver !== this.#options.driver || claim.status?.phase !== 'Bound')
      return undefined;

    // Impossible is impossible, until it is asked for another class.
    if (!isLastTarget(claim)) this.#slow.delete(key);
    const waitMs = this.#slow.remainingMs(key);
    if (waitMs > 0) return waitMs;
    if (asksForImpossible(claim)) this.#slow.add(key);

    const plan = planModification(claim, this.#uncertain.has(key));
    switch (plan.action) {
      case 'nothing':
        return undefined;
      case 'cancel':
        return this.#cancel(claim);
      case 'carryOn': {
        const found = this.#classes.get(plan.target) ?? this.#missing(claim, plan.target);
        await this.#modify(key, claim, volume, found, signal);
        return undefined;
      }
      case 'begin':
        return this.#begin(key, claim, volume, plan.target, signal);
    }
  }

  async #cancel(claim: Claim): Promise<undefined> {
    this.#options.recorder.event(claim, 'Normal', 'VolumeModifyCanceled', 'Cancelled modify.');
    await this.#patchStatus(claim, { type: 'strategic', body: { status: MODIFICATION_CANCELLED } });
  }

  async #begin(
    key: string,
    old: Claim,
    volume: Volume,
    target: string,
    signal: AbortSignal,
  ): Promise<undefined> {
    const found = this.#classes.get(target);
    if (!found) {
      this.#tellMissing(old, target);
      await this.#mark(old, MODIFICATION_PENDING);
      return;
    }
    const claim = await this.#mark(old, modificationBegun(old, target, this.#now()));
    const told = `external resizer is modifying volume ${claim.metadata.name} with vac ${target}`;
    this.#options.recorder.event(claim, 'Normal', 'VolumeModify', told);
    await this.#modify(key, claim, volume, found, signal);
  }

  async #modify(
    key: string,
    claim: Claim,
    volume: Volume,
    { metadata: { name: target }, parameters = {} }: AttributesClass,
    signal: AbortSignal,
  ): Promise<void> {
    const { modifier, recorder, flags } = this.#options;
    const names = flags.extraModifyMetadata ? namesOf(claim, volume) : {};
    try {
      await modifier.modify(volume, { ...parameters, ...names }, signal);
    } catch (error) {
      if (!signal.aborted) await this.#tellFailure(key, claim, target, error);
      throw error;
    }
    this.#uncertain.delete(key);
    await this.#noteDone(claim, volume, target);
    const told = `external resizer modified volume ${claim.metadata.name} with vac ${target} successfully`;
    recorder.event(claim, 'Normal', 'VolumeModifySuccessful', told);
  }

  async #noteDone(claim: Claim, { metadata: { name } }: Volume, target: string): Promise<void> {
    const { client } = this.#context;
    try {
      // The volume first: a claim that is done is not looked at again.
      const body = { spec: { volumeAttributesClassName: target } };
      await client.patch(persistentVolumes, { name }, { type: 'merge', body });
      await this.#patchStatus(claim, { type: 'strategic', body: { status: modificationDone(target) } });
    } catch (error) {
      throw new Error(
        `modify volume failed to mark pvc ${claim.metadata.name} modify volume completed: ${errorMessage(error)}`,
        { cause: error },
      );
    }
  }

  async #tellFailure(key: string, claim: Claim, target: string, error: unknown): Promise<void> {
    // The driver was not asked.
    if (!(error instanceof CsiError)) return;
    const isFinal = isFinalError(error);
    const isInfeasible = error.code === Code.INVALID_ARGUMENT;
    if (isFinal) this.#uncertain.delete(key);
    else this.#uncertain.add(key);
    const codeName = goCodeName(error.codeName);
    const failure = { codeName, details: error.details, isFinal, isInfeasible };
    await this.#mark(claim, modificationFailed(claim, failure, this.#now()));
    if (isInfeasible) this.#slow.add(key);
    const told = `${rpcErrorText(error)}${isFinal ? '' : `. Still modifying to VAC ${target}`}`;
    this.#options.recorder.event(claim, 'Warning', 'VolumeModifyFailed', told);
  }

  #missing(claim: Claim, target: string): never {
    this.#tellMissing(claim, target);
    throw new Error(`VolumeAttributesClass ${JSON.stringify(target)} not found`);
  }

  #tellMissing(claim: Claim, target: string): void {
    const told = `VAC ${JSON.stringify(target)} does not exist.`;
    this.#options.recorder.event(claim, 'Warning', 'VolumeModifyFailed', told);
  }

  /** Rejects when the claim has changed since it was read: what was decided on it may be wrong. */
  async #mark(claim: Claim, status: ClaimStatusPatch): Promise<Claim> {
    const { name, resourceVersion } = claim.metadata;
    const body = { metadata: { resourceVersion }, status };
    try {
      return await this.#patchStatus(claim, { type: 'merge', body });
    } catch (error) {
      throw new Error(
        `mark PVC ${JSON.stringify(name)} as modify volume failed, errored with: ${errorMessage(error)}`,
        { cause: error },
      );
    }
  }

  #patchStatus(claim: Claim, patch: Patch): Promise<Claim> {
    const name = splitKey(keyOf(claim));
    return this.#context.client.patch(persistentVolumeClaims, name, patch, { subresource: 'status' });
  }

  #now(): string {
    return rfc3339(this.#context.clock.now());
  }
}

function namesOf({ metadata }: Claim, volume: Volume): Record<string, string> {
  return {
    'csi.storage.k8s.io/pvc/name': metadata.name,
    'csi.storage.k8s.io/pvc/namespace': metadata.namespace ?? '',
    'csi.storage.k8s.io/pv/name': volume.metadata.name,
  };
}
