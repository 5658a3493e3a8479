import { type Clock, sleep } from '../../base/index.ts';
import {
  type Component,
  type ComponentContext,
  Controller,
  type InformerHandler,
  runControllers,
} from '../../client/index.ts';
import {
  claimClass,
  claimNamesClass,
  isBoundToClaim,
  isDefaultClass,
  joinKey,
  keyOf,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type StorageClass,
  type Stored,
} from '../../kube/index.ts';
import { isFree } from '../../volume/binding/index.ts';
import { createPluginRegistry } from '../../volume/index.ts';
import { Announcer } from './announcer.ts';
import { ClaimSync } from './claim-sync.ts';
import { InTreeVolumes } from './in-tree.ts';
import { Journal } from './journal.ts';
import type { ControlPlugins } from './plugins.ts';
import { VolumeSync } from './volume-sync.ts';
import { WaitingClaims } from './waiting-claims.ts';
import { World } from './world.ts';

/** event.source.component, as upstream's. */
const COMPONENT = 'persistentvolume-controller';
/** How often unsettled objects are looked at without any change (PVClaimBinderSyncPeriod). */
const RESYNC_MS = 15_000;
/** Each mostly waits for a write; the writes of many then share a commit. */
const WORKERS = 64;

type Volume = Stored<PersistentVolume>;
type Claim = Stored<PersistentVolumeClaim>;

export interface PersistentVolumeControllerOptions {
  /** What makes, scrubs and deletes volumes here. @default none */
  readonly plugins?: ControlPlugins;
}

/**
 * Binds claims and volumes to each other, asks provisioners for volumes that are missing, and releases volumes whose
 * claim is gone. Source: kube-controller-manager's persistentvolume-binder-controller.
 */
export function createPersistentVolumeController(
  context: ComponentContext,
  { plugins = createPluginRegistry([]) }: PersistentVolumeControllerOptions = {},
): Component {
  return new PersistentVolumeController(context, plugins);
}

class PersistentVolumeController implements Component {
  readonly name = COMPONENT;
  readonly #clock: Clock;
  readonly #world: World;
  readonly #journal: Journal;
  readonly #announcer: Announcer;
  readonly #inTree: InTreeVolumes;
  readonly #claimSync: ClaimSync;
  readonly #volumeSync: VolumeSync;
  readonly #claims: Controller;
  readonly #volumes: Controller;
  readonly #waiting = new WaitingClaims();
  /** The free volume for which a waiting claim was woken, by the claim's key. */
  readonly #wokenFor = new Map<string, string>();

  constructor(context: ComponentContext, plugins: ControlPlugins) {
    const { clock, log } = context;
    this.#clock = clock;
    this.#world = new World(context, plugins);
    this.#journal = new Journal(context.trace);
    this.#announcer = new Announcer(context.recorder(COMPONENT), clock);
    const [world, announcer] = [this.#world, this.#announcer];
    this.#inTree = new InTreeVolumes({
      world,
      announcer,
      clock,
      retryClaim: (key, afterMs) => this.#claims.enqueueAfter(key, afterMs),
      retryVolume: (name, afterMs) => this.#volumes.enqueueAfter(name, afterMs),
    });
    this.#claimSync = new ClaimSync(world, announcer, this.#journal, this.#inTree);
    // One that the cache does not have yet comes by itself; its sync would only send the volume here again.
    const syncClaim = (key: string) => void (world.claim(key) && this.#claims.enqueue(key));
    this.#volumeSync = new VolumeSync(world, announcer, this.#inTree, syncClaim);
    const shared = { clock, log, workers: WORKERS };
    this.#claims = new Controller({
      ...shared,
      name: 'claim worker',
      reconcile: (key) => this.#reconcileClaim(key),
    });
    this.#volumes = new Controller({
      ...shared,
      name: 'volume worker',
      reconcile: (name) => this.#reconcileVolume(name),
    });
  }

  async start(signal: AbortSignal): Promise<void> {
    const { claimInformer, volumeInformer, classInformer, podInformer, nodeInformer } = this.#world;
    await runControllers(signal, {
      informers: { claimInformer, volumeInformer, classInformer, podInformer, nodeInformer },
      listen: () => [
        // Volumes first: a claim must see all of them before it is decided on.
        volumeInformer.on(this.#volumeHandler()),
        claimInformer.on(this.#claimHandler()),
        classInformer.on(this.#classHandler()),
      ],
      loops: [this.#claims, this.#volumes, { run: (stopped) => this.#resync(stopped) }],
    });
    await this.#inTree.stop();
  }

  async #reconcileClaim(key: string): Promise<void> {
    const claim = this.#world.claim(key);
    const wokenFor = this.#wokenFor.get(key);
    this.#wokenFor.delete(key);
    this.#waiting.delete(key);
    if (!claim) {
      // Here and not as the claim goes: a binding that was still under way then would hold its volume.
      for (const volume of this.#world.index.reservedFor(key)) this.#volumes.enqueue(volume.metadata.name);
      if (wokenFor !== undefined) this.#volumes.enqueue(wokenFor);
      return;
    }
    const decision = await this.#claimSync.sync(claim);
    if (decision.action !== 'bind') {
      if (this.#claimSync.takesAnyVolume(claim)) this.#waiting.add(claim);
    } else if (wokenFor !== undefined && wokenFor !== decision.volume.metadata.name) {
      // It took another volume; this one may suit the next that waits.
      this.#volumes.enqueue(wokenFor);
    }
  }

  async #reconcileVolume(name: string): Promise<void> {
    const volume = this.#world.volume(name);
    if (!volume) return;
    const synced = await this.#volumeSync.sync(volume);
    if (!isFree(synced)) return;
    const claim = this.#waiting.takeFor(synced);
    if (claim === undefined) return;
    this.#wokenFor.set(claim, name);
    this.#claims.enqueue(claim);
  }

  #claimHandler(): InformerHandler<Claim> {
    const changed = (claim: Claim) => {
      if (claim.status?.phase !== 'Bound' && !claim.spec?.volumeName) this.#journal.seen(claim);
      this.#claims.enqueue(keyOf(claim));
    };
    return {
      added: changed,
      updated: changed,
      deleted: (claim) => {
        const key = keyOf(claim);
        this.#journal.gone(key);
        this.#announcer.forget(claim);
        this.#claims.enqueue(key);
        if (claim.spec?.volumeName) this.#volumes.enqueue(claim.spec.volumeName);
      },
    };
  }

  #volumeHandler(): InformerHandler<Volume> {
    const changed = (volume: Volume) => {
      this.#world.refresh(volume.metadata.name);
      this.#volumes.enqueue(volume.metadata.name);
      this.#syncClaimsOf(volume);
    };
    return {
      added: changed,
      updated: changed,
      deleted: (volume) => {
        this.#world.refresh(volume.metadata.name);
        this.#announcer.forget(volume);
        this.#syncClaimsOf(volume, true);
      },
    };
  }

  /** A claim that is Bound has nothing to gain from news of its volume, unless that is gone, or given to another. */
  #syncClaimsOf(volume: Volume, isGone = false): void {
    const reference = volume.spec?.claimRef;
    const named = reference && this.#world.claim(joinKey(reference.namespace, reference.name ?? ''));
    const naming = this.#world.claimsNaming(volume.metadata.name);
    for (const claim of named ? [named, ...naming] : naming) {
      // A volume that was given to another claim is lost for the one that still names it.
      if (isGone || claim.status?.phase !== 'Bound' || !isBoundToClaim(volume, claim))
        this.#claims.enqueue(keyOf(claim));
    }
  }

  /** A new class, or a new default, lets claims go on. */
  #classHandler(): InformerHandler<Stored<StorageClass>> {
    const changed = (storageClass: Stored<StorageClass>) => {
      const isDefault = isDefaultClass(storageClass);
      const concerns = (claim: Claim) =>
        claimNamesClass(claim) ? claimClass(claim) === storageClass.metadata.name : isDefault;
      for (const key of this.#waiting.keysWhere(concerns)) this.#claims.enqueue(key);
    };
    return { added: changed, updated: changed };
  }

  /** Repeats events and retries what failed, for objects that are not settled. */
  async #resync(signal: AbortSignal): Promise<void> {
    const { claimInformer, volumeInformer } = this.#world;
    while (!signal.aborted) {
      await sleep(this.#clock, RESYNC_MS, signal).catch(() => undefined);
      if (signal.aborted) return;
      for (const claim of claimInformer.values()) {
        if (claim.status?.phase !== 'Bound') this.#claims.enqueue(keyOf(claim));
      }
      for (const volume of volumeInformer.values()) {
        const phase = volume.status?.phase;
        if (phase !== 'Bound' && phase !== 'Available') this.#volumes.enqueue(volume.metadata.name);
      }
    }
  }
}
