import type { csi } from '../csi/index.ts';
import {
  ANN_SNAPSHOT_BEING_CREATED,
  annotation,
  type PersistentVolume,
  type PersistentVolumeClaim,
  refersTo,
  type Stored,
  type VolumeSnapshot,
  type VolumeSnapshotContent,
} from '../kube/index.ts';
import type { Mirror } from './api/mirror.ts';
import { POOL } from './paths.ts';
import type { Violation } from './violation.ts';
import type { Whereabouts } from './whereabouts.ts';
import type { WrittenData } from './written-data.ts';

export interface CopyRulesOptions {
  readonly claims: Mirror<PersistentVolumeClaim>;
  readonly snapshots: Mirror<VolumeSnapshot>;
  readonly contents: Mirror<VolumeSnapshotContent>;
  readonly where: Whereabouts;
  readonly data: WrittenData;
}

/** A volume or a snapshot in the pool, by the name of its file, finished or in the making. */
const COPY = new RegExp(`^${POOL}/\\.?(.+)\\.(?:img|snap)(?:\\.new)?$`);

/** What holds of snapshots, and of volumes that are made of them or of other volumes. */
export class CopyRules {
  readonly #options: CopyRulesOptions;
  /** What the pool's files were copied from the last time: ids of volumes and snapshots. */
  readonly #copiedFrom = new Map<string, string>();
  /** Handles of snapshots by the name of their object. */
  readonly #handles = new Map<string, string>();
  readonly #seen = new Set<string>();

  constructor(options: CopyRulesOptions) {
    this.#options = options;
  }

  /** A file becomes a copy of another. */
  copied(from: string, to: string): Violation | undefined {
    const [source, copy] = [COPY.exec(from)?.[1], COPY.exec(to)?.[1]];
    if (source === undefined || copy === undefined) return undefined;
    this.#copiedFrom.set(copy, source);
    this.#options.data.copied(source, copy);
    const { where } = this.#options;
    if (where.hasVolume(source) || where.hasSnapshot(source)) return undefined;
    return { rule: 'a copy is of something that is there', detail: `${copy} is made of ${source}` };
  }

  contentSeen({ spec, status }: VolumeSnapshotContent): void {
    const name = spec.volumeSnapshotRef.name ?? '';
    if (status?.snapshotHandle !== undefined) this.#handles.set(name, status.snapshotHandle);
  }

  /** A volume that is made for a claim with a source is a copy of that. */
  volumeSeen({ metadata, spec }: Stored<PersistentVolume>): Violation | undefined {
    const handle = spec?.csi?.volumeHandle;
    if (handle === undefined || this.#seen.has(metadata.uid)) return undefined;
    this.#seen.add(metadata.uid);
    const claim = this.#options.claims.get(spec?.claimRef?.name ?? '');
    const source = claim?.metadata.uid === spec?.claimRef?.uid ? claim?.spec?.dataSource : undefined;
    if (!source) return undefined;
    const wanted =
      source.kind === 'VolumeSnapshot'
        ? this.#handles.get(source.name)
        : this.#options.claims.get(source.name)?.spec?.volumeName;
    const found = this.#copiedFrom.get(handle);
    // A source that is gone by now cannot be asked.
    if (wanted === undefined || found === wanted) return undefined;
    return {
      rule: 'a volume is made of its source',
      detail: `${handle} is to be a copy of ${source.kind} ${source.name}, ${wanted}, and is one of ${found}`,
    };
  }

  /** A call that has reached a driver. */
  *called(rpc: string, request: Record<string, unknown>): Iterable<Violation> {
    if (rpc === 'DeleteSnapshot') yield* this.#goesWithItsContent(String(request.snapshotId));
    if (rpc === 'DeleteVolume') yield* this.#staysForItsSnapshots(String(request.volumeId));
    if (rpc === 'CreateSnapshot') yield* this.#isAskedFor(request as unknown as csi.CreateSnapshotRequest);
  }

  *#goesWithItsContent(snapshotId: string): Iterable<Violation> {
    if (!this.#options.where.hasSnapshot(snapshotId)) return;
    const content = this.#contentOf(({ status }) => status?.snapshotHandle === snapshotId);
    if (content?.spec.deletionPolicy === 'Delete' && content.metadata.deletionTimestamp) return;
    const why = content
      ? `is ${content.metadata.deletionTimestamp ? 'going' : 'there'}, with policy ${content.spec.deletionPolicy}`
      : 'is gone';
    yield {
      rule: 'a snapshot goes with its content',
      detail: `${snapshotId} is deleted, its content ${why}`,
    };
  }

  /** But for snapshots that nobody waits for any more. */
  *#staysForItsSnapshots(volumeId: string): Iterable<Violation> {
    for (const content of this.#options.contents.values()) {
      const { spec, status } = content;
      if (spec.source.volumeHandle !== volumeId || status?.snapshotHandle !== undefined) continue;
      if (annotation(content, ANN_SNAPSHOT_BEING_CREATED) === undefined) continue;
      const snapshot = this.#options.snapshots.get(spec.volumeSnapshotRef.name ?? '');
      if (snapshot && refersTo(content, snapshot) && !snapshot.metadata.deletionTimestamp)
        yield {
          rule: 'no volume goes while a snapshot of it is taken',
          detail: `${volumeId} is deleted, and ${snapshot.metadata.name} waits for its snapshot`,
        };
    }
  }

  /** Each content asks for one snapshot, under one name. */
  *#isAskedFor({ name, sourceVolumeId }: csi.CreateSnapshotRequest): Iterable<Violation> {
    const isWanted = this.#contentOf(
      ({ spec }) =>
        spec.source.volumeHandle === sourceVolumeId && name === `snapshot-${spec.volumeSnapshotRef.uid}`,
    );
    if (!isWanted)
      yield {
        rule: 'a snapshot is taken for a content',
        detail: `${name} of ${sourceVolumeId} is none that a content stands for`,
      };
  }

  #contentOf(
    is: (content: Stored<VolumeSnapshotContent>) => boolean,
  ): Stored<VolumeSnapshotContent> | undefined {
    return [...this.#options.contents.values()].find(is);
  }
}
