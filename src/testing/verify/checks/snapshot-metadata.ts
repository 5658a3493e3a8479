import { type Check, checksOf } from '../check.ts';
import { readAll } from './streams.ts';

export const snapshotMetadataChecks: readonly Check[] = [
  ...checksOf(
    'GetMetadataAllocated',
    ['Plugin SNAPSHOT_METADATA_SERVICE'],
    [
      [
        'blocks',
        'The blocks of a snapshot come in order, without overlaps, within the volume',
        async (scene) => {
          const { snapshotId } = await scene.snapshot((await scene.volume()).volumeId);
          let end = 0n;
          for await (const part of scene.csi.snapshotMetadata.getMetadataAllocated({ snapshotId }))
            for (const { byteOffset, sizeBytes } of part.blockMetadata) {
              scene.demand(
                byteOffset >= end && sizeBytes > 0n && byteOffset + sizeBytes <= part.volumeCapacityBytes,
                `blocks have a size, come in ascending order and lie within the volume; ${byteOffset}+${sizeBytes} follows ${end}`,
                'sort the extents and join those that overlap',
              );
              end = byteOffset + sizeBytes;
            }
        },
        ['Controller CREATE_DELETE_VOLUME', 'Controller CREATE_DELETE_SNAPSHOT'],
      ],
      [
        'unknown-snapshot',
        'A snapshot that does not exist is NOT_FOUND',
        async (scene) => {
          const request = { snapshotId: scene.unknownId() };
          await scene.refuses(
            readAll(scene.csi.snapshotMetadata.getMetadataAllocated(request)),
            ['NOT_FOUND'],
            'the snapshot must exist',
          );
        },
      ],
      [
        'negative-offset',
        'An offset before the start is out of range',
        async (scene) => {
          const { snapshotId } = await scene.snapshot((await scene.volume()).volumeId);
          await scene.refuses(
            readAll(scene.csi.snapshotMetadata.getMetadataAllocated({ snapshotId, startingOffset: -1n })),
            ['OUT_OF_RANGE'],
            'starting_offset is not negative',
          );
        },
        ['Controller CREATE_DELETE_VOLUME', 'Controller CREATE_DELETE_SNAPSHOT'],
      ],
    ],
  ),
  ...checksOf(
    'GetMetadataDelta',
    ['Plugin SNAPSHOT_METADATA_SERVICE'],
    [
      [
        'unknown-snapshot',
        'Snapshots that do not exist are NOT_FOUND',
        async (scene) => {
          const request = { baseSnapshotId: scene.unknownId(), targetSnapshotId: `${scene.unknownId()}-2` };
          await scene.refuses(
            readAll(scene.csi.snapshotMetadata.getMetadataDelta(request)),
            ['NOT_FOUND'],
            'the snapshots must exist',
          );
        },
      ],
    ],
  ),
];
