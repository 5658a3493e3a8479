import { type Check, checksOf } from '../check.ts';

export const validateChecks: readonly Check[] = checksOf(
  'ValidateVolumeCapabilities',
  ['Controller CREATE_DELETE_VOLUME'],
  [
    [
      'confirmed',
      'What a volume was made for is confirmed',
      async (scene) => {
        const { volumeId, volumeContext } = await scene.volume();
        const { confirmed } = await scene.answers(
          scene.csi.controller.validateVolumeCapabilities({
            volumeId,
            volumeContext,
            volumeCapabilities: [scene.capability()],
            parameters: { ...scene.options.parameters },
          }),
          'every controller plugin implements this call',
          'implement it',
        );
        scene.demand(
          confirmed?.volumeCapabilities.length === 1,
          'confirmed is set, with the capabilities, when the volume has all that are asked for',
          'answer with confirmed.volume_capabilities',
        );
      },
    ],
    [
      'unknown-volume',
      'A volume that does not exist is NOT_FOUND',
      async (scene) => {
        await scene.refuses(
          scene.csi.controller.validateVolumeCapabilities({
            volumeId: scene.unknownId(),
            volumeCapabilities: [scene.capability()],
          }),
          ['NOT_FOUND'],
          'the volume must exist',
        );
      },
    ],
  ],
);
