import { errorMessage } from '../../base/index.ts';
import type { ComponentContext, EventRecorder, Informer } from '../../client/index.ts';
import { Code, CsiError, goCodeName, isFinalError, rpcErrorText } from '../../csi/index.ts';
import {
  keyOf,
  persistentVolumes,
  type Stored,
  type VolumeAttributesClass,
  volumeAttributesClasses,
} from '../../kube/index.ts';
import type { ClaimStatusPatch } from '../../volume/index.ts';
import { type Claim, ClaimLoop, type Volume } from './claim-loop.ts';
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
  readonly #classes: Informer<VolumeAttributesClass>;
  readonly #loop: ClaimLoop;
  /** Claims whose driver may be at it: they must get the same again. */
  readonly #uncertain = new Set<string>();

  constructor(context: ComponentContext, options: ModificationControllerOptions) {
    this.#context = context;
    this.#options = options;
    this.#classes = context.informers.of(volumeAttributesClasses);
    this.#loop = new ClaimLoop(context, options.flags, {
      name: 'csi-resizer-modify',
      // That of the other controller, upstream too.
      queue: `${options.driver}-pvc`,
      concerns: concernsAttributes,
      forget: (key) => this.#uncertain.delete(key),
      reconcile: (...of) => this.#reconcile(...of),
    });
  }

  run(signal: AbortSignal): Promise<void> {
    const { claims } = this.#loop;
    return this.#loop.run(signal, {
      informers: { classes: this.#classes },
      listen: () => {
        // What the one before us has begun: nobody knows how far it came.
        for (const claim of claims.values())
          if (claim.status?.modifyVolumeStatus?.status === 'InProgress') this.#uncertain.add(keyOf(claim));
        // Upstream lets claims wait for a class until something else happens to them.
        return [this.#classes.on({ added: ({ metadata }) => this.#wakeThoseWaitingFor(metadata.name) })];
      },
    });
  }

  #wakeThoseWaitingFor(className: string): void {
    for (const claim of this.#loop.claims.values()) {
      const isPending = claim.status?.modifyVolumeStatus?.status === 'Pending';
      if (isPending && claim.spec?.volumeAttributesClassName === className) this.#loop.enqueue(claim);
    }
  }

  async #reconcile(
    key: string,
    claim: Claim,
    volume: Volume,
    signal: AbortSignal,
  ): Promise<number | undefined> {
    if (volume.spec?.csi?.driver !== this.#options.driver || claim.status?.phase !== 'Bound')
      return undefined;

    // Impossible is impossible, until it is asked for another class.
    if (!isLastTarget(claim)) this.#loop.slow.delete(key);
    const waitMs = this.#loop.slow.remainingMs(key);
    if (waitMs > 0) return waitMs;
    if (asksForImpossible(claim)) this.#loop.slow.add(key);

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
    await this.#loop.patchStatus(claim, { type: 'strategic', body: { status: MODIFICATION_CANCELLED } });
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
    const claim = await this.#mark(old, modificationBegun(old, target, this.#loop.now()));
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
      await this.#loop.patchStatus(claim, { type: 'strategic', body: { status: modificationDone(target) } });
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
    await this.#mark(claim, modificationFailed(claim, failure, this.#loop.now()));
    if (isInfeasible) this.#loop.slow.add(key);
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
      return await this.#loop.patchStatus(claim, { type: 'merge', body });
    } catch (error) {
      throw new Error(
        `mark PVC ${JSON.stringify(name)} as modify volume failed, errored with: ${errorMessage(error)}`,
        { cause: error },
      );
    }
  }
}

function namesOf({ metadata }: Claim, volume: Volume): Record<string, string> {
  return {
    'csi.storage.k8s.io/pvc/name': metadata.name,
    'csi.storage.k8s.io/pvc/namespace': metadata.namespace ?? '',
    'csi.storage.k8s.io/pv/name': volume.metadata.name,
  };
}
