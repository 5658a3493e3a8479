import { type Check, checksOf } from '../check.ts';
import type { Need } from '../needs.ts';
import type { Scene } from '../scene.ts';

const GROUP: Need = 'Group CREATE_DELETE_GET_VOLUME_GROUP_SNAPSHOT';
const NEEDS: readonly Need[] = [GROUP, 'Controller CREATE_DELETE_VOLUME'];

export const groupChecks: readonly Check[] = [
  ...checksOf('CreateVolumeGroupSnapshot', NEEDS, [
    [
      'group',
      'A group has a snapshot of each volume, that name the group',
      async (scene) => {
        const { request, group } = await taken(scene);
        const sources = group.snapshots.map(({ sourceVolumeId }) => sourceVolumeId).sort();
        scene.demand(
          sources.join() === [...request.sourceVolumeIds].sort().join(),
          `there is one snapshot of each of ${request.sourceVolumeIds.join(', ')}`,
          'answer with all snapshots of the group',
        );
        scene.demand(
          group.snapshots.every(({ groupSnapshotId }) => groupSnapshotId === group.groupSnapshotId),
          `each snapshot of a group has group_snapshot_id ${group.groupSnapshotId}`,
          'set group_snapshot_id',
        );
      },
    ],
    [
      'same-again',
      'The same name and volumes again answer with the same group',
      async (scene) => {
        const { request, group } = await taken(scene);
        const says = 'the call is idempotent by name';
        const again = await scene.answers(scene.csi.groupController.createVolumeGroupSnapshot(request), says);
        scene.demand(
          again.groupSnapshot?.groupSnapshotId === group.groupSnapshotId,
          `${says}; it was ${JSON.stringify(group.groupSnapshotId)} before`,
          'look for a group of the name before taking one',
        );
      },
    ],
    [
      'same-name-other-volumes',
      'The same name with other volumes is refused',
      async (scene) => {
        const { request } = await taken(scene);
        await scene.refuses(
          scene.csi.groupController.createVolumeGroupSnapshot({
            ...request,
            sourceVolumeIds: [(await scene.volume()).volumeId],
          }),
          ['ALREADY_EXISTS'],
          'a group of that name exists, of other volumes',
        );
      },
    ],
  ]),
  ...checksOf('GetVolumeGroupSnapshot', NEEDS, [
    [
      'group',
      'A group is described as CreateVolumeGroupSnapshot has',
      async (scene) => {
        const { group } = await taken(scene);
        const { groupSnapshot } = await scene.csi.groupController.getVolumeGroupSnapshot(idsOf(group));
        scene.demand(
          groupSnapshot?.groupSnapshotId === group.groupSnapshotId &&
            groupSnapshot.snapshots.length === group.snapshots.length,
          `it is group ${group.groupSnapshotId} of ${group.snapshots.length} snapshots`,
          'describe a group in one place',
        );
      },
    ],
    [
      'unknown-group',
      'A group that does not exist is NOT_FOUND',
      async (scene) => {
        const request = { groupSnapshotId: scene.unknownId(), snapshotIds: [scene.unknownId()] };
        await scene.refuses(
          scene.csi.groupController.getVolumeGroupSnapshot(request),
          ['NOT_FOUND'],
          'the group must exist',
        );
      },
    ],
  ]),
  ...checksOf('DeleteVolumeGroupSnapshot', NEEDS, [
    [
      'twice',
      'A group can be deleted twice',
      async (scene) => {
        const request = idsOf((await taken(scene)).group);
        const { groupController } = scene.csi;
        await scene.answers(groupController.deleteVolumeGroupSnapshot(request), 'a group is deleted');
        await scene.answers(
          groupController.deleteVolumeGroupSnapshot(request),
          'the call is idempotent: a group that does not exist any more is answered with OK',
        );
      },
    ],
  ]),
];

async function taken(scene: Scene) {
  const request = {
    name: scene.name(),
    sourceVolumeIds: [(await scene.volume()).volumeId, (await scene.volume()).volumeId],
    parameters: { ...scene.options.snapshotParameters },
  };
  const { groupSnapshot: group } = await scene.prepare(
    scene.csi.groupController.createVolumeGroupSnapshot(request),
  );
  if (!group?.groupSnapshotId)
    throw scene.violation('group_snapshot_id is required', 'answer with the id of the group');
  return { request, group };
}

function idsOf(group: { groupSnapshotId: string; snapshots: readonly { snapshotId: string }[] }) {
  return {
    groupSnapshotId: group.groupSnapshotId,
    snapshotIds: group.snapshots.map(({ snapshotId }) => snapshotId),
  };
}
