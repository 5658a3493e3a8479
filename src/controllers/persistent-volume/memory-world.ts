import { FakeClock, Trace } from '../../base/index.ts';
import {
  claimKeysOf,
  defaultStorageClass,
  isPodTerminated,
  keyOf,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
  persistentVolumeClaims,
  persistentVolumes,
  type StorageClass,
  type Stored,
  staleObject,
} from '../../kube/index.ts';
import { Announcer } from './announcer.ts';
import { ClaimSync, type ClaimWorld } from './claim-sync.ts';
import { findBestMatch } from './find-best-match.ts';
import { prune } from './fixtures.ts';
import { Journal } from './journal.ts';
import type { ClaimDecision } from './sync-claim.ts';
import { VolumeIndex } from './volume-index.ts';
import { VolumeSync, type VolumeWorld } from './volume-sync.ts';

type Volume = Stored<PersistentVolume>;
type Claim = Stored<PersistentVolumeClaim>;

export interface Given {
  readonly volumes?: readonly Volume[];
  readonly claims?: readonly Claim[];
  /** Claims that the server has and the cache has not. */
  readonly uncached?: readonly Claim[];
  readonly classes?: readonly Stored<StorageClass>[];
  readonly pods?: readonly Pod[];
}

/** For tests: objects in maps, with the optimistic locking of the API server and, on demand, a crash. */
export class MemoryWorld implements ClaimWorld, VolumeWorld {
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
  readonly #given: Given;

  constructor(given: Given) {
    this.#given = given;
    for (const volume of given.volumes ?? []) {
      this.volumes.set(volume.metadata.name, volume);
      this.index.set(volume);
    }
    for (const claim of given.claims ?? []) this.claims.set(keyOf(claim), claim);
  }

  async syncClaim(name: string): Promise<ClaimDecision> {
    const clock = new FakeClock();
    const sync = new ClaimSync(this, this.#announcer(clock), new Journal(new Trace(clock)));
    return sync.sync(this.claims.get(`default/${name}`)!);
  }

  async syncVolume(name: string): Promise<Volume> {
    const wake = (key: string) => this.wokenClaims.push(key);
    return new VolumeSync(this, this.#announcer(new FakeClock()), wake).sync(this.volumes.get(name)!);
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

  hold(name: string): void {
    this.index.delete(name);
  }

  refresh(name: string): void {
    this.index.set(this.volumes.get(name)!);
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
    this.volumes.set(name, saved);
    this.index.set(saved);
    return saved;
  }

  #save<T extends Volume | Claim>(
    previous: T,
    next: T,
    subresource: 'status' | undefined,
    resource: typeof persistentVolumes | typeof persistentVolumeClaims,
  ): T {
    if (this.writes++ >= this.crashAt) throw new Error('crash');
    if (previous.metadata.resourceVersion !== next.metadata.resourceVersion) {
      throw staleObject(resource, next.metadata.name);
    }
    const merged = subresource ? { ...previous, status: next.status } : { ...next, status: previous.status };
    const resourceVersion = String(Number(previous.metadata.resourceVersion) + 1);
    return prune({ ...merged, metadata: { ...merged.metadata, resourceVersion } });
  }

  #announcer(clock: FakeClock): Announcer {
    const event = (_subject: unknown, type: string, reason: string, message: string) => {
      this.events.push(`${type} ${reason}`);
      this.messages.push(`${reason}: ${message}`);
    };
    return new Announcer({ event }, clock);
  }
}
