import { type ComponentContext, Controller, type Informer, ignoreNotFound } from '../../client/index.ts';
import {
  hasFinalizer,
  isBeingDeleted,
  joinKey,
  keyOf,
  type PersistentVolumeClaim,
  persistentVolumeClaims,
  type Stored,
  type VolumeSnapshot,
  volumeSnapshots,
  withoutFinalizer,
} from '../../kube/index.ts';
import type { Driver } from '../shared/driver.ts';
import { FINALIZER_CLONING, FINALIZER_SNAPSHOT_PROVISIONING } from './content-source.ts';

/** Claims by `KIND namespace/name` of what their volumes are made of. */
const BY_SOURCE = 'provisioner/source';
/** A claim that is still in the making need not be told of: its next change wakes us. */
const PENDING_RETRY_MS = 60_000;

type Claim = Stored<PersistentVolumeClaim>;

function sourcesOf({ metadata, spec }: Claim): readonly string[] {
  const source = spec?.dataSource ?? spec?.dataSourceRef;
  if (!source) return [];
  const namespace = spec?.dataSource
    ? metadata.namespace
    : spec?.dataSourceRef?.namespace || metadata.namespace;
  return [`${source.kind} ${joinKey(namespace, source.name)}`];
}

function isPending({ status }: Claim): boolean {
  return (status?.phase ?? 'Pending') === 'Pending';
}

export interface SourceProtectionOptions {
  readonly driver: Driver;
  /** How many sources are let go of at once. */
  readonly workers: number;
  /** Claims for which the driver may be making a volume, also when they are gone. */
  underWay(): readonly Claim[];
}

/**
 * Lets go of claims and snapshots that volumes were made of, once none is any more: a claim when it is to go, a snapshot
 * at once, whoever has forgotten it. Source: CloningProtectionController, SnapshotFinalizerController of
 * external-provisioner.
 */
export class SourceProtection {
  readonly #context: ComponentContext;
  readonly #claims: Informer<PersistentVolumeClaim>;
  readonly #snapshots: Informer<VolumeSnapshot> | undefined;
  readonly #isCloning: boolean;
  readonly #queue: Controller;
  readonly #underWay: () => readonly Claim[];

  constructor(context: ComponentContext, { driver, workers, underWay }: SourceProtectionOptions) {
    this.#context = context;
    this.#underWay = underWay;
    const { informers, clock, log } = context;
    this.#claims = informers.of(persistentVolumeClaims).addIndex(BY_SOURCE, sourcesOf);
    this.#isCloning = driver.controller.has('CLONE_VOLUME');
    if (driver.controller.has('CREATE_DELETE_SNAPSHOT')) this.#snapshots = informers.of(volumeSnapshots);
    this.#queue = new Controller({
      name: `source protection of ${driver.name}`,
      clock,
      log,
      workers,
      // Upstream gives it the name that the queue of new claims has.
      observer: context.queues?.('claims'),
      reconcile: (key) => this.#reconcile(key),
    });
  }

  get informers(): readonly { synced: Promise<void> }[] {
    // Not the snapshots: where nobody has installed their kinds volumes are made all the same.
    return [this.#claims];
  }

  /** Works until the signal aborts. The informers must be synced. */
  async run(signal: AbortSignal): Promise<void> {
    const lookAtClaim = (claim: Claim) => {
      if (this.#isCloning && isBeingDeleted(claim) && hasFinalizer(claim, FINALIZER_CLONING))
        this.#queue.enqueue(`PersistentVolumeClaim ${keyOf(claim)}`);
      if (!isPending(claim)) for (const key of sourcesOf(claim)) this.#queue.enqueue(key);
    };
    const lookAtSnapshot = (snapshot: Stored<VolumeSnapshot>) => {
      if (hasFinalizer(snapshot, FINALIZER_SNAPSHOT_PROVISIONING))
        this.#queue.enqueue(`VolumeSnapshot ${keyOf(snapshot)}`);
    };
    const stops = [
      this.#claims.on({
        added: lookAtClaim,
        updated: lookAtClaim,
        deleted: (claim) => {
          for (const key of sourcesOf(claim)) this.#queue.enqueue(key);
        },
      }),
      this.#snapshots?.on({ added: lookAtSnapshot, updated: lookAtSnapshot }),
    ];
    await this.#queue.run(signal);
    for (const stop of stops) stop?.();
  }

  async #reconcile(source: string): Promise<number | undefined> {
    const [kind = '', key = ''] = source.split(' ');
    const claim = kind === 'PersistentVolumeClaim' ? this.#claims.byKey(key) : undefined;
    const snapshot = kind === 'VolumeSnapshot' ? this.#snapshots?.byKey(key) : undefined;
    const isHeldClaim = claim && isBeingDeleted(claim) && hasFinalizer(claim, FINALIZER_CLONING);
    const isHeldSnapshot = snapshot && hasFinalizer(snapshot, FINALIZER_SNAPSHOT_PROVISIONING);
    if (!isHeldClaim && !isHeldSnapshot) return undefined;
    if (this.#claims.byIndex(BY_SOURCE, source).some(isPending)) return PENDING_RETRY_MS;
    // Without its source nobody could ever learn whether the volume was made: upstream's is then left for ever.
    if (this.#underWay().some((claim) => sourcesOf(claim).includes(source))) return PENDING_RETRY_MS;
    const { client } = this.#context;
    if (isHeldClaim) {
      const free = withoutFinalizer(claim, FINALIZER_CLONING);
      await ignoreNotFound(client.update(persistentVolumeClaims, free));
    }
    if (isHeldSnapshot) {
      const free = withoutFinalizer(snapshot, FINALIZER_SNAPSHOT_PROVISIONING);
      await ignoreNotFound(client.update(volumeSnapshots, free));
    }
    return undefined;
  }
}
