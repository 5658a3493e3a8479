import type { Client, ComponentContext, Informer } from '../../client/index.ts';
import {
  claimKeysOf,
  defaultStorageClass,
  isNotFound,
  isPodTerminated,
  type KubeObject,
  keyOf,
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
import { Latest } from './latest.ts';
import { VolumeIndex } from './volume-index.ts';
import type { VolumeWorld } from './volume-sync.ts';

type Volume = Stored<PersistentVolume>;
type Claim = Stored<PersistentVolumeClaim>;

const CLAIMS_BY_VOLUME = 'pvc-volume-name';

/** What the controller knows: informers, what it wrote itself, and the index in which claims find volumes. */
export class World implements ClaimWorld, VolumeWorld {
  readonly claimInformer: Informer<PersistentVolumeClaim>;
  readonly volumeInformer: Informer<PersistentVolume>;
  readonly classInformer: Informer<StorageClass>;
  readonly podInformer: Informer<Pod>;
  readonly index = new VolumeIndex();
  readonly #client: Client;
  readonly #claims: Latest<PersistentVolumeClaim>;
  readonly #volumes: Latest<PersistentVolume>;

  constructor({ client, informers }: ComponentContext) {
    this.#client = client;
    this.claimInformer = informers.of(persistentVolumeClaims).addIndex(CLAIMS_BY_VOLUME, volumeNameOf);
    this.volumeInformer = informers.of(persistentVolumes);
    this.classInformer = informers.of(storageClasses);
    this.podInformer = informers.of(pods).addIndex(POD_PVC_INDEX, claimKeysOf);
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
