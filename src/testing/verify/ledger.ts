import { errorMessage } from '../../base/index.ts';
import type { CsiClient, csi } from '../../csi/index.ts';

/** What is there because of a call that succeeded, and the call that takes it away. */
interface Entry {
  /** The lower comes down first: pods' paths before staging paths, volumes last. */
  readonly order: number;
  readonly what: string;
  undo(csi: CsiClient): Promise<unknown>;
}

interface Ids {
  readonly volumeId: string;
  readonly nodeId: string;
  readonly stagingTargetPath: string;
  readonly targetPath: string;
  readonly snapshotId: string;
  readonly groupSnapshotId: string;
}

type Answer = Pick<csi.CreateVolumeResponse, 'volume'> &
  Pick<csi.CreateSnapshotResponse, 'snapshot'> &
  Pick<csi.CreateVolumeGroupSnapshotResponse, 'groupSnapshot'>;

const volume = (id: string | undefined) => `volume ${id}`;
const snapshot = (id: string | undefined) => `snapshot ${id}`;
const group = (id: string | undefined) => `group snapshot ${id}`;
const publication = ({ volumeId, nodeId }: Ids) => `publication of ${volumeId} to ${nodeId}`;
const staged = ({ volumeId, stagingTargetPath }: Ids) => `volume ${volumeId} at ${stagingTargetPath}`;
const published = ({ volumeId, targetPath }: Ids) => `volume ${volumeId} at ${targetPath}`;

const MAKES: Readonly<Record<string, (asked: Ids, answer: Answer) => Entry>> = {
  CreateVolume: (_, answer) => {
    const volumeId = answer.volume?.volumeId ?? '';
    return { order: 5, what: volume(volumeId), undo: (csi) => csi.controller.deleteVolume({ volumeId }) };
  },
  CreateSnapshot: (_, answer) => {
    const snapshotId = answer.snapshot?.snapshotId ?? '';
    const undo = (csi: CsiClient) => csi.controller.deleteSnapshot({ snapshotId });
    return { order: 4, what: snapshot(snapshotId), undo };
  },
  CreateVolumeGroupSnapshot: (_, { groupSnapshot }) => {
    const groupSnapshotId = groupSnapshot?.groupSnapshotId ?? '';
    const snapshotIds = groupSnapshot?.snapshots.map(({ snapshotId }) => snapshotId) ?? [];
    const undo = (csi: CsiClient) =>
      csi.groupController.deleteVolumeGroupSnapshot({ groupSnapshotId, snapshotIds });
    return { order: 3, what: group(groupSnapshotId), undo };
  },
  ControllerPublishVolume: (ids) => {
    const { volumeId, nodeId } = ids;
    const undo = (csi: CsiClient) => csi.controller.controllerUnpublishVolume({ volumeId, nodeId });
    return { order: 2, what: publication(ids), undo };
  },
  NodeStageVolume: (ids) => {
    const { volumeId, stagingTargetPath } = ids;
    const undo = (csi: CsiClient) => csi.node.nodeUnstageVolume({ volumeId, stagingTargetPath });
    return { order: 1, what: staged(ids), undo };
  },
  NodePublishVolume: (ids) => {
    const { volumeId, targetPath } = ids;
    const undo = (csi: CsiClient) => csi.node.nodeUnpublishVolume({ volumeId, targetPath });
    return { order: 0, what: published(ids), undo };
  },
};

const TAKES_AWAY: Readonly<Record<string, (asked: Ids) => string>> = {
  DeleteVolume: ({ volumeId }) => volume(volumeId),
  DeleteSnapshot: ({ snapshotId }) => snapshot(snapshotId),
  DeleteVolumeGroupSnapshot: ({ groupSnapshotId }) => group(groupSnapshotId),
  ControllerUnpublishVolume: publication,
  NodeUnstageVolume: staged,
  NodeUnpublishVolume: published,
};

/**
 * Everything that successful calls have made and none has taken away yet, so that a check leaves nothing behind
 * however it ends, and whatever a driver does that it should not.
 */
export class Ledger {
  readonly #entries = new Map<string, Entry>();

  /** Takes note of a call that succeeded. */
  record(rpc: string, request: object, response: object): void {
    const made = MAKES[rpc]?.(request as Ids, response as Answer);
    if (made) this.#entries.set(made.what, made);
    const gone = TAKES_AWAY[rpc]?.(request as Ids);
    if (gone !== undefined) this.#entries.delete(gone);
  }

  /** Takes everything away, in order. Resolves to what could not be, each with its reason. */
  async clear(csi: CsiClient): Promise<string[]> {
    const failures: string[] = [];
    const entries = [...this.#entries.values()].sort((a, b) => a.order - b.order);
    for (const { what, undo } of entries) {
      try {
        await undo(csi);
      } catch (error) {
        failures.push(`${what}: ${errorMessage(error)}`);
      }
    }
    this.#entries.clear();
    return failures;
  }
}
