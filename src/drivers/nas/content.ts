import { Code, CsiStatus, type csi } from '../../csi/index.ts';
import type { Source } from './record.ts';
import type { Sites } from './sites.ts';
import type { Snapshots } from './snapshots.ts';
import type { Volumes } from './volumes.ts';

/** What a new volume is to begin with. */
export interface Content {
  readonly source: Source;
  readonly sizeBytes: bigint;
  /** What nothing else may read at once, or remove. */
  readonly key: string;
  /** Hands over the directory to copy from. */
  use(work: (path: string) => Promise<void>): Promise<void>;
}

/** @throws CsiStatus NOT_FOUND */
export async function contentOf(
  { type }: csi.VolumeContentSource,
  { volumes, snapshots, sites }: { volumes: Volumes; snapshots: Snapshots; sites: Sites },
): Promise<Content> {
  if (type.case === 'snapshot') {
    const { snapshotId } = type.value;
    const snapshot = snapshots.get(snapshotId);
    if (!snapshot) throw new CsiStatus(Code.NOT_FOUND, `snapshot ${snapshotId} does not exist`);
    return {
      source: { snapshotId },
      sizeBytes: BigInt(snapshot.sizeBytes),
      key: `snapshot ${snapshotId}`,
      use: async (work) => work(snapshots.pathOf(await sites.at(snapshot.export), snapshotId)),
    };
  }
  if (type.case !== 'volume')
    throw new CsiStatus(Code.INVALID_ARGUMENT, 'volume_content_source: neither a snapshot nor a volume');
  const { volumeId } = type.value;
  const volume = volumes.get(volumeId);
  if (!volume) throw new CsiStatus(Code.NOT_FOUND, `volume ${volumeId} does not exist`);
  return {
    source: { volumeId },
    sizeBytes: BigInt(volume.sizeBytes),
    key: contentKey(volumeId),
    async use(work) {
      const place = await (await sites.at(volume.export)).tree.open(volume.path);
      try {
        await work(place.path);
      } finally {
        await place.close();
      }
    },
  };
}

/** A volume whose content is copied stays; but it may be mounted, and grow. */
export function contentKey(volumeId: string): string {
  return `the content of volume ${volumeId}`;
}

/** The source as it is kept in the record. */
export function sourceOf(source: csi.VolumeContentSource | undefined): Source | undefined {
  const { type } = source ?? {};
  if (type?.case === 'snapshot') return { snapshotId: type.value.snapshotId };
  return type?.case === 'volume' ? { volumeId: type.value.volumeId } : undefined;
}

export function sourceMessage(source: Source) {
  return 'snapshotId' in source
    ? { type: { case: 'snapshot' as const, value: source } }
    : { type: { case: 'volume' as const, value: source } };
}
