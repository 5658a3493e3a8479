import { type Check, checksOf } from '../check.ts';
import type { Scene } from '../scene.ts';

export const statsChecks: readonly Check[] = checksOf(
  'NodeGetVolumeStats',
  ['node', 'Controller CREATE_DELETE_VOLUME', 'Node GET_VOLUME_STATS'],
  [
    [
      'usage',
      'A published volume has numbers that fit together',
      async (scene) => {
        const { usage } = await scene.answers(
          scene.csi.node.nodeGetVolumeStats(await request(scene)),
          'a published volume has statistics',
        );
        scene.demand(usage.length > 0, 'usage is required', 'answer at least with the bytes of the volume');
        for (const { unit, total, used, available } of usage) {
          scene.demand(unit !== 0, 'the unit is BYTES or INODES', 'set the unit');
          scene.demand(
            total >= 0n && used >= 0n && available >= 0n,
            'total, used and available are not negative',
            'leave out what is not known',
          );
          scene.demand(
            total === 0n || (used <= total && available <= total),
            'used and available are parts of total',
            'take all three from the same place',
          );
        }
      },
    ],
    [
      'unknown-volume',
      'A volume that does not exist is NOT_FOUND',
      async (scene) => {
        await scene.refuses(
          scene.csi.node.nodeGetVolumeStats({ ...(await request(scene)), volumeId: scene.unknownId() }),
          ['NOT_FOUND'],
          'the volume must exist at volume_path',
        );
      },
    ],
    [
      'unknown-path',
      'A path at which the volume is not is NOT_FOUND',
      async (scene) => {
        const volumePath = await scene.path('target');
        await scene.refuses(
          scene.csi.node.nodeGetVolumeStats({ ...(await request(scene)), volumePath }),
          ['NOT_FOUND'],
          'the volume must exist at volume_path',
        );
      },
    ],
  ],
);

async function request(scene: Scene) {
  const placed = await scene.place(await scene.volume());
  const { volume, stagingTargetPath } = placed;
  return { volumeId: volume.volumeId, volumePath: await scene.mount(placed), stagingTargetPath };
}
