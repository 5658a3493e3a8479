import { errorMessage } from '../../base/index.ts';
import {
  contentNameFor,
  FINALIZER_SNAPSHOT_AS_SOURCE,
  FINALIZER_SNAPSHOT_BOUND,
  GROUP_SNAPSHOT_GROUP,
  hasFinalizer,
  isAlreadyExists,
  isBeingDeleted,
  isSnapshotReady,
  keyOf,
  parentGroupOf,
  refersTo,
  type Stored,
  type VolumeSnapshot,
  type VolumeSnapshotContent,
  volumeSnapshotContents,
  volumeSnapshots,
  withFinalizer,
  withMetadata,
} from '../../kube/index.ts';
import { findContent, newContent } from './content.ts';
import { deleteOrphan, deleteSnapshot } from './delete-snapshot.ts';
import { defaultSnapshotClass } from './snapshot-class.ts';
import { SnapshotGone, SnapshotWriter } from './snapshot-writer.ts';
import { holdClaim, releaseClaim, sourceVolume } from './source-claim.ts';
import { updateFailed, type World } from './world.ts';

type Snapshot = Stored<VolumeSnapshot>;
type Content = Stored<VolumeSnapshotContent>;

/** The life of a VolumeSnapshot. Source: syncSnapshot of external-snapshotter's common controller. */
export class SnapshotSync {
  readonly #world: World;
  readonly #writer: SnapshotWriter;

  constructor(world: World) {
    this.#world = world;
    this.#writer = new SnapshotWriter(world);
  }

  /** Resolves to when it is to be looked at again, in milliseconds; undefined: as soon as something is heard of. */
  async sync(key: string): Promise<number | undefined> {
    const found = this.#world.snapshots.byKey(key);
    if (!found) return undefined;
    const snapshot = await this.#withClass(found);
    const kept = await releaseClaim(this.#world, snapshot, { leaving: false }).catch((error: Error) => error);
    const againMs = await this.#proceed(snapshot);
    // It is tried again; upstream waits for the next resync.
    if (kept) throw kept;
    return againMs;
  }

  async #proceed(snapshot: Snapshot): Promise<number | undefined> {
    if (isBeingDeleted(snapshot)) {
      this.#world.operations.snapshots.start('Delete', snapshot, driverOf(this.#world, snapshot));
      return deleteSnapshot(this.#world, snapshot);
    }
    const { persistentVolumeClaimName: claim, volumeSnapshotContentName: content } = snapshot.spec.source;
    if ((claim === undefined) === (content === undefined)) {
      return this.#writer.failWith(snapshot, {
        reason: 'SnapshotValidationError',
        message: 'Exactly one of PersistentVolumeClaimName and VolumeSnapshotContentName should be specified',
      });
    }
    const kept = await this.#addFinalizers(snapshot);
    if (isSnapshotReady(kept) && kept.status?.boundVolumeSnapshotContentName) await this.#checkBinding(kept);
    else await this.#bind(kept);
    return undefined;
  }

  /** With a class, where it needs one and names none. Source: checkAndUpdateSnapshotClass. */
  async #withClass(snapshot: Snapshot): Promise<Snapshot> {
    const { volumeSnapshotClassName: name, source } = snapshot.spec;
    if (name !== undefined) {
      if (this.#world.classes.get(name)) return snapshot;
      const missing = `volumesnapshotclass.${volumeSnapshots.group} ${JSON.stringify(name)} not found`;
      const message = `Failed to get snapshot class with error ${missing}`;
      const told = this.#writer.fault(
        snapshot,
        { reason: 'GetSnapshotClassFailed', message },
        { unready: false },
      );
      await told.catch(() => undefined);
      // It can go without its class.
      if (isBeingDeleted(snapshot)) return snapshot;
      throw new Error(missing);
    }
    if (source.volumeSnapshotContentName !== undefined || parentGroupOf(snapshot)) return snapshot;
    try {
      const volume = await sourceVolume(this.#world, snapshot);
      const driver = volume.spec?.csi?.driver;
      if (driver === undefined) {
        throw new Error(`snapshotting non-CSI volumes is not supported, snapshot:${keyOf(snapshot)}`);
      }
      const { metadata } = defaultSnapshotClass(this.#world.classes.values(), driver);
      const body = { spec: { volumeSnapshotClassName: metadata.name } };
      const { name: own, namespace } = snapshot.metadata;
      return await this.#world.client.patch(
        volumeSnapshots,
        { name: own, namespace },
        { type: 'merge', body },
      );
    } catch (error) {
      // Upstream leaves such a snapshot for ever; nobody would release its finalizers.
      if (isBeingDeleted(snapshot)) return snapshot;
      const message = `Failed to set default snapshot class with error ${errorMessage(error)}`;
      return this.#writer.failWith(
        snapshot,
        { reason: 'SetDefaultSnapshotClassFailed', message, error: errorMessage(error) },
        { unready: false },
      );
    }
  }

  /** Source: checkandAddSnapshotFinalizers. */
  async #addFinalizers(snapshot: Snapshot): Promise<Snapshot> {
    const found = findContent(snapshot, (name) => this.#world.contents.get(name));
    if ('fault' in found) {
      await this.#writer.fault(snapshot, found.fault).catch(() => undefined);
      const message = found.fault.error ?? found.fault.message;
      this.#tell(snapshot, 'SnapshotFinalizerError', `Failed to check and update snapshot: ${message}`);
      throw new Error(message);
    }
    const { content } = found;
    const isBound = Boolean(snapshot.status?.boundVolumeSnapshotContentName);
    const goesWithContent = content?.spec.deletionPolicy === 'Delete' && isBound;
    const wanted = [FINALIZER_SNAPSHOT_AS_SOURCE, ...(goesWithContent ? [FINALIZER_SNAPSHOT_BOUND] : [])];
    if (wanted.every((finalizer) => hasFinalizer(snapshot, finalizer))) return snapshot;
    try {
      return await this.#world.client.update(
        volumeSnapshots,
        wanted.reduce((next, finalizer) => withFinalizer(next, finalizer), snapshot),
      );
    } catch (error) {
      const failure = updateFailed(keyOf(snapshot), error);
      this.#tell(
        snapshot,
        'SnapshotFinalizerError',
        `Failed to check and update snapshot: ${failure.message}`,
      );
      throw failure;
    }
  }

  /** Source: syncReadySnapshot. */
  async #checkBinding(snapshot: Snapshot): Promise<void> {
    const content = this.#world.contents.get(snapshot.status?.boundVolumeSnapshotContentName ?? '');
    if (!content) {
      const message = 'VolumeSnapshotContent is missing';
      return this.#writer.fault(snapshot, { reason: 'SnapshotContentMissing', message });
    }
    if (!refersTo(content, snapshot)) {
      const message = 'VolumeSnapshotContent is not bound to the VolumeSnapshot correctly';
      return this.#writer.fault(snapshot, { reason: 'SnapshotMisbound', message });
    }
    await this.#ownByGroup(snapshot);
  }

  /** A member of a group snapshot that was made by hand. Source: addVolumeGroupSnapshotOwnership. */
  async #ownByGroup(snapshot: Snapshot): Promise<void> {
    const groupName = snapshot.status?.volumeGroupSnapshotName;
    if (!groupName || parentGroupOf(snapshot)) return;
    const group = this.#world.groups.get(groupName, snapshot.metadata.namespace);
    if (!group) {
      throw new Error(`volumegroupsnapshot.${GROUP_SNAPSHOT_GROUP} ${JSON.stringify(groupName)} not found`);
    }
    const owner = {
      apiVersion: `${GROUP_SNAPSHOT_GROUP}/v1`,
      kind: 'VolumeGroupSnapshot',
      name: groupName,
      uid: group.metadata.uid,
    };
    const ownerReferences = [...(snapshot.metadata.ownerReferences ?? []), owner];
    await this.#world.client.update(volumeSnapshots, withMetadata(snapshot, { ownerReferences }));
  }

  /** Source: syncUnreadySnapshot. */
  async #bind(snapshot: Snapshot): Promise<void> {
    const key = keyOf(snapshot);
    const operations = this.#world.operations.snapshots;
    const driver = driverOf(this.#world, snapshot);
    if (snapshot.status?.creationTime === undefined) operations.start('Create', snapshot, driver);
    operations.start('CreateAndReady', snapshot, driver);
    if (snapshot.spec.source.volumeSnapshotContentName !== undefined) return this.#bindGiven(snapshot);
    if (parentGroupOf(snapshot)) {
      const name = snapshot.status?.boundVolumeSnapshotContentName;
      // Its group is about to name it; upstream asks again and again.
      if (!name) return;
      const content = this.#world.contents.get(name);
      if (!content) throw new Error(`group snapshot member ${key} requests an non-existing content ${name}`);
      return this.#follow(snapshot, content, { unready: false });
    }
    const found = findContent(snapshot, (name) => this.#world.contents.get(name));
    if ('fault' in found) return this.#writer.failWith(snapshot, found.fault);
    if (!found.content) return this.#create(snapshot);
    if (found.content.spec.source.snapshotHandle !== undefined) {
      return this.#writer.failWith(snapshot, {
        reason: 'SnapshotHandleSet',
        message: `Snapshot handle should not be set in content ${key} for dynamic provisioning`,
        error: `snapshotHandle should not be set in the content for dynamic provisioning for snapshot ${key}`,
      });
    }
    await this.#follow(snapshot, found.content, { unready: true });
  }

  /** Binds the snapshot to the content that its author has named. */
  async #bindGiven(snapshot: Snapshot): Promise<void> {
    const found = findContent(snapshot, (name) => this.#world.contents.get(name));
    if ('fault' in found) return this.#writer.failWith(snapshot, found.fault);
    const name = snapshot.spec.source.volumeSnapshotContentName;
    if (!found.content) {
      return this.#writer.failWith(snapshot, {
        reason: 'SnapshotContentMissing',
        message: 'VolumeSnapshotContent is missing',
        error: `snapshot ${keyOf(snapshot)} requests an non-existing content ${name}`,
      });
    }
    let content = found.content;
    try {
      content = await this.#bindContent(snapshot, content);
    } catch (error) {
      const why = errorMessage(error);
      return this.#writer.failWith(snapshot, {
        reason: 'SnapshotBindFailed',
        message: `Snapshot failed to bind VolumeSnapshotContent, ${why}`,
        error: `snapshot ${keyOf(snapshot)} is bound, but VolumeSnapshotContent ${name} is not bound to the VolumeSnapshot correctly, ${why}`,
      });
    }
    await this.#follow(snapshot, content, { unready: false });
  }

  /** Source: checkandBindSnapshotContent. */
  async #bindContent(snapshot: Snapshot, content: Content): Promise<Content> {
    const { volumeSnapshotRef, volumeSnapshotClassName } = content.spec;
    const { volumeSnapshotClassName: wanted } = snapshot.spec;
    if (volumeSnapshotRef.uid && (volumeSnapshotClassName !== undefined || wanted === undefined))
      return content;
    const { name } = content.metadata;
    // The reference is atomic: it goes as a whole.
    const spec = {
      volumeSnapshotRef: { ...volumeSnapshotRef, uid: snapshot.metadata.uid },
      ...(wanted !== undefined && { volumeSnapshotClassName: wanted }),
    };
    return this.#world.client.patch(volumeSnapshotContents, { name }, { type: 'merge', body: { spec } });
  }

  async #create(snapshot: Snapshot): Promise<void> {
    let content: Content;
    try {
      content = await this.#createContent(snapshot);
    } catch (error) {
      const why = errorMessage(error);
      const message = `Failed to create snapshot content with error ${why}`;
      return this.#writer.failWith(snapshot, {
        reason: 'SnapshotContentCreationFailed',
        message,
        error: why,
      });
    }
    await this.#follow(snapshot, content, { unready: false });
  }

  /** Source: createSnapshotContent. */
  async #createContent(snapshot: Snapshot): Promise<Content> {
    const key = keyOf(snapshot);
    await holdClaim(this.#world, snapshot);
    let wanted: VolumeSnapshotContent;
    try {
      const className = snapshot.spec.volumeSnapshotClassName;
      const snapshotClass = className === undefined ? undefined : this.#world.classes.get(className);
      if (!snapshotClass) {
        throw new Error(`failed to take snapshot ${snapshot.metadata.name} without a snapshot class`);
      }
      const { nodes, tellsVolumeMode } = this.#world;
      const volume = await sourceVolume(this.#world, snapshot);
      wanted = newContent(snapshot, snapshotClass, volume, { nodes: nodes?.values(), tellsVolumeMode });
    } catch (error) {
      const why = JSON.stringify(errorMessage(error));
      throw new Error(`failed to get input parameters to create snapshot ${snapshot.metadata.name}: ${why}`, {
        cause: error,
      });
    }
    const { client } = this.#world;
    let content: Content;
    try {
      content = await client.create(volumeSnapshotContents, wanted);
    } catch (error) {
      if (!isAlreadyExists(error)) {
        const why = errorMessage(error);
        const message = `Error creating volume snapshot content object for snapshot ${key}: ${why}.`;
        this.#tell(snapshot, 'CreateSnapshotContentFailed', message);
        throw updateFailed(key, error);
      }
      content = await client.get(volumeSnapshotContents, { name: contentNameFor(snapshot) });
    }
    const message = `Waiting for a snapshot ${key} to be created by the CSI driver.`;
    this.#world.recorder.event(snapshot, 'Normal', 'CreatingSnapshot', message);
    return content;
  }

  async #follow(snapshot: Snapshot, content: Content, options: { unready: boolean }): Promise<void> {
    try {
      await this.#writer.follow(snapshot, content);
    } catch (error) {
      // Made by a leader that stood still while another let the snapshot go: upstream leaves it, and its snapshot.
      if (error instanceof SnapshotGone && snapshot.spec.source.persistentVolumeClaimName !== undefined)
        await deleteOrphan(this.#world, content);
      const why = errorMessage(error);
      const message = `Snapshot status update failed, ${why}`;
      await this.#writer.failWith(
        snapshot,
        { reason: 'SnapshotStatusUpdateFailed', message, error: why },
        options,
      );
    }
  }

  #tell(snapshot: Snapshot, reason: string, message: string): void {
    this.#world.recorder.event(snapshot, 'Warning', reason, message);
  }
}

/** Who takes the snapshot, where it can be told already. Source: getSnapshotDriverName. */
export function driverOf(world: World, { spec }: Snapshot): string | undefined {
  const content = world.contents.get(spec.source.volumeSnapshotContentName ?? '');
  return content?.spec.driver ?? world.classes.get(spec.volumeSnapshotClassName ?? '')?.driver;
}
