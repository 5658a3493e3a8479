import { isBeingDeleted, type Stored, type VolumeGroupSnapshotContent } from '../kube/index.ts';
import type { Mirror } from './api/mirror.ts';
import type { Violation } from './violation.ts';
import type { Whereabouts } from './whereabouts.ts';

export interface GroupRulesOptions {
  readonly groupContents: Mirror<VolumeGroupSnapshotContent>;
  readonly where: Pick<Whereabouts, 'pooledSnapshots'>;
}

/** A call about a group, as a driver gets it. */
interface GroupRequest {
  readonly name?: string;
  readonly sourceVolumeIds?: readonly string[];
  readonly groupSnapshotId?: string;
  readonly snapshotIds?: readonly string[];
}

/** What holds of snapshots that are taken together. */
export class GroupRules {
  readonly #options: GroupRulesOptions;

  constructor(options: GroupRulesOptions) {
    this.#options = options;
  }

  /** A call that has reached a driver. */
  *called(rpc: string, request: GroupRequest): Iterable<Violation> {
    if (rpc === 'CreateVolumeGroupSnapshot') yield* this.#isAskedFor(request);
    if (rpc === 'DeleteVolumeGroupSnapshot') yield* this.#goesAsAWhole(request);
  }

  /** Each content asks for one group, under one name, of the volumes that it was made for. */
  *#isAskedFor({ name, sourceVolumeIds = [] }: GroupRequest): Iterable<Violation> {
    const asked = [...sourceVolumeIds].sort().join();
    const isWanted = this.#contentOf(
      ({ spec }) =>
        name === `groupsnapshot-${spec.volumeGroupSnapshotRef.uid}` &&
        [...(spec.source.volumeHandles ?? [])].sort().join() === asked,
    );
    if (!isWanted)
      yield {
        rule: 'a group snapshot is taken for a content',
        detail: `${name} of [${asked}] is none that a content stands for`,
      };
  }

  *#goesAsAWhole({ groupSnapshotId, snapshotIds = [] }: GroupRequest): Iterable<Violation> {
    const present = this.#options.where
      .pooledSnapshots()
      .filter(({ groupId }) => groupId === groupSnapshotId);
    if (present.length === 0) return;
    const content = this.#contentOf(({ status }) => status?.volumeGroupSnapshotHandle === groupSnapshotId);
    const mayGo = content && isBeingDeleted(content) && content.spec.deletionPolicy === 'Delete';
    if (!mayGo)
      yield {
        rule: 'a group snapshot goes with its content',
        detail: `${groupSnapshotId} is deleted, its content ${content ? `has policy ${content.spec.deletionPolicy}` : 'is gone'}`,
      };
    const kept = present.find(({ id }) => !snapshotIds.includes(id));
    if (kept)
      yield {
        rule: 'a group snapshot goes as a whole',
        detail: `${groupSnapshotId} is deleted without ${kept.id}`,
      };
  }

  #contentOf(
    is: (content: Stored<VolumeGroupSnapshotContent>) => boolean,
  ): Stored<VolumeGroupSnapshotContent> | undefined {
    for (const content of this.#options.groupContents.values()) if (is(content)) return content;
    return undefined;
  }
}
