import type { Clock } from '../../base/index.ts';
import type { Client, ComponentContext, Informer } from '../../client/index.ts';
import {
  claimKeysOf,
  defaultStorageClass,
  isNotFound,
  isPodTerminated,
  joinKey,
  type KubeObject,
  keyOf,
  type Node,
  nodes,
  type PersistentVolume,
  type PersistentVolumeClaim,
  POD_PVC_INDEX,
  type Pod,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  type Resource,
  type StorageClass,
  type Stored,
  storageClasses,
} from '../../kube/index.ts';
import type { ClaimWorld } from './claim-sync.ts';
import { findBestMatch } from './find-best-match.ts';
import type { InTreeWorld } from './in-tree.ts';
import { Latest } from './latest.ts';
import type { ControlPlugins } from './plugins.ts';
import { runRecycler } from './run-recycler.ts';
import { VolumeIndex } from './volume-index.ts';
import { isReleased, type VolumeWorld } from './volume-sync.ts';

type Volume = Stored<PersistentVolume>;
type Claim = Stored<PersistentVolumeClaim>;

const CLAIMS_BY_VOLUME = 'pvc-volume-name';

/** What the controller knows: informers, what it wrote itself, and the index in which claims find volumes. */
export class World implements ClaimWorld, VolumeWorld, InTreeWorld {
  readonly plugins: ControlPlugins;
  readonly claimInformer: Informer<PersistentVolumeClaim>;
  readonly volumeInformer: Informer<PersistentVolume>;
  readonly classInformer: Informer<StorageClass>;
  readonly podInformer: Informer<Pod>;
  readonly nodeInformer: Informer<Node>;
  readonly index = new VolumeIndex();
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #claims: Latest<PersistentVolumeClaim>;
  readonly #volumes: Latest<PersistentVolume>;

  constructor({ client, clock, informers }: ComponentContext, plugins: ControlPlugins) {
    this.#client = client;
    this.#clock = clock;
    this.plugins = plugins;
    this.claimInformer = informers.of(persistentVolumeClaims).addIndex(CLAIMS_BY_VOLUME, volumeNameOf);
    this.volumeInformer = informers.of(persistentVolumes);
    this.classInformer = informers.of(storageClasses);
    this.podInformer = informers.of(pods).addIndex(POD_PVC_INDEX, claimKeysOf);
    this.nodeInformer = informers.of(nodes);
    this.#claims = new Latest(this.claimInformer);
    this.#volumes = new Latest(this.volumeInformer);
  }

  claim(key: string): Claim | undefined {
    return this.#claims.byKey(key);
  }

  volume(name: string): Volume | undefined {
    return this.#volumes.byKey(name);
  }

  storageClass(name: string): StorageClass | undefined {
    return this.classInformer.get(name);
  }

  defaultClass(): string | undefined {
    return defaultStorageClass(this.classInformer.values())?.metadata.name;
  }

  findBestMatch(claim: Claim, delayBinding: boolean): Volume | undefined {
    return findBestMatch(this.index, claim, { delayBinding });
  }

  unscheduledPods(claim: Claim): readonly string[] {
    return this.podInformer
      .byIndex(POD_PVC_INDEX, keyOf(claim))
      .filter((pod) => !isPodTerminated(pod) && !pod.spec?.nodeName)
      .map((pod) => pod.metadata.name);
  }

  podsUsing({ spec }: PersistentVolume): readonly string[] {
    const key = joinKey(spec?.claimRef?.namespace, spec?.claimRef?.name ?? '');
    // A claim of that name is another one: this volume's is gone, and so are its pods.
    if (this.claim(key)) return [];
    const users = this.podInformer.byIndex(POD_PVC_INDEX, key).filter((pod) => !isPodTerminated(pod));
    return users.map(keyOf).sort();
  }

  node(name: string): Stored<Node> | undefined {
    return this.nodeInformer.get(name);
  }

  isReleased(volume: Volume): Promise<boolean> {
    return isReleased(volume, this);
  }

  /** The claims whose spec names the volume. */
  claimsNaming(volume: string): readonly Claim[] {
    return this.claimInformer.byIndex(CLAIMS_BY_VOLUME, volume);
  }

  /** Straight from the API server; undefined when it is not there. */
  async liveClaim(namespace: string | undefined, name: string): Promise<Claim | undefined> {
    return this.#live(persistentVolumeClaims, { namespace, name });
  }

  async liveVolume(name: string): Promise<Volume | undefined> {
    return this.#live(persistentVolumes, { name });
  }

  async saveClaim(claim: Claim, subresource?: 'status'): Promise<Claim> {
    const saved = await this.#client.update(persistentVolumeClaims, claim, { subresource });
    this.#claims.wrote(saved);
    return saved;
  }

  async saveVolume(volume: Volume, subresource?: 'status'): Promise<Volume> {
    const saved = await this.#client.update(persistentVolumes, volume, { subresource });
    this.#volumes.wrote(saved);
    this.refresh(saved.metadata.name);
    return saved;
  }

  async createVolume(volume: PersistentVolume): Promise<void> {
    const made = await this.#client.create(persistentVolumes, volume);
    this.#volumes.wrote(made);
    this.refresh(made.metadata.name);
  }

  async deleteVolume(name: string): Promise<void> {
    await this.#client.delete(persistentVolumes, { name });
  }

  runRecycler(
    pod: Pod,
    tell: (type: 'Normal' | 'Warning', message: string) => void,
    signal: AbortSignal,
  ): Promise<void> {
    return runRecycler(pod, { client: this.#client, clock: this.#clock, tell, signal });
  }

  /** Puts the volume into the index as it is now known; call it when the informer has news, or after `hold`. */
  refresh(name: string): void {
    const volume = this.volume(name);
    if (volume) this.index.set(volume);
    else this.index.delete(name);
  }

  /** Lets no other claim choose the volume while this one is being bound to it. */
  hold(name: string): void {
    this.index.delete(name);
  }

  async #live<T extends KubeObject>(
    resource: Resource<T>,
    name: { namespace?: string; name: string },
  ): Promise<Stored<T> | undefined> {
    try {
      return await this.#client.get(resource, name);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }
}

function volumeNameOf(claim: PersistentVolumeClaim): readonly string[] {
  return claim.spec?.volumeName ? [claim.spec.volumeName] : [];
}
