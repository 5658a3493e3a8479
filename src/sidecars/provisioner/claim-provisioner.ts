import { type ComponentContext, Controller, type EventRecorder, type Informer } from '../../client/index.ts';
import { Code, CsiError } from '../../csi/index.ts';
import {
  ANN_SELECTED_NODE,
  annotation,
  claimClass,
  keyOf,
  type PersistentVolume,
  type PersistentVolumeClaim,
  persistentVolumeClaims,
  persistentVolumes,
  type StorageClass,
  type Stored,
  storageClasses,
  withAnnotations,
} from '../../kube/index.ts';
import type { Driver } from '../shared/driver.ts';
import { SlowRetry } from '../shared/slow-retry.ts';
import { POPULATOR_MESSAGE } from './data-source.ts';
import { isClassOf } from './migrated-class.ts';
import type { NodeArbiter, Verdict } from './node-arbiter.ts';
import type { Flags } from './options.ts';
import { asProvisionError, IgnoredClaim, type ProvisionError } from './provision-error.ts';
import { selectedNodeOf } from './selected-node.ts';
import { isAskedOf, shouldProvision } from './should-provision.ts';
import type { VolumeMaker } from './volume-maker.ts';
import { volumeNameFor } from './volume-name.ts';
import type { VolumeObserver } from './volume-observer.ts';
import { UID_INDEX, VolumeSaver } from './volume-saver.ts';

type Claim = Stored<PersistentVolumeClaim>;

export interface ClaimProvisionerOptions {
  readonly driver: Driver;
  readonly flags: Flags;
  readonly maker: VolumeMaker;
  /** Undefined where this is the only provisioner. */
  readonly arbiter: NodeArbiter | undefined;
  readonly observer: Required<VolumeObserver>;
  readonly recorder: EventRecorder;
}

/**
 * Makes volumes for the claims that ask the driver for one. Keys are uids: a claim made anew under the same name is
 * another. Source: ProvisionController of sig-storage-lib-external-provisioner, claim queue.
 */
export class ClaimProvisioner {
  readonly #context: ComponentContext;
  readonly #driver: Driver;
  readonly #flags: Flags;
  readonly #maker: VolumeMaker;
  readonly #arbiter: NodeArbiter | undefined;
  readonly #observer: Required<VolumeObserver>;
  readonly #recorder: EventRecorder;
  readonly #claims: Informer<PersistentVolumeClaim>;
  readonly #volumes: Informer<PersistentVolume>;
  readonly #classes: Informer<StorageClass>;
  readonly #saver: VolumeSaver;
  readonly #slowRetry: SlowRetry;
  readonly #queue: Controller;
  /** Claims whose CreateVolume may be running: they are tried until that is certain, even when they are deleted. */
  readonly #inProgress = new Map<string, Claim>();
  /** Claims whose volume is being made at this moment. */
  readonly #making = new Map<string, Claim>();

  constructor(context: ComponentContext, options: ClaimProvisionerOptions) {
    const { driver, flags, recorder } = options;
    this.#context = context;
    this.#driver = driver;
    this.#flags = flags;
    this.#maker = options.maker;
    this.#arbiter = options.arbiter;
    this.#observer = options.observer;
    this.#recorder = recorder;
    const { informers, clock, log } = context;
    this.#claims = informers.of(persistentVolumeClaims).addIndex(UID_INDEX, ({ metadata }) => [metadata.uid]);
    this.#volumes = informers.of(persistentVolumes);
    this.#classes = informers.of(storageClasses);
    this.#saver = new VolumeSaver(context, this.#claims, recorder);
    this.#slowRetry = new SlowRetry(clock, flags.backoff.maxMs);
    this.#queue = new Controller({
      name: `provisioner of ${driver.name}`,
      clock,
      log,
      workers: flags.workerThreads,
      backoff: flags.backoff,
      observer: context.queues?.('claims'),
      reconcile: (uid, signal) => this.#reconcile(uid, signal),
    });
  }

  get informers(): readonly { synced: Promise<void> }[] {
    return [this.#claims, this.#volumes, this.#classes];
  }

  /** Claims for which the driver may be making a volume, those that are deleted among them. */
  underWay(): readonly Claim[] {
    return [...this.#inProgress.values(), ...this.#making.values()];
  }

  /** Works until the signal aborts. The informers must be synced. */
  async run(signal: AbortSignal): Promise<void> {
    const changed = (claim: Claim) => {
      if (isAskedOf(claim, this.#driver.name)) this.#queue.enqueue(claim.metadata.uid);
    };
    const classChanged = (storageClass: Stored<StorageClass>) => {
      for (const claim of this.#claims.values()) {
        if (claimClass(claim) === storageClass.metadata.name) changed(claim);
      }
    };
    const stops = [
      this.#volumes.on({
        added: ({ metadata }) => this.#saver.heard(metadata.name),
        deleted: ({ metadata }) => this.#saver.gone(metadata.name),
      }),
      this.#claims.on({
        added: changed,
        updated: changed,
        deleted: ({ metadata: { uid } }) => {
          this.#slowRetry.delete(uid);
          this.#arbiter?.forget(uid);
          if (!this.#inProgress.has(uid) && !this.#making.has(uid)) this.#maker.forget(uid);
        },
      }),
    ];
    // Not for the classes that are there: their claims are in the queue by now.
    const known = new Set([...this.#classes.values()].map(({ metadata }) => metadata.uid));
    stops.push(
      this.#classes.on({
        added: (storageClass) => {
          if (!known.has(storageClass.metadata.uid)) classChanged(storageClass);
        },
      }),
    );
    await Promise.all([this.#queue.run(signal), this.#saver.run(signal)]);
    for (const stop of stops) stop();
  }

  async #reconcile(uid: string, signal: AbortSignal): Promise<number | undefined> {
    const claim = this.#claims.byIndex(UID_INDEX, uid)[0] ?? this.#inProgress.get(uid);
    if (!claim) return undefined;
    const storageClass = this.#classes.get(claimClass(claim));
    const remainingMs = this.#slowRetry.remainingMs(uid, storageClass?.metadata.uid);
    if (remainingMs > 0) return remainingMs;
    const wanted = shouldProvision(claim, this.#driver.name, () => storageClass);
    // As upstream: a claim that has its volume, or asks no more, is dropped with whatever was in progress for it.
    if (!wanted || !storageClass) {
      this.#inProgress.delete(uid);
      return undefined;
    }
    const verdict = await this.#whose(claim, storageClass, signal);
    if (typeof verdict === 'number') return verdict;
    if (verdict === 'ours') await this.#provision(claim, storageClass, signal);
    return undefined;
  }

  /** Which provisioner makes the volume, where there are several. */
  async #whose(claim: Claim, storageClass: Stored<StorageClass>, signal: AbortSignal): Promise<Verdict> {
    try {
      return (await this.#arbiter?.decide(claim, storageClass, signal)) ?? 'ours';
    } catch (error) {
      const failure = asProvisionError('no-change', error);
      if (!signal.aborted) await this.#failed(claim, storageClass, failure);
      throw failure;
    }
  }

  async #provision(claim: Claim, storageClass: Stored<StorageClass>, signal: AbortSignal): Promise<void> {
    const { uid } = claim.metadata;
    const { volumeNamePrefix, volumeNameUuidLength } = this.#flags;
    const name = volumeNameFor(uid, volumeNamePrefix, volumeNameUuidLength);
    const isDone = this.#volumes.get(name) !== undefined || this.#saver.has(name);
    // The class may name another provisioner than it did when the claim was handed over.
    if (isDone || !isClassOf(storageClass, this.#driver.name)) {
      this.#inProgress.delete(uid);
      return;
    }
    const message = `External provisioner is provisioning volume for claim ${JSON.stringify(keyOf(claim))}`;
    this.#recorder.event(claim, 'Normal', 'Provisioning', message);
    const node = selectedNodeOf(claim);
    const { clock, trace } = this.#context;
    const span = trace.begin('external-provisioner', 'provision', keyOf(claim), {
      volume: name,
      driver: this.#driver.name,
      ...(node && { node }),
    });
    try {
      const startedMs = clock.monotonic();
      this.#making.set(uid, claim);
      const volume = await this.#maker.make(claim, storageClass, signal);
      await this.#saver.save(volume, () => span.ok());
      this.#observer.made(claim, volume, clock.monotonic() - startedMs);
      this.#inProgress.delete(uid);
    } catch (error) {
      if (error instanceof IgnoredClaim) {
        span.fail(error.message);
        this.#recorder.event(claim, 'Normal', 'Provisioning', POPULATOR_MESSAGE);
        this.#inProgress.delete(uid);
        return;
      }
      const failure = asProvisionError('in-background', error);
      span.fail(failure.message);
      // Stopping is no failure of the claim's.
      if (signal.aborted) throw failure;
      await this.#failed(claim, storageClass, failure);
    } finally {
      this.#making.delete(uid);
    }
  }

  /** Tells of the failure and rejects with it, so that the claim is tried again; resolves when it must not be. */
  async #failed(claim: Claim, storageClass: Stored<StorageClass>, failure: ProvisionError): Promise<void> {
    const { uid } = claim.metadata;
    this.#observer.notMade(claim, failure.state);
    const tell = (message: string) => this.#recorder.event(claim, 'Warning', 'ProvisioningFailed', message);
    if (isInfeasible(failure)) {
      this.#slowRetry.add(uid, storageClass.metadata.uid);
      this.#inProgress.delete(uid);
      tell(`Volume provisioning failed with infeasible error. Retries will be delayed. ${failure.message}`);
      throw failure;
    }
    tell(failure.message);
    if (failure.state === 'in-background') this.#inProgress.set(uid, claim);
    if (failure.state === 'finished' || failure.state === 'reschedule') this.#inProgress.delete(uid);
    if (failure.state !== 'reschedule' || annotation(claim, ANN_SELECTED_NODE) === undefined) throw failure;
    // Without the annotation the scheduler chooses again, and then asks again.
    await this.#context.client.update(
      persistentVolumeClaims,
      withAnnotations(claim, { [ANN_SELECTED_NODE]: undefined }),
    );
  }
}

/** The driver calls the request itself wrong: it will be as wrong in a second. */
function isInfeasible({ cause }: ProvisionError): boolean {
  return cause instanceof CsiError && cause.code === Code.INVALID_ARGUMENT;
}
