import { type Clock, FakeClock, Trace } from '../../base/index.ts';
import {
  claimKeysOf,
  defaultStorageClass,
  isBeingDeleted,
  isPodTerminated,
  keyOf,
  type Node,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
  persistentVolumeClaims,
  persistentVolumes,
  type StorageClass,
  type Stored,
  staleObject,
  withMetadata,
} from '../../kube/index.ts';
import { type ControlPlugin, createPluginRegistry } from '../../volume/index.ts';
import { Announcer } from './announcer.ts';
import { ClaimSync, type ClaimWorld } from './claim-sync.ts';
import { findBestMatch } from './find-best-match.ts';
import { prune } from './fixtures.ts';
import { InTreeVolumes, type InTreeWorld } from './in-tree.ts';
import { Journal } from './journal.ts';
import type { ClaimDecision } from './sync-claim.ts';
import { VolumeIndex } from './volume-index.ts';
import { isReleased, VolumeSync, type VolumeWorld } from './volume-sync.ts';

type Volume = Stored<PersistentVolume>;
type Claim = Stored<PersistentVolumeClaim>;

export interface Given {
  readonly volumes?: readonly Volume[];
  readonly claims?: readonly Claim[];
  /** Claims that the server has and the cache has not. */
  readonly uncached?: readonly Claim[];
  readonly classes?: readonly Stored<StorageClass>[];
  readonly pods?: readonly Pod[];
  readonly nodes?: readonly Stored<Node>[];
  readonly plugins?: readonly ControlPlugin[];
  /** What a recycler pod comes to. @default it goes well */
  runRecycler?(pod: Pod): Promise<void>;
}

const MAX_ROUNDS = 20;

/** Waits for nothing. */
const EAGER_CLOCK: Clock = {
  now: () => 0,
  monotonic: () => 0,
  after(_delayMs, callback) {
    queueMicrotask(callback);
    return { cancel() {} };
  },
  soon: queueMicrotask,
};

/** For tests: objects in maps, with the optimistic locking of the API server and, on demand, a crash. */
export class MemoryWorld implements ClaimWorld, VolumeWorld, InTreeWorld {
  readonly volumes = new Map<string, Volume>();
  readonly claims = new Map<string, Claim>();
  readonly events: string[] = [];
  /** `reason: message` of each event. */
  readonly messages: string[] = [];
  readonly index = new VolumeIndex();
  readonly wokenClaims: string[] = [];
  writes = 0;
  /** The write with this number, from 0, and all later ones fail. */
  crashAt = Number.POSITIVE_INFINITY;
  hasCrashed = false;
  readonly plugins;
  readonly recyclers: Pod[] = [];
  readonly #given: Given;

  constructor(given: Given) {
    this.#given = given;
    this.plugins = createPluginRegistry(given.plugins ?? []);
    for (const volume of given.volumes ?? []) {
      this.volumes.set(volume.metadata.name, volume);
      this.index.set(volume);
    }
    for (const claim of given.claims ?? []) this.claims.set(keyOf(claim), claim);
  }

  async syncClaim(name: string): Promise<ClaimDecision> {
    const announcer = this.#announcer();
    const journal = new Journal(new Trace(new FakeClock()));
    const inTree = new InTreeVolumes({ world: this, announcer, clock: EAGER_CLOCK });
    const sync = new ClaimSync(this, announcer, journal, inTree);
    const decision = await sync.sync(this.claims.get(`default/${name}`)!);
    await inTree.idle();
    return decision;
  }

  async syncVolume(name: string): Promise<Volume> {
    const wake = (key: string) => this.wokenClaims.push(key);
    const announcer = this.#announcer();
    const inTree = new InTreeVolumes({ world: this, announcer, clock: EAGER_CLOCK });
    const synced = await new VolumeSync(this, announcer, inTree, wake).sync(this.volumes.get(name)!);
    await inTree.idle();
    return synced;
  }

  /** Syncs everything, again and again, until nothing is written any more. */
  async settle(): Promise<void> {
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const before = this.writes;
      for (const { metadata } of [...this.claims.values()]) await this.syncClaim(metadata.name);
      for (const name of [...this.volumes.keys()]) await this.syncVolume(name);
      if (this.writes === before) return;
    }
    throw new Error(`still changing after ${MAX_ROUNDS} rounds`);
  }

  volume = (name: string) => this.volumes.get(name);
  liveVolume = async (name: string) => this.volumes.get(name);
  claim = (key: string) => this.claims.get(key);
  liveClaim = async (namespace: string | undefined, name: string) =>
    this.#given.uncached?.find((claim) => claim.metadata.name === name) ??
    this.claims.get(`${namespace}/${name}`);
  storageClass = (name: string) => this.#given.classes?.find((found) => found.metadata.name === name);
  defaultClass = () => defaultStorageClass(this.#given.classes ?? [])?.metadata.name;
  findBestMatch = (claim: Claim, delayBinding: boolean) => findBestMatch(this.index, claim, { delayBinding });
  unscheduledPods = (claim: Claim) =>
    (this.#given.pods ?? [])
      .filter(
        (pod) => claimKeysOf(pod).includes(keyOf(claim)) && !isPodTerminated(pod) && !pod.spec?.nodeName,
      )
      .map((pod) => pod.metadata?.name ?? '');

  podsUsing = ({ spec }: PersistentVolume) => {
    const key = `${spec?.claimRef?.namespace}/${spec?.claimRef?.name}`;
    const isUser = (pod: Pod) => claimKeysOf(pod).includes(key) && !isPodTerminated(pod);
    return this.claims.has(key) ? [] : (this.#given.pods ?? []).filter(isUser).map(keyOf).sort();
  };
  node = (name: string) => this.#given.nodes?.find(({ metadata }) => metadata.name === name);
  isReleased = (volume: Volume) => isReleased(volume, this);

  async runRecycler(pod: Pod): Promise<void> {
    this.recyclers.push(pod);
    await this.#given.runRecycler?.(pod);
  }

  async createVolume(volume: PersistentVolume): Promise<void> {
    this.#write();
    const name = volume.metadata?.name ?? '';
    const metadata = { uid: `uid-${name}`, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' };
    const made = prune({ apiVersion: 'v1', kind: 'PersistentVolume', ...withMetadata(volume, metadata) });
    this.volumes.set(name, { ...made, status: { phase: 'Pending' } } as Volume);
    this.refresh(name);
  }

  async deleteVolume(name: string): Promise<void> {
    this.#write();
    const volume = this.volumes.get(name);
    if (!volume) return;
    const held = (volume.metadata.finalizers ?? []).length > 0;
    if (!held) this.volumes.delete(name);
    else if (!isBeingDeleted(volume)) {
      this.volumes.set(name, withMetadata(volume, { deletionTimestamp: '2026-01-01T00:00:01Z' }) as Volume);
    }
    this.refresh(name);
  }

  hold(name: string): void {
    this.index.delete(name);
  }

  refresh(name: string): void {
    const volume = this.volumes.get(name);
    if (volume) this.index.set(volume);
    else this.index.delete(name);
  }

  async saveClaim(claim: Claim, subresource?: 'status'): Promise<Claim> {
    const key = keyOf(claim);
    const saved = this.#save(this.claims.get(key)!, claim, subresource, persistentVolumeClaims);
    this.claims.set(key, saved);
    return saved;
  }

  async saveVolume(volume: Volume, subresource?: 'status'): Promise<Volume> {
    const { name } = volume.metadata;
    const saved = this.#save(this.volumes.get(name)!, volume, subresource, persistentVolumes);
    if (isBeingDeleted(saved) && !saved.metadata.finalizers) this.volumes.delete(name);
    else this.volumes.set(name, saved);
    this.refresh(name);
    return saved;
  }

  #save<T extends Volume | Claim>(
    previous: T,
    next: T,
    subresource: 'status' | undefined,
    resource: typeof persistentVolumes | typeof persistentVolumeClaims,
  ): T {
    this.#write();
    if (previous.metadata.resourceVersion !== next.metadata.resourceVersion) {
      throw staleObject(resource, next.metadata.name);
    }
    const merged = subresource ? { ...previous, status: next.status } : { ...next, status: previous.status };
    const resourceVersion = String(Number(previous.metadata.resourceVersion) + 1);
    return prune({ ...merged, metadata: { ...merged.metadata, resourceVersion } });
  }

  #write(): void {
    if (this.writes++ < this.crashAt) return;
    this.hasCrashed = true;
    throw new Error('crash');
  }

  #announcer(): Announcer {
    const event = (_subject: unknown, type: string, reason: string, message: string) => {
      this.events.push(`${type} ${reason}`);
      this.messages.push(`${reason}: ${message}`);
    };
    return new Announcer({ event }, new FakeClock());
  }
}
