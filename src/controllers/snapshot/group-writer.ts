import {
  keyOf,
  type Stored,
  splitKey,
  type VolumeGroupSnapshot,
  type VolumeGroupSnapshotContent,
  type VolumeGroupSnapshotStatus,
  volumeGroupSnapshots,
} from '../../kube/index.ts';
import type { Fault } from './content.ts';
import { groupStatusFrom } from './group-content.ts';
import { updateFailed, type World } from './world.ts';

type Group = Stored<VolumeGroupSnapshot>;
type GroupContent = Stored<VolumeGroupSnapshotContent>;

/** Writes the status of group snapshots and tells of it. */
export class GroupWriter {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  /** Lets the group say what its content says. */
  async follow(group: Group, content: GroupContent): Promise<void> {
    const key = keyOf(group);
    try {
      const live = await this.#world.client.get(volumeGroupSnapshots, splitKey(key));
      const operations = this.#world.operations.groups;
      if (live.status?.creationTime !== undefined) operations.drop('Create', group);
      if (live.status?.readyToUse) operations.drop('CreateAndReady', group);
      const status = groupStatusFrom(live.status, content);
      if (!status) return;
      const tell = (reason: string, message: string) =>
        this.#world.recorder.event(group, 'Normal', reason, message);
      if (live.status?.creationTime === undefined && status.creationTime !== undefined) {
        operations.succeed('Create', group, content.spec.driver);
        tell('GroupSnapshotCreated', `GroupSnapshot ${key} was successfully created by the CSI driver.`);
      }
      if (!live.status?.readyToUse && status.readyToUse) {
        operations.succeed('CreateAndReady', group, content.spec.driver);
        tell('GroupSnapshotReady', `GroupSnapshot ${key} is ready to use.`);
      }
      await this.#world.client.update(volumeGroupSnapshots, { ...live, status }, { subresource: 'status' });
    } catch (error) {
      const why = updateFailed(key, error).message;
      const message = `GroupSnapshot status update failed, ${why}`;
      await this.failWith(
        group,
        { reason: 'GroupSnapshotStatusUpdateFailed', message, error: why },
        { unready: false },
      );
    }
  }

  /** Source: updateGroupSnapshotErrorStatusWithEvent. */
  async fault(group: Group, { reason, message }: Fault, { unready = true } = {}): Promise<void> {
    if (group.status?.error?.message === message) return;
    const status: VolumeGroupSnapshotStatus = {
      ...group.status,
      error: { time: this.#world.now(), message },
      ...(unready && { readyToUse: false }),
    };
    try {
      await this.#world.client.update(volumeGroupSnapshots, { ...group, status }, { subresource: 'status' });
    } finally {
      this.#world.recorder.event(group, 'Warning', reason, message);
    }
  }

  async failWith(group: Group, fault: Fault, options?: { unready?: boolean }): Promise<never> {
    await this.fault(group, fault, options).catch(() => undefined);
    throw new Error(fault.error ?? fault.message);
  }
}
