import { type Check, checksOf } from '../check.ts';
import type { Need } from '../needs.ts';

const NEEDS: readonly Need[] = ['Controller CREATE_DELETE_VOLUME', 'Controller CREATE_DELETE_SNAPSHOT'];
const MAX_STRING_BYTES = 128;
const IDEMPOTENT = 'the call is idempotent: a snapshot that does not exist (any more) is answered with OK';

export const snapshotChecks: readonly Check[] = [
  ...checksOf('CreateSnapshot', NEEDS, [
    [
      'snapshot',
      'A snapshot has an id, its source, the time it was made, and becomes ready',
      async (scene) => {
        const { volumeId } = await scene.volume();
        const snapshot = await scene.ready(scene.snapshotRequest(volumeId));
        scene.demand(
          Buffer.byteLength(snapshot.snapshotId) <= MAX_STRING_BYTES,
          'snapshot_id has at most 128 bytes',
          'give shorter ids',
        );
        scene.demand(
          snapshot.sourceVolumeId === volumeId,
          `source_volume_id is ${volumeId}`,
          'answer with the source',
        );
        scene.demand(
          snapshot.creationTime !== undefined && snapshot.creationTime.seconds > 0n,
          'creation_time is required',
          'answer with the time at which the snapshot was taken',
        );
        scene.demand(snapshot.sizeBytes >= 0n, 'size_bytes is not negative', 'answer 0 for not known');
      },
    ],
    [
      'same-again',
      'The same name and source again answer with the same snapshot',
      async (scene) => {
        const request = scene.snapshotRequest((await scene.volume()).volumeId);
        const first = await scene.ready(request);
        const says = 'the call is idempotent by name';
        const { snapshot } = await scene.answers(scene.csi.controller.createSnapshot(request), says);
        scene.demand(
          snapshot?.snapshotId === first.snapshotId,
          `${says}; it was ${JSON.stringify(first.snapshotId)} before`,
          'look for a snapshot of the name before taking one',
        );
      },
    ],
    [
      'same-name-other-source',
      'The same name with another source is refused',
      async (scene) => {
        const request = scene.snapshotRequest((await scene.volume()).volumeId);
        await scene.ready(request);
        await scene.refuses(
          scene.csi.controller.createSnapshot({
            ...request,
            sourceVolumeId: (await scene.volume()).volumeId,
          }),
          ['ALREADY_EXISTS'],
          'a snapshot of that name exists, of another volume',
        );
      },
    ],
    [
      'same-name-at-once',
      'The same request several times at once takes one snapshot',
      async (scene) => {
        const request = scene.snapshotRequest((await scene.volume()).volumeId);
        const answers = await scene.atOnce(5, () => scene.csi.controller.createSnapshot(request));
        const { snapshotId } = await scene.ready(request);
        scene.demand(
          answers.every(({ snapshot }) => snapshot?.snapshotId === snapshotId),
          `calls for one name end in one snapshot; earlier answers had ${answers.map(({ snapshot }) => snapshot?.snapshotId).join(', ')}`,
          'let calls for one name wait for one another, or answer ABORTED',
        );
      },
    ],
    [
      'name-of-128-bytes',
      'A name of 128 bytes is taken',
      async (scene) => {
        const request = scene.snapshotRequest((await scene.volume()).volumeId);
        await scene.answers(
          scene.csi.controller.createSnapshot({
            ...request,
            name: request.name.padEnd(MAX_STRING_BYTES, 'x'),
          }),
          'a name has up to 128 bytes',
          'take names of 128 bytes',
        );
      },
    ],
    [
      'unknown-volume',
      'A volume that does not exist has no snapshot',
      async (scene) => {
        await scene.refuses(
          scene.csi.controller.createSnapshot(scene.snapshotRequest(scene.unknownId())),
          ['NOT_FOUND', 'INVALID_ARGUMENT', 'FAILED_PRECONDITION'],
          'the source volume must exist',
        );
      },
    ],
  ]),
  ...checksOf('DeleteSnapshot', NEEDS, [
    [
      'unknown',
      'An id that never was is answered with OK',
      async (scene) => {
        await scene.answers(
          scene.csi.controller.deleteSnapshot({ snapshotId: scene.unknownId() }),
          IDEMPOTENT,
        );
      },
    ],
    [
      'twice',
      'A snapshot can be deleted twice',
      async (scene) => {
        const { snapshotId } = await scene.snapshot((await scene.volume()).volumeId);
        await scene.answers(
          scene.csi.controller.deleteSnapshot({ snapshotId }),
          'a snapshot that nobody uses is deleted',
        );
        await scene.answers(scene.csi.controller.deleteSnapshot({ snapshotId }), IDEMPOTENT);
      },
    ],
  ]),
  ...checksOf(
    'GetSnapshot',
    ['Controller GET_SNAPSHOT'],
    [
      [
        'snapshot',
        'A snapshot is described as CreateSnapshot has',
        async (scene) => {
          const { snapshotId, sourceVolumeId } = await scene.snapshot((await scene.volume()).volumeId);
          const { snapshot } = await scene.csi.controller.getSnapshot({ snapshotId });
          scene.demand(
            snapshot?.snapshotId === snapshotId && snapshot.sourceVolumeId === sourceVolumeId,
            `it is snapshot ${snapshotId} of volume ${sourceVolumeId}`,
            'describe a snapshot in one place',
          );
        },
        NEEDS,
      ],
      [
        'unknown-snapshot',
        'A snapshot that does not exist is NOT_FOUND',
        async (scene) => {
          await scene.refuses(
            scene.csi.controller.getSnapshot({ snapshotId: scene.unknownId() }),
            ['NOT_FOUND'],
            'the snapshot must exist',
          );
        },
      ],
    ],
  ),
];
