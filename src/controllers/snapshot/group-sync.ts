import { errorMessage } from '../../base/index.ts';
import { ignoreNotFound } from '../../client/index.ts';
import {
  ANN_GROUP_SNAPSHOT_BEING_DELETED,
  ANN_GROUP_SNAPSHOT_HANDLE,
  annotation,
  FINALIZER_GROUP_SNAPSHOT_BOUND,
  FINALIZER_GROUP_SNAPSHOT_CONTENT,
  fromLabelSelector,
  GROUP_SNAPSHOT_GROUP,
  groupContentNameFor,
  groupRefersTo,
  hasFinalizer,
  isAlreadyExists,
  isBeingDeleted,
  isSnapshotReady,
  joinKey,
  keyOf,
  matchesSelector,
  type PersistentVolume,
  type Stored,
  selectorText,
  type VolumeGroupSnapshot,
  type VolumeGroupSnapshotClass,
  type VolumeGroupSnapshotContent,
  volumeGroupSnapshotContents,
  volumeGroupSnapshots,
  volumeSnapshotContents,
  volumeSnapshots,
  withFinalizer,
  withoutFinalizer,
} from '../../kube/index.ts';
import { markBeingDeleted, UNHEARD_OF_MS } from './delete-snapshot.ts';
import { findGroupContent, isGroupBehind, newGroupContent } from './group-content.ts';
import { GroupMembers } from './group-members.ts';
import { GroupWriter } from './group-writer.ts';
import { defaultGroupClass } from './snapshot-class.ts';
import { volumeOf } from './source-claim.ts';
import { CLAIMS_BY_SNAPSHOT, SNAPSHOTS_BY_GROUP, updateFailed, type World } from './world.ts';

type Group = Stored<VolumeGroupSnapshot>;
type GroupContent = Stored<VolumeGroupSnapshotContent>;

/** The life of a VolumeGroupSnapshot. Source: syncGroupSnapshot of external-snapshotter's common controller. */
export class GroupSync {
  readonly #world: World;
  readonly #writer: GroupWriter;
  readonly #members: GroupMembers;

  constructor(world: World) {
    this.#world = world;
    this.#writer = new GroupWriter(world);
    this.#members = new GroupMembers(world);
  }

  /** Resolves to when it is to be looked at again, in milliseconds; undefined: as soon as something is heard of. */
  async sync(key: string): Promise<number | undefined> {
    const found = this.#world.groups.byKey(key);
    if (!found) return;
    const group = await this.#withClass(found);
    if (isBeingDeleted(group)) return this.#delete(group);
    const { selector, volumeGroupSnapshotContentName } = group.spec.source;
    if ((selector === undefined) === (volumeGroupSnapshotContentName === undefined)) {
      const message = 'Exactly one of Selector and VolumeGroupSnapshotContentName should be specified';
      return this.#writer.failWith(group, { reason: 'GroupSnapshotValidationError', message });
    }
    const kept = await this.#addFinalizer(group);
    const isBound = Boolean(kept.status?.boundVolumeGroupSnapshotContentName);
    if (kept.status?.readyToUse && isBound) await this.#checkBinding(kept);
    else await this.#bind(kept);
    return undefined;
  }

  /** What a group's content asks of it. Source: syncGroupSnapshotContent. */
  async syncContent(content: GroupContent, wakeGroup: (key: string) => void): Promise<void> {
    const { source, volumeGroupSnapshotRef } = content.spec;
    if ((source.groupSnapshotHandles === undefined) === ((source.volumeHandles ?? []).length === 0)) {
      const message = 'Exactly one of GroupSnapshotHandles and VolumeHandles should be specified';
      this.#world.recorder.event(content, 'Warning', 'GroupContentValidationError', message);
      throw new Error(message);
    }
    if (!volumeGroupSnapshotRef.uid) return;
    if (!isBeingDeleted(content) && !hasFinalizer(content, FINALIZER_GROUP_SNAPSHOT_CONTENT)) {
      const { name, resourceVersion } = content.metadata;
      const { finalizers } = withFinalizer(content, FINALIZER_GROUP_SNAPSHOT_CONTENT).metadata;
      const body = { metadata: { resourceVersion, finalizers } };
      await this.#world.client.patch(volumeGroupSnapshotContents, { name }, { type: 'merge', body });
      return;
    }
    const key = groupKeyOf(content);
    const group = this.#world.groups.byKey(key);
    if (group && groupRefersTo(content, group) && isGroupBehind(group, content)) wakeGroup(key);
  }

  /** Source: checkAndUpdateGroupSnapshotClass. */
  async #withClass(group: Group): Promise<Group> {
    const { volumeGroupSnapshotClassName: name, source } = group.spec;
    if (isBeingDeleted(group)) return group;
    if (name !== undefined) {
      if (this.#world.groupClasses.get(name)) return group;
      const missing = `volumegroupsnapshotclass.${GROUP_SNAPSHOT_GROUP} ${JSON.stringify(name)} not found`;
      const message = `failed to get group snapshot class with error ${missing}`;
      return this.#writer.failWith(
        group,
        { reason: 'GetGroupSnapshotClassFailed', message, error: missing },
        { unready: false },
      );
    }
    if (source.volumeGroupSnapshotContentName !== undefined) return group;
    try {
      const [volume] = await this.#volumes(group);
      const driver = volume?.spec?.csi?.driver;
      if (driver === undefined) {
        throw new Error(`snapshotting non-CSI volumes is not supported, group snapshot:${keyOf(group)}`);
      }
      const { metadata } = defaultGroupClass(this.#world.groupClasses.values(), driver);
      const spec = { ...group.spec, volumeGroupSnapshotClassName: metadata.name };
      return await this.#world.client.update(volumeGroupSnapshots, { ...group, spec });
    } catch (error) {
      const why = errorMessage(error);
      const message = `Failed to set default group snapshot class with error ${why}`;
      return this.#writer.failWith(
        group,
        { reason: 'SetDefaultGroupSnapshotClassFailed', message, error: why },
        { unready: false },
      );
    }
  }

  /** The volumes of the claims that the group's selector finds. Source: getVolumesFromVolumeGroupSnapshot. */
  async #volumes(group: Group): Promise<readonly Stored<PersistentVolume>[]> {
    const selector = group.spec.source.selector ?? {};
    const wanted = fromLabelSelector(selector);
    const claims = [...this.#world.claims.values()].filter(
      ({ metadata }) =>
        metadata.namespace === group.metadata.namespace && matchesSelector(wanted, metadata.labels ?? {}),
    );
    if (claims.length === 0)
      throw new Error(`label selector ${selectorText(selector)} for group snapshot not applied to any PVC`);
    return Promise.all(claims.map((claim) => volumeOf(this.#world, claim, 'group snapshot')));
  }

  /** Source: checkandAddGroupSnapshotFinalizers. */
  async #addFinalizer(group: Group): Promise<Group> {
    const found = findGroupContent(group, (name) => this.#world.groupContents.get(name));
    if ('fault' in found) return this.#writer.failWith(group, found.fault);
    if (hasFinalizer(group, FINALIZER_GROUP_SNAPSHOT_BOUND)) return group;
    // Before its content is made. Upstream's comes after that, and a group that goes meanwhile leaves the content.
    const isDynamic = group.spec.source.selector !== undefined;
    const isBound = found.content && group.status?.boundVolumeGroupSnapshotContentName;
    if (!isDynamic && !isBound) return group;
    try {
      return await this.#world.client.update(
        volumeGroupSnapshots,
        withFinalizer(group, FINALIZER_GROUP_SNAPSHOT_BOUND),
      );
    } catch (error) {
      const failure = updateFailed(keyOf(group), error);
      const message = `Failed to check and update group snapshot: ${failure.message}`;
      this.#world.recorder.event(group, 'Warning', 'GroupSnapshotFinalizerError', message);
      throw failure;
    }
  }

  /** Source: syncReadyGroupSnapshot. */
  async #checkBinding(group: Group): Promise<void> {
    const content = this.#world.groupContents.get(group.status?.boundVolumeGroupSnapshotContentName ?? '');
    if (!content) {
      const message = 'VolumeGroupSnapshotContent is missing';
      return this.#writer.fault(group, { reason: 'GroupSnapshotContentMissing', message });
    }
    if (!groupRefersTo(content, group)) {
      const message = 'VolumeGroupSnapshotContent is not bound to the VolumeGroupSnapshot correctly';
      return this.#writer.fault(group, { reason: 'GroupSnapshotMisbound', message });
    }
  }

  /** Source: syncUnreadyGroupSnapshot. */
  async #bind(group: Group): Promise<void> {
    const operations = this.#world.operations.groups;
    const driver = groupDriverOf(this.#world, group);
    if (group.status?.creationTime === undefined) operations.start('Create', group, driver);
    operations.start('CreateAndReady', group, driver);
    const found = findGroupContent(group, (name) => this.#world.groupContents.get(name));
    if ('fault' in found) return this.#writer.failWith(group, found.fault);
    const { content } = found;
    const given = group.spec.source.volumeGroupSnapshotContentName;
    if (given !== undefined) {
      if (!content) {
        return this.#writer.failWith(group, {
          reason: 'GroupSnapshotContentMissing',
          message: 'VolumeGroupSnapshotContent is missing',
          error: `group snapshot ${keyOf(group)} requests an non-existing group snapshot content ${given}`,
        });
      }
      return this.#writer.follow(group, await this.#bindContent(group, content));
    }
    const made = content ?? (await this.#create(group));
    // Also of one that is only new to the cache: a group that is ready is not looked at again.
    await this.#createMembers(group, made);
    return this.#writer.follow(group, made);
  }

  #createMembers(group: Group, content: GroupContent): Promise<void> {
    const groupClass = this.#world.groupClasses.get(group.spec.volumeGroupSnapshotClassName ?? '');
    return this.#members.create(group, content, groupClass);
  }

  async #create(group: Group): Promise<GroupContent> {
    try {
      return await this.#createContent(group);
    } catch (error) {
      const why = errorMessage(error);
      const message = `failed to create group snapshot content with error ${why}`;
      return this.#writer.failWith(group, {
        reason: 'GroupSnapshotContentCreationFailed',
        message,
        error: why,
      });
    }
  }

  /** Source: checkAndBindGroupSnapshotContent. */
  async #bindContent(group: Group, content: GroupContent): Promise<GroupContent> {
    const { volumeGroupSnapshotRef, volumeGroupSnapshotClassName } = content.spec;
    const { volumeGroupSnapshotClassName: wanted } = group.spec;
    if (volumeGroupSnapshotRef.uid && (volumeGroupSnapshotClassName !== undefined || wanted === undefined))
      return content;
    const { name } = content.metadata;
    const spec = {
      volumeGroupSnapshotRef: { ...volumeGroupSnapshotRef, uid: group.metadata.uid },
      ...(wanted !== undefined && { volumeGroupSnapshotClassName: wanted }),
    };
    try {
      return await this.#world.client.patch(
        volumeGroupSnapshotContents,
        { name },
        { type: 'merge', body: { spec } },
      );
    } catch (error) {
      const why = errorMessage(error);
      return this.#writer.failWith(group, {
        reason: 'GroupSnapshotBindFailed',
        message: `GroupSnapshot failed to bind VolumeGroupSnapshotContent, ${why}`,
        error: `group snapshot ${keyOf(group)} is bound, but VolumeGroupSnapshotContent ${name} is not bound to the VolumeGroupSnapshot correctly, ${why}`,
      });
    }
  }

  /** Source: createGroupSnapshotContent. */
  async #createContent(group: Group): Promise<GroupContent> {
    const key = keyOf(group);
    const { client, recorder } = this.#world;
    const { groupClass, volumes } = await this.#inputs(group);
    const refuse = (message: string, error: Error) => {
      recorder.event(group, 'Warning', 'CreateGroupSnapshotContentFailed', message);
      return error;
    };
    for (const { metadata, spec } of volumes) {
      const { name } = metadata;
      if (!spec?.csi) {
        throw refuse(
          `Cannot snapshot a non-CSI volume: ${name}`,
          new Error(`cannot snapshot a non-CSI volume for group snapshot ${key}: ${name}`),
        );
      }
      if (spec.csi.driver !== groupClass.driver) {
        const why = `Volume CSI driver (${spec.csi.driver}) mismatch with VolumeGroupSnapshotClass (${groupClass.driver}) ${key}: ${name}`;
        throw refuse(why, updateFailed(key, why));
      }
    }
    const handles = volumes.map(({ spec }) => spec?.csi?.volumeHandle ?? '');
    let content: GroupContent;
    try {
      content = await client.create(volumeGroupSnapshotContents, newGroupContent(group, groupClass, handles));
    } catch (error) {
      if (!isAlreadyExists(error)) {
        const why = errorMessage(error);
        const message = `Error creating volume group snapshot content object for group snapshot ${key}: ${why}.`;
        throw refuse(message, updateFailed(key, error));
      }
      content = await client.get(volumeGroupSnapshotContents, { name: groupContentNameFor(group) });
    }
    const message = `Waiting for a group snapshot ${key} to be created by the CSI driver.`;
    recorder.event(group, 'Normal', 'CreatingGroupSnapshot', message);
    return content;
  }

  /** Source: getCreateGroupSnapshotInput. */
  async #inputs(group: Group): Promise<{
    groupClass: Stored<VolumeGroupSnapshotClass>;
    volumes: readonly Stored<PersistentVolume>[];
  }> {
    const { name } = group.metadata;
    try {
      const groupClass = this.#world.groupClasses.get(group.spec.volumeGroupSnapshotClassName ?? '');
      if (!groupClass)
        throw new Error(`failed to take group snapshot ${name} without a group snapshot class`);
      return { groupClass, volumes: await this.#volumes(group) };
    } catch (error) {
      const why = JSON.stringify(errorMessage(error));
      throw new Error(`failed to get input parameters to create group snapshot ${name}: ${why}`);
    }
  }

  /** Source: processGroupSnapshotWithDeletionTimestamp. */
  async #delete(group: Group): Promise<number | undefined> {
    this.#world.operations.groups.start('Delete', group, groupDriverOf(this.#world, group));
    if (!hasFinalizer(group, FINALIZER_GROUP_SNAPSHOT_BOUND)) return undefined;
    const { client, recorder } = this.#world;
    const key = keyOf(group);
    const members = this.#world.snapshots.byIndex(SNAPSHOTS_BY_GROUP, key);
    const restored = members.filter((member) =>
      this.#world.claims
        .byIndex(CLAIMS_BY_SNAPSHOT, keyOf(member))
        .some(({ status }) => status?.phase === 'Pending'),
    );
    const content = await this.#contentOf(group);
    if (restored[0]) {
      const message = `Snapshot ${keyOf(restored[0])} belonging to VolumeGroupSnapshot ${key} is being used to restore a PVC`;
      recorder.event(group, 'Warning', 'SnapshotDeletePending', message);
      // Upstream leaves such a member half-made: its claim, and the group with it, wait for ever.
      const isDynamic = group.spec.source.selector !== undefined;
      if (content && isDynamic && !restored.every(isSnapshotReady)) await this.#createMembers(group, content);
      throw new Error(`${message}: snapshot is in use, will retry deletion`);
    }
    if (content) await this.#markBeingDeleted(content);
    if (content) await this.#deleteHalfMade(content);
    const contentGoes = content?.spec.deletionPolicy === 'Delete';
    if (content && contentGoes) {
      const { name } = content.metadata;
      try {
        await ignoreNotFound(client.delete(volumeGroupSnapshotContents, { name }));
      } catch (error) {
        const message = 'Failed to delete group snapshot content API object';
        recorder.event(group, 'Warning', 'GroupSnapshotContentObjectDeleteError', message);
        const why = JSON.stringify(errorMessage(error));
        throw new Error(`failed to delete VolumeGroupSnapshotContent ${name} from API server: ${why}`);
      }
    }
    for (const { metadata } of members) {
      const { name, namespace } = metadata;
      try {
        await ignoreNotFound(client.delete(volumeSnapshots, { name, namespace }));
      } catch (error) {
        const message = `failed to delete snapshot API object ${namespace}/${name} part of group snapshot ${key}: ${errorMessage(error)}`;
        recorder.event(group, 'Warning', 'SnapshotDeleteError', message);
        throw new Error(message);
      }
    }
    // Kept until the content is gone, and the snapshots in the storage system with it.
    // Of one that only the server knows its going may never be heard of: upstream waits for ever, or its next resync.
    if (content && contentGoes)
      return this.#world.groupContents.get(content.metadata.name) ? undefined : UNHEARD_OF_MS;
    try {
      const free = withoutFinalizer(group, FINALIZER_GROUP_SNAPSHOT_BOUND);
      await ignoreNotFound(client.update(volumeGroupSnapshots, free));
    } catch (error) {
      throw updateFailed(group.metadata.name, error);
    }
    return undefined;
  }

  /** Contents of members that were not made any more, which nobody else would delete: upstream leaves them. */
  async #deleteHalfMade({ status, spec }: GroupContent): Promise<void> {
    const handle = status?.volumeGroupSnapshotHandle;
    if (handle === undefined || spec.deletionPolicy !== 'Delete') return;
    for (const content of this.#world.contents.values()) {
      const { name: snapshot = '', namespace, uid } = content.spec.volumeSnapshotRef;
      const isOurs = annotation(content, ANN_GROUP_SNAPSHOT_HANDLE) === handle;
      if (!isOurs || uid || this.#world.snapshots.get(snapshot, namespace)) continue;
      await markBeingDeleted(this.#world, content);
      const { name } = content.metadata;
      await ignoreNotFound(this.#world.client.delete(volumeSnapshotContents, { name }));
    }
  }

  async #contentOf(group: Group): Promise<GroupContent | undefined> {
    const isDynamic = group.spec.source.selector !== undefined;
    const name =
      group.status?.boundVolumeGroupSnapshotContentName || (isDynamic ? groupContentNameFor(group) : '');
    // One that has just been made is not in the cache yet: upstream leaves it for ever.
    const content =
      this.#world.groupContents.get(name) ??
      (name
        ? await ignoreNotFound(this.#world.client.get(volumeGroupSnapshotContents, { name }))
        : undefined);
    return content && groupRefersTo(content, group) ? content : undefined;
  }

  /** Source: setAnnVolumeGroupSnapshotBeingDeleted. */
  async #markBeingDeleted(content: GroupContent): Promise<void> {
    if (annotation(content, ANN_GROUP_SNAPSHOT_BEING_DELETED) !== undefined) return;
    const { name } = content.metadata;
    const body = { metadata: { annotations: { [ANN_GROUP_SNAPSHOT_BEING_DELETED]: 'yes' } } };
    try {
      await this.#world.client.patch(volumeGroupSnapshotContents, { name }, { type: 'merge', body });
    } catch (error) {
      throw updateFailed(name, error);
    }
  }
}

/** The group snapshot that a content names. */
export function groupKeyOf({ spec: { volumeGroupSnapshotRef } }: VolumeGroupSnapshotContent): string {
  return joinKey(volumeGroupSnapshotRef.namespace, volumeGroupSnapshotRef.name ?? '');
}

/** Who takes the group snapshot, where it can be told already. Source: getGroupSnapshotDriverName. */
export function groupDriverOf(world: World, { spec }: Group): string | undefined {
  const content = world.groupContents.get(spec.source.volumeGroupSnapshotContentName ?? '');
  return content?.spec.driver ?? world.groupClasses.get(spec.volumeGroupSnapshotClassName ?? '')?.driver;
}
