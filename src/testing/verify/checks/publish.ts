import { type Check, checksOf } from '../check.ts';

const SECTION = 'ControllerPublishVolume';
const AT_ONCE = 5;

export const publishChecks: readonly Check[] = [
  ...checksOf(
    SECTION,
    ['node', 'Controller CREATE_DELETE_VOLUME', 'Controller PUBLISH_UNPUBLISH_VOLUME'],
    [
      [
        'twice',
        'A volume can be published to the same node twice, with the same answer',
        async (scene) => {
          const request = await scene.publishRequest(await scene.volume());
          const first = await scene.answers(
            scene.csi.controller.controllerPublishVolume(request),
            'a volume is published to the node that NodeGetInfo names',
          );
          const again = await scene.answers(
            scene.csi.controller.controllerPublishVolume(request),
            'the call is idempotent',
          );
          scene.demand(
            sorted(again.publishContext) === sorted(first.publishContext),
            `the publish context is the same; it was ${sorted(first.publishContext)} before`,
            'answer with where the volume is attached already',
          );
        },
      ],
      [
        'at-once',
        'A volume can be published to a node several times at once',
        async (scene) => {
          const request = await scene.publishRequest(await scene.volume());
          await scene.atOnce(AT_ONCE, () => scene.csi.controller.controllerPublishVolume(request));
        },
      ],
      [
        'different-at-once',
        'Different volumes can be published at once',
        async (scene) => {
          const requests = [];
          for (let count = 0; count < 2; count++)
            requests.push(await scene.publishRequest(await scene.volume()));
          await Promise.all(
            requests.map((request) =>
              scene.answers(
                scene.csi.controller.controllerPublishVolume(request),
                'calls for different volumes do not exclude each other',
              ),
            ),
          );
        },
      ],
      [
        'unknown-volume',
        'A volume that does not exist is NOT_FOUND',
        async (scene) => {
          const request = {
            ...(await scene.publishRequest(await scene.volume())),
            volumeId: scene.unknownId(),
          };
          await scene.refuses(
            scene.csi.controller.controllerPublishVolume(request),
            ['NOT_FOUND'],
            'the volume must exist',
          );
        },
      ],
      [
        'unknown-node',
        'A node that does not exist is NOT_FOUND',
        async (scene) => {
          const request = {
            ...(await scene.publishRequest(await scene.volume())),
            nodeId: scene.unknownId(),
          };
          await scene.refuses(
            scene.csi.controller.controllerPublishVolume(request),
            ['NOT_FOUND'],
            'the node must exist',
          );
        },
      ],
      [
        'read-only-then-not',
        'A volume that is published for writing is not published read-only too',
        async (scene) => {
          const request = await scene.publishRequest(await scene.volume());
          await scene.prepare(scene.csi.controller.controllerPublishVolume(request));
          await scene.refuses(
            scene.csi.controller.controllerPublishVolume({ ...request, readonly: true }),
            ['ALREADY_EXISTS'],
            'the volume is published to the node with another readonly flag',
          );
        },
        ['Controller PUBLISH_READONLY'],
      ],
    ],
  ),
  ...checksOf(
    'ControllerUnpublishVolume',
    ['node', 'Controller CREATE_DELETE_VOLUME', 'Controller PUBLISH_UNPUBLISH_VOLUME'],
    [
      [
        'twice',
        'A volume can be unpublished twice',
        async (scene) => {
          const volume = await scene.volume();
          await scene.attach(volume);
          const request = { volumeId: volume.volumeId, nodeId: (await scene.nodeInfo())!.nodeId };
          await scene.answers(
            scene.csi.controller.controllerUnpublishVolume(request),
            'a volume that is not staged or published on the node is unpublished',
          );
          await scene.answers(
            scene.csi.controller.controllerUnpublishVolume(request),
            'the call is idempotent: a volume that is not published to the node is answered with OK',
          );
        },
      ],
      [
        'never-published',
        'A volume that never was published is answered with OK',
        async (scene) => {
          const { volumeId } = await scene.volume();
          const { nodeId } = (await scene.nodeInfo())!;
          await scene.answers(
            scene.csi.controller.controllerUnpublishVolume({ volumeId, nodeId }),
            'a volume that is not published to the node is answered with OK',
          );
        },
      ],
      [
        'unknown-volume',
        'A volume that does not exist is unpublished, or NOT_FOUND',
        async (scene) => {
          const { nodeId } = (await scene.nodeInfo())!;
          await scene.answersOr(
            scene.csi.controller.controllerUnpublishVolume({ volumeId: scene.unknownId(), nodeId }),
            ['NOT_FOUND'],
            'a volume that cannot be found is assumed to be unpublished, or told to be absent',
          );
        },
      ],
      [
        'again',
        'A volume that was unpublished can be published again',
        async (scene) => {
          const volume = await scene.volume();
          await scene.attach(volume);
          const { nodeId } = (await scene.nodeInfo())!;
          await scene.prepare(
            scene.csi.controller.controllerUnpublishVolume({ volumeId: volume.volumeId, nodeId }),
          );
          await scene.answers(
            scene.csi.controller.controllerPublishVolume(await scene.publishRequest(volume)),
            'unpublishing is the inverse of publishing',
          );
        },
      ],
    ],
  ),
];

function sorted(map: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.fromEntries(Object.entries(map).sort()));
}
