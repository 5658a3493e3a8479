import { type Check, checksOf } from '../check.ts';

const NO_SUCH_PARAMETER = 'stowage-verify-no-such-parameter';

export const modifyChecks: readonly Check[] = checksOf(
  'ControllerModifyVolume',
  ['Controller CREATE_DELETE_VOLUME', 'Controller MODIFY_VOLUME'],
  [
    [
      'twice',
      'A volume can be modified, and the same again changes nothing',
      async (scene) => {
        const { volumeId } = await scene.volume();
        const request = { volumeId, mutableParameters: { ...scene.options.mutableParameters } };
        await scene.answers(
          scene.csi.controller.controllerModifyVolume(request),
          'parameters that the volume can have are applied',
        );
        await scene.answers(scene.csi.controller.controllerModifyVolume(request), 'the call is idempotent');
      },
      ['mutable parameters'],
    ],
    [
      'created-with',
      'A volume can be made with mutable parameters',
      async (scene) => {
        const request = await scene.volumeRequest({
          mutableParameters: { ...scene.options.mutableParameters },
        });
        await scene.answers(
          scene.csi.controller.createVolume(request),
          'mutable_parameters are applied when a volume is made',
        );
      },
      ['mutable parameters'],
    ],
    [
      'unknown-parameter',
      'A parameter that the driver does not know is refused',
      async (scene) => {
        const { volumeId } = await scene.volume();
        await scene.refuses(
          scene.csi.controller.controllerModifyVolume({
            volumeId,
            mutableParameters: { [NO_SUCH_PARAMETER]: 'x' },
          }),
          ['INVALID_ARGUMENT'],
          'the keys of mutable_parameters must be valid',
        );
      },
    ],
    [
      'unknown-volume',
      'A volume that does not exist is NOT_FOUND',
      async (scene) => {
        await scene.refuses(
          scene.csi.controller.controllerModifyVolume({
            volumeId: scene.unknownId(),
            mutableParameters: { ...scene.options.mutableParameters },
          }),
          ['NOT_FOUND'],
          'the volume must exist',
        );
      },
      ['mutable parameters'],
    ],
  ],
);
