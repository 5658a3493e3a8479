import { type Check, checksOf } from '../check.ts';

const IDEMPOTENT = 'the call is idempotent: a volume that does not exist (any more) is answered with OK';

export const deleteVolumeChecks: readonly Check[] = checksOf(
  'DeleteVolume',
  ['Controller CREATE_DELETE_VOLUME'],
  [
    [
      'unknown',
      'An id that never was is answered with OK',
      async (scene) => {
        await scene.answers(scene.csi.controller.deleteVolume({ volumeId: scene.unknownId() }), IDEMPOTENT);
      },
    ],
    [
      'strange',
      'An id that looks like a path is an id that never was',
      async (scene) => {
        await scene.answers(
          scene.csi.controller.deleteVolume({ volumeId: `../../${scene.unknownId()}` }),
          IDEMPOTENT,
          'never build a path from an id that the driver has not made',
        );
      },
    ],
    [
      'twice',
      'A volume can be deleted twice',
      async (scene) => {
        const { volumeId } = await scene.volume();
        await scene.answers(
          scene.csi.controller.deleteVolume({ volumeId }),
          'a volume that nobody uses is deleted',
        );
        await scene.answers(scene.csi.controller.deleteVolume({ volumeId }), IDEMPOTENT);
      },
    ],
    [
      'gone',
      'A deleted volume is not there any more',
      async (scene) => {
        const { volumeId } = await scene.volume();
        await scene.prepare(scene.csi.controller.deleteVolume({ volumeId }));
        await scene.refuses(
          scene.csi.controller.validateVolumeCapabilities({
            volumeId,
            volumeCapabilities: [scene.capability()],
          }),
          ['NOT_FOUND'],
          'the volume has been deleted',
        );
      },
    ],
    [
      'at-once',
      'A volume can be deleted several times at once',
      async (scene) => {
        const { volumeId } = await scene.volume();
        await scene.atOnce(5, () => scene.csi.controller.deleteVolume({ volumeId }));
      },
    ],
  ],
);
