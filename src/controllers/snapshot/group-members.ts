import { errorMessage } from '../../base/index.ts';
import {
  isAlreadyExists,
  type KubeObject,
  keyOf,
  type PersistentVolume,
  persistentVolumes,
  type Resource,
  type Stored,
  splitKey,
  type VolumeGroupSnapshot,
  type VolumeGroupSnapshotClass,
  type VolumeGroupSnapshotContent,
  volumeSnapshotContents,
  volumeSnapshots,
} from '../../kube/index.ts';
import { groupSecret, memberOf, memberStatus } from './group-content.ts';
import type { World } from './world.ts';

/** Makes the snapshots of a group. Source: createSnapshotsForGroupSnapshotContent. */
export class GroupMembers {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  /** Makes those that the driver has cut; none before it has. The same again changes nothing. */
  async create(
    group: Stored<VolumeGroupSnapshot>,
    content: Stored<VolumeGroupSnapshotContent>,
    groupClass: Stored<VolumeGroupSnapshotClass> | undefined,
  ): Promise<void> {
    const { status } = content;
    const infos = status?.volumeSnapshotInfoList ?? [];
    if (!status?.volumeGroupSnapshotHandle || infos.length === 0) return;
    if (!groupClass) {
      const name = group.spec.volumeGroupSnapshotClassName;
      throw new Error(`failed to get volume group snapshot class ${name} of group snapshot ${keyOf(group)}`);
    }
    const { client } = this.#world;
    const secret = groupSecret(groupClass, content.metadata.name, undefined);
    const volumes = (await client.list(persistentVolumes)).items;
    for (const info of infos) {
      const volume = volumeWith(volumes, content.spec.driver, info.volumeHandle);
      const member = memberOf(group, content, info, volume, secret);
      const made = await this.#createOrGet(volumeSnapshotContents, member.content);
      const snapshot = await this.#createOrGet(volumeSnapshots, member.snapshot);
      const { name } = made.metadata;
      if (made.spec.volumeSnapshotRef.uid !== snapshot.metadata.uid) {
        const volumeSnapshotRef = { ...made.spec.volumeSnapshotRef, uid: snapshot.metadata.uid };
        const body = { spec: { volumeSnapshotRef } };
        await client.patch(volumeSnapshotContents, { name }, { type: 'merge', body });
      }
      const merged = { subresource: 'status' };
      if (snapshot.status?.boundVolumeSnapshotContentName !== name) {
        const body = { status: { boundVolumeSnapshotContentName: name } };
        await client.patch(volumeSnapshots, splitKey(keyOf(snapshot)), { type: 'merge', body }, merged);
      }
      if (made.status?.snapshotHandle === undefined) {
        const body = { status: memberStatus(info, status) };
        await client.patch(volumeSnapshotContents, { name }, { type: 'merge', body }, merged);
      }
    }
  }

  async #createOrGet<T extends KubeObject>(resource: Resource<T>, object: T): Promise<Stored<T>> {
    const { client } = this.#world;
    try {
      return await client.create(resource, object);
    } catch (error) {
      if (!isAlreadyExists(error))
        throw new Error(`creating ${resource.singular} ${keyOf(object)}: ${errorMessage(error)}`, {
          cause: error,
        });
      return client.get(resource, splitKey(keyOf(object)));
    }
  }
}

/** The volume behind a handle. @throws Error when there are several. Source: findPersistentVolumeByCSIDriverHandle. */
function volumeWith(
  volumes: readonly PersistentVolume[],
  driver: string,
  handle: string | undefined,
): PersistentVolume | undefined {
  const found = volumes.filter(
    ({ spec }) => spec?.csi?.driver === driver && spec.csi.volumeHandle === handle,
  );
  if (found.length > 1) throw new Error('multiple PVs found');
  return found[0];
}
