import { type Check, checksOf } from '../check.ts';
import type { Need } from '../needs.ts';
import type { Scene } from '../scene.ts';

const AT_ONCE = 5;
const NEEDS: readonly Need[] = ['node', 'Controller CREATE_DELETE_VOLUME', 'Node STAGE_UNSTAGE_VOLUME'];

export const nodeStageChecks: readonly Check[] = [
  ...checksOf('NodeStageVolume', NEEDS, [
    [
      'twice',
      'A volume can be staged twice',
      async (scene) => {
        const request = await stageRequest(scene);
        await scene.answers(scene.csi.node.nodeStageVolume(request), 'a volume of the node is staged');
        await scene.answers(scene.csi.node.nodeStageVolume(request), 'the call is idempotent');
      },
    ],
    [
      'at-once',
      'A volume can be staged several times at once',
      async (scene) => {
        const request = await stageRequest(scene);
        await scene.atOnce(AT_ONCE, () => scene.csi.node.nodeStageVolume(request));
      },
    ],
    [
      'different-at-once',
      'Different volumes can be staged at once',
      async (scene) => {
        const requests = [await stageRequest(scene), await stageRequest(scene)];
        const says = 'calls for different volumes do not exclude each other';
        await Promise.all(
          requests.map((request) => scene.answers(scene.csi.node.nodeStageVolume(request), says)),
        );
      },
    ],
    [
      'unknown-volume',
      'A volume that does not exist is NOT_FOUND',
      async (scene) => {
        const request = { ...(await stageRequest(scene)), volumeId: scene.unknownId() };
        await scene.refuses(scene.csi.node.nodeStageVolume(request), ['NOT_FOUND'], 'the volume must exist');
      },
    ],
  ]),
  ...checksOf('NodeUnstageVolume', NEEDS, [
    [
      'twice',
      'A volume can be unstaged twice',
      async (scene) => {
        const { volume, stagingTargetPath } = await scene.place(await scene.volume());
        const request = { volumeId: volume.volumeId, stagingTargetPath };
        await scene.answers(scene.csi.node.nodeUnstageVolume(request), 'a staged volume is unstaged');
        await scene.answers(
          scene.csi.node.nodeUnstageVolume(request),
          'the call is idempotent: a volume that is not staged there is answered with OK',
        );
      },
    ],
    [
      'unknown-volume',
      'A volume that does not exist is unstaged, or NOT_FOUND',
      async (scene) => {
        const request = { volumeId: scene.unknownId(), stagingTargetPath: await scene.path('staging') };
        await scene.answersOr(
          scene.csi.node.nodeUnstageVolume(request),
          ['NOT_FOUND'],
          'a volume that does not exist is not staged',
        );
      },
    ],
  ]),
];

async function stageRequest(scene: Scene) {
  const volume = await scene.volume();
  const publishContext = await scene.attach(volume);
  const stagingTargetPath = await scene.path('staging');
  await scene.options.host.files.makeDirectory(stagingTargetPath, 0o750);
  return scene.stageRequest({ volume, publishContext, stagingTargetPath });
}
