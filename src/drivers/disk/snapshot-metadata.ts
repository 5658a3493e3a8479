import { Code, type CsiServices, CsiStatus, csi } from '../../csi/index.ts';
import type { Host, ReadHandle } from '../../host/index.ts';
import { BLOCK_SIZE, differing } from './changed-blocks.ts';
import { type Extent, extentsOf, mayDiffer, type Range, wholeBlocks, within } from './extents.ts';
import type { SnapshotRecord } from './record.ts';
import { existing } from './snapshot-controller.ts';
import type { Snapshots } from './snapshots.ts';

export interface SnapshotMetadataOptions {
  readonly snapshots: Snapshots;
  readonly host: Pick<Host, 'files' | 'processes'>;
}

/** A message of so many takes some 20 KiB. */
const MOST_RESULTS = 1024;

/**
 * Which blocks of a snapshot have data, and which differ between two of a volume. Blocks that snapshots share are the
 * same: only what they do not share is read and compared, so that a block that was written with what was there before is
 * not told of. Source: CSI 1.12, SnapshotMetadata (alpha).
 */
export function snapshotMetadata(
  options: SnapshotMetadataOptions,
): NonNullable<CsiServices['snapshotMetadata']> {
  const { snapshots } = options;
  return {
    async *getMetadataAllocated({ snapshotId, startingOffset, maxResults }) {
      const record = existing(snapshots, snapshotId);
      const range = rangeOf(record, startingOffset);
      const { extents, file } = await open(options, record);
      await file.close();
      yield* pages(wholeBlocks(within(extents, range), BLOCK_SIZE, range.end), range.end, maxResults);
    },

    async *getMetadataDelta(request, { signal }) {
      const base = existing(snapshots, request.baseSnapshotId);
      const target = existing(snapshots, request.targetSnapshotId);
      checkPair(base, target);
      const range = rangeOf(target, request.startingOffset);
      const older = await open(options, base);
      try {
        const newer = await open(options, target);
        try {
          const suspects = wholeBlocks(mayDiffer(older.extents, newer.extents, range), BLOCK_SIZE, range.end);
          const changed = differing(older.file, newer.file, suspects, signal);
          yield* pages(changed, range.end, request.maxResults);
        } finally {
          await newer.file.close();
        }
      } finally {
        await older.file.close();
      }
    },
  };
}

/** @throws CsiStatus INVALID_ARGUMENT */
function checkPair(base: SnapshotRecord, target: SnapshotRecord): void {
  const refused = (why: string) =>
    new CsiStatus(Code.INVALID_ARGUMENT, `changes from snapshot ${base.id} to ${target.id}: ${why}`);
  if (base.sourceVolumeId !== target.sourceVolumeId)
    throw refused(`one is of volume ${base.sourceVolumeId}, the other of ${target.sourceVolumeId}`);
  if (base.createdAtMs > target.createdAtMs)
    throw refused('the base must be the older one; exchange base_snapshot_id and target_snapshot_id');
}

/**
 * From the block of the offset, which may be the end, to the end.
 * @throws CsiStatus OUT_OF_RANGE
 */
function rangeOf({ id, sizeBytes }: SnapshotRecord, startingOffset: bigint): Range {
  const end = Number(sizeBytes);
  if (startingOffset > BigInt(end))
    throw new CsiStatus(
      Code.OUT_OF_RANGE,
      `starting_offset ${startingOffset} is beyond the ${end} bytes of snapshot ${id}`,
    );
  const start = Math.floor(Number(startingOffset) / BLOCK_SIZE) * BLOCK_SIZE;
  return { start: Number(startingOffset) === end ? end : start, end };
}

/** The image, whose blocks stay its own as long as it is open, and where they are. */
async function open(
  { snapshots, host }: SnapshotMetadataOptions,
  record: SnapshotRecord,
): Promise<{ file: ReadHandle; extents: readonly Extent[] }> {
  const path = snapshots.imagePath(record.id);
  const file = await host.files.openRead(path).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw gone(record);
    throw error;
  });
  try {
    const extents = await extentsOf(path, host.processes).catch((error: unknown) => {
      throw snapshots.get(record.id) === record ? error : gone(record);
    });
    // It may have been deleted, and another made under its name, while its extents were read.
    if (snapshots.get(record.id) !== record) throw gone(record);
    return { file, extents };
  } catch (error) {
    await file.close();
    throw error;
  }
}

function gone({ id }: SnapshotRecord): CsiStatus {
  return new CsiStatus(Code.NOT_FOUND, `snapshot ${id} has been deleted meanwhile, or has lost its image`);
}

/** Messages of at most so many blocks; at least one, so that the caller learns the capacity. */
async function* pages(
  ranges: Iterable<Range> | AsyncIterable<Range>,
  capacity: number,
  maxResults: number,
): AsyncGenerator<{
  blockMetadataType: csi.BlockMetadataType;
  volumeCapacityBytes: bigint;
  blockMetadata: { byteOffset: bigint; sizeBytes: bigint }[];
}> {
  const most = maxResults > 0 ? Math.min(maxResults, MOST_RESULTS) : MOST_RESULTS;
  const message = (blockMetadata: { byteOffset: bigint; sizeBytes: bigint }[]) => ({
    blockMetadataType: csi.BlockMetadataType.VARIABLE_LENGTH,
    volumeCapacityBytes: BigInt(capacity),
    blockMetadata,
  });
  let page: { byteOffset: bigint; sizeBytes: bigint }[] = [];
  let sent = false;
  for await (const { start, end } of ranges) {
    page.push({ byteOffset: BigInt(start), sizeBytes: BigInt(end - start) });
    if (page.length < most) continue;
    yield message(page);
    page = [];
    sent = true;
  }
  if (page.length > 0 || !sent) yield message(page);
}
