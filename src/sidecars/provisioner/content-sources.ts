import { errorMessage } from '../../base/index.ts';
import { type Client, type ComponentContext, type Informer, ignoreNotFound } from '../../client/index.ts';
import {
  hasFinalizer,
  isForbidden,
  type PersistentVolumeClaim,
  persistentVolumeClaims,
  persistentVolumes,
  type ReferenceGrant,
  referenceGrants,
  type StorageClass,
  type Stored,
  type VolumeSnapshot,
  volumeSnapshotContents,
  volumeSnapshots,
  withFinalizer,
  withoutFinalizer,
} from '../../kube/index.ts';
import {
  boundContentName,
  type ContentSource,
  FINALIZER_CLONING,
  FINALIZER_SNAPSHOT_PROVISIONING,
  snapshotSource,
  sourceVolumeName,
  volumeSource,
} from './content-source.ts';
import { type DataSource, isGranted } from './data-source.ts';
import { ProvisionError } from './provision-error.ts';

type Claim = Stored<PersistentVolumeClaim>;

/** Looks up what volumes are made of, and keeps it while they are. */
export class ContentSources {
  readonly #client: Client;
  readonly #claims: Informer<PersistentVolumeClaim>;
  readonly #preventModeConversion: boolean;

  constructor({ client, informers }: ComponentContext, options: { preventModeConversion: boolean }) {
    this.#client = client;
    this.#claims = informers.of(persistentVolumeClaims);
    this.#preventModeConversion = options.preventModeConversion;
  }

  /**
   * The source as the driver knows it; from now on it is kept until `release`.
   * @throws ProvisionError that says why there is none. Source: getVolumeContentSource of external-provisioner.
   */
  async hold(claim: Claim, storageClass: StorageClass, source: DataSource): Promise<ContentSource> {
    await this.#checkGrant(claim, source);
    let found: ContentSource;
    try {
      found =
        source.kind === 'VolumeSnapshot'
          ? await this.#snapshot(claim, storageClass, source)
          : await this.#volume(claim, storageClass, source);
    } catch (error) {
      throw new ProvisionError(
        'no-change',
        `error getting handle for DataSource Type ${source.kind} by Name ${source.name}: ${errorMessage(error)}`,
        { cause: error },
      );
    }
    try {
      if (source.kind === 'VolumeSnapshot') await this.#changeSnapshot(source, withFinalizer);
      else await this.#keepClaim(source);
    } catch (error) {
      throw new ProvisionError('no-change', errorMessage(error), { cause: error });
    }
    return found;
  }

  /** The volume is made. A claim is let go by the clone protection, once no other volume is made of it. */
  async release(source: DataSource): Promise<void> {
    if (source.kind === 'VolumeSnapshot') await this.#changeSnapshot(source, withoutFinalizer);
  }

  async #snapshot(claim: Claim, storageClass: StorageClass, source: DataSource): Promise<ContentSource> {
    const { name, namespace } = source;
    const snapshot = await this.#client.get(volumeSnapshots, { name, namespace }).catch((error) => {
      throw new Error(`error getting snapshot ${name} from api server: ${errorMessage(error)}`);
    });
    const contentName = boundContentName(snapshot);
    const content = await this.#client.get(volumeSnapshotContents, { name: contentName }).catch((error) => {
      throw new Error(`error getting snapshotcontent ${contentName} for snapshot ${name}`, { cause: error });
    });
    const options = { preventModeConversion: this.#preventModeConversion };
    return snapshotSource(claim, storageClass, snapshot, content, options);
  }

  async #volume(claim: Claim, storageClass: StorageClass, source: DataSource): Promise<ContentSource> {
    const found = this.#claimOf(source);
    if (!found) {
      const own = JSON.stringify(claim.metadata.namespace);
      const missing = `persistentvolumeclaim ${JSON.stringify(source.name)} not found`;
      throw new Error(`error getting PVC ${source.name} (namespace ${own}) from api server: ${missing}`);
    }
    const name = sourceVolumeName(claim, found);
    const volume = await ignoreNotFound(this.#client.get(persistentVolumes, { name }));
    return volumeSource(claim, storageClass, found, volume);
  }

  #claimOf({ name, namespace }: DataSource): Claim | undefined {
    return this.#claims.get(name, namespace);
  }

  async #keepClaim(source: DataSource): Promise<void> {
    const claim = this.#claimOf(source);
    if (!claim || hasFinalizer(claim, FINALIZER_CLONING)) return;
    await this.#client.update(persistentVolumeClaims, withFinalizer(claim, FINALIZER_CLONING));
  }

  /** Who may not write snapshots makes volumes of them all the same: roles of older times do not allow it. */
  async #changeSnapshot(
    { name, namespace }: DataSource,
    change: (snapshot: Stored<VolumeSnapshot>, finalizer: string) => Stored<VolumeSnapshot>,
  ): Promise<void> {
    const snapshot = await ignoreNotFound(this.#client.get(volumeSnapshots, { name, namespace }));
    if (!snapshot) return;
    const next = change(snapshot, FINALIZER_SNAPSHOT_PROVISIONING);
    const was = hasFinalizer(snapshot, FINALIZER_SNAPSHOT_PROVISIONING);
    if (was === hasFinalizer(next, FINALIZER_SNAPSHOT_PROVISIONING)) return;
    await ignoreNotFound(this.#client.update(volumeSnapshots, next)).catch((error) => {
      if (!isForbidden(error)) throw error;
    });
  }

  /** Source: dataSource of external-provisioner, gate CrossNamespaceVolumeDataSource. */
  async #checkGrant(claim: Claim, source: DataSource): Promise<void> {
    const { name, namespace } = claim.metadata;
    if (source.namespace === namespace) return;
    let grants: readonly ReferenceGrant[];
    try {
      grants = (await this.#client.list(referenceGrants, { namespace: source.namespace })).items;
    } catch (error) {
      const why = errorMessage(error);
      throw new ProvisionError(
        'finished',
        `error getting ReferenceGrants in ${source.namespace} namespace from api server: ${why}`,
      );
    }
    if (isGranted(claim, source, grants)) return;
    throw new ProvisionError(
      'finished',
      `accessing ${source.namespace}/${source.name} of ${source.kind} dataSource from ${namespace}/${name} isn't allowed`,
    );
  }
}
