import type { csi } from '../../../csi/index.ts';
import { type Check, checksOf } from '../check.ts';
import type { Scene } from '../scene.ts';
import { readPages } from './pages.ts';

export const listSnapshotsChecks: readonly Check[] = [
  ...checksOf(
    'ListSnapshots',
    ['Controller LIST_SNAPSHOTS', 'Controller CREATE_DELETE_SNAPSHOT', 'Controller CREATE_DELETE_VOLUME'],
    [
      [
        'by-id',
        'A snapshot is found by its id',
        async (scene) => {
          const { snapshotId } = await scene.snapshot((await scene.volume()).volumeId);
          const found = await list(scene, { snapshotId });
          scene.demand(
            found.length === 1 && found[0]?.snapshotId === snapshotId,
            `snapshot_id selects snapshot ${snapshotId} alone`,
            'answer with that snapshot',
          );
        },
      ],
      [
        'by-source',
        'The snapshots of a volume are found by it',
        async (scene) => {
          const [one, other] = [await scene.volume(), await scene.volume()];
          const made = [
            (await scene.snapshot(one.volumeId)).snapshotId,
            (await scene.snapshot(one.volumeId)).snapshotId,
          ];
          await scene.snapshot(other.volumeId);
          const found = await list(scene, { sourceVolumeId: one.volumeId });
          scene.demand(
            found
              .map(({ snapshotId }) => snapshotId)
              .sort()
              .join() === made.sort().join(),
            `source_volume_id selects the snapshots ${made.join(', ')}`,
            'answer with the snapshots of that volume, and no others',
          );
        },
      ],
      [
        'deleted',
        'A deleted snapshot is not listed',
        async (scene) => {
          const { snapshotId } = await scene.snapshot((await scene.volume()).volumeId);
          await scene.prepare(scene.csi.controller.deleteSnapshot({ snapshotId }));
          const found = await list(scene, { snapshotId });
          scene.demand(found.length === 0, `snapshot ${snapshotId} has been deleted`, 'list what exists');
        },
      ],
      [
        'pages',
        'Pages have at most max_entries, and show every snapshot once',
        async (scene) => {
          const { volumeId } = await scene.volume();
          const made: string[] = [];
          for (let count = 0; count < 3; count++) made.push((await scene.snapshot(volumeId)).snapshotId);
          const entries = await readPages(scene, 1, (page) => scene.csi.controller.listSnapshots(page));
          const listed = entries.map(
            (entry) => (entry as csi.ListSnapshotsResponse_Entry).snapshot?.snapshotId,
          );
          for (const id of made)
            scene.demand(
              listed.filter((other) => other === id).length === 1,
              `snapshot ${id} is on exactly one page; the pages showed ${listed.join(', ')}`,
              'order the list by something that stays, and go on behind the last entry',
            );
        },
      ],
    ],
  ),
  ...checksOf(
    'ListSnapshots',
    ['Controller LIST_SNAPSHOTS'],
    [
      [
        'unknown-id',
        'An id that never was selects nothing',
        async (scene) => {
          const found = await list(scene, { snapshotId: scene.unknownId() });
          scene.demand(found.length === 0, 'no snapshot has this id', 'answer with no entries');
        },
      ],
      [
        'unknown-source',
        'A volume that never was has no snapshots',
        async (scene) => {
          const found = await list(scene, { sourceVolumeId: scene.unknownId() });
          scene.demand(found.length === 0, 'no snapshot has this source', 'answer with no entries');
        },
      ],
      [
        'bad-token',
        'A token that the driver has not given out is refused',
        async (scene) => {
          await scene.refuses(
            scene.csi.controller.listSnapshots({ startingToken: scene.unknownId() }),
            ['ABORTED'],
            'starting_token is not valid',
          );
        },
      ],
    ],
  ),
];

async function list(
  scene: Scene,
  filter: { snapshotId?: string; sourceVolumeId?: string },
): Promise<csi.Snapshot[]> {
  const { entries } = await scene.answers(
    scene.csi.controller.listSnapshots(filter),
    'snapshots are listed; a filter that nothing meets is answered with an empty list',
  );
  return entries.flatMap(({ snapshot }) => snapshot ?? []);
}
