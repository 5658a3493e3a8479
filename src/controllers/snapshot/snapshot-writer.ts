import { errorMessage } from '../../base/index.ts';
import {
  isNotFound,
  isSnapshotReady,
  keyOf,
  type Stored,
  splitKey,
  type VolumeSnapshot,
  type VolumeSnapshotContent,
  type VolumeSnapshotStatus,
  volumeSnapshots,
} from '../../kube/index.ts';
import type { Fault } from './content.ts';
import { statusFrom } from './status.ts';
import { updateFailed, type World } from './world.ts';

type Snapshot = Stored<VolumeSnapshot>;

/** The cache has a snapshot that the server does not have any more. */
export class SnapshotGone extends Error {}

/** Writes the status of snapshots and tells of it. */
export class SnapshotWriter {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  /**
   * Notes what is wrong with the snapshot, and tells; once only. The event is told even if the status cannot be written.
   * Source: updateSnapshotErrorStatusWithEvent.
   */
  async fault(
    snapshot: Snapshot,
    { reason, message }: Fault,
    { unready = true }: { unready?: boolean } = {},
  ): Promise<void> {
    if (snapshot.status?.error?.message === message) return;
    const status: VolumeSnapshotStatus = {
      ...snapshot.status,
      error: { time: this.#world.now(), message },
      ...(unready && { readyToUse: false }),
    };
    try {
      await this.#world.client.update(volumeSnapshots, { ...snapshot, status }, { subresource: 'status' });
    } finally {
      this.#world.recorder.event(snapshot, 'Warning', reason, message);
    }
  }

  /** As `fault`, and then fails: the snapshot is tried again. */
  async failWith(snapshot: Snapshot, fault: Fault, options?: { unready?: boolean }): Promise<never> {
    // A status that could not be written is no better reason than the fault itself.
    await this.fault(snapshot, fault, options).catch(() => undefined);
    throw new Error(fault.error ?? fault.message);
  }

  /** Lets the snapshot say what its content says. Source: updateSnapshotStatus. */
  async follow(snapshot: Snapshot, content: Stored<VolumeSnapshotContent>): Promise<Snapshot> {
    const { client } = this.#world;
    const key = keyOf(snapshot);
    const groupName = this.#groupNameOf(snapshot, content);
    const name = splitKey(key);
    const live = await client.get(volumeSnapshots, name).catch((error) => {
      const message = `error get snapshot ${key} from api server: ${errorMessage(error)}`;
      throw isNotFound(error) ? new SnapshotGone(message) : new Error(message, { cause: error });
    });
    if (live.metadata.uid !== snapshot.metadata.uid)
      throw new SnapshotGone(`snapshot ${key} is another one now`);
    const tell = (reason: string, message: string) =>
      this.#world.recorder.event(snapshot, 'Normal', reason, message);
    const operations = this.#world.operations.snapshots;
    if (live.status?.creationTime !== undefined) operations.drop('Create', snapshot);
    if (isSnapshotReady(live)) operations.drop('CreateAndReady', snapshot);
    const status = statusFrom(live.status, content, groupName);
    if (!status) return live;
    const next: Snapshot = { ...live, status };
    if (live.status?.creationTime === undefined && status.creationTime !== undefined) {
      operations.succeed('Create', snapshot, content.spec.driver);
      tell('SnapshotCreated', `Snapshot ${key} was successfully created by the CSI driver.`);
    }
    if (!isSnapshotReady(live) && isSnapshotReady(next)) {
      operations.succeed('CreateAndReady', snapshot, content.spec.driver);
      tell('SnapshotReady', `Snapshot ${key} is ready to use.`);
    }
    try {
      return await client.update(volumeSnapshots, next, { subresource: 'status' });
    } catch (error) {
      throw updateFailed(key, error);
    }
  }

  /** The group snapshot that a content is part of, by the handle that both contents know. */
  #groupNameOf(snapshot: Snapshot, { status }: VolumeSnapshotContent): string | undefined {
    const handle = status?.volumeGroupSnapshotHandle;
    if (handle === undefined) return undefined;
    for (const content of this.#world.groupContents.values()) {
      if (content.status?.volumeGroupSnapshotHandle === handle) {
        return content.spec.volumeGroupSnapshotRef.name;
      }
    }
    throw new Error(
      `updateSnapshotStatus: cannot find the group snapshot for VolumeSnapshot [${keyOf(snapshot)}], will not update snapshot status`,
    );
  }
}
