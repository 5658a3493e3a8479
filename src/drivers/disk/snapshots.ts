import type { Logger } from '../../base/index.ts';
import type { Host } from '../../host/index.ts';
import { RecordFiles } from '../shared/record-files.ts';
import { parseSnapshotRecord, type SnapshotRecord } from './record.ts';
import { planRecovery, snapshotNames } from './recovery.ts';

/** What a snapshot is taken of. */
export interface SnapshotSource {
  readonly image: string;
  readonly record: SnapshotRecord;
}

/**
 * The snapshots in a pool: `ID.snap`, which shares its blocks with the volume's image, and `ID.snapshot`, its record. As
 * with volumes, every change is durable when its call returns, and one that is cut short is finished or taken back at
 * the next opening. A snapshot outlives its volume.
 */
export class Snapshots {
  readonly #directory: string;
  readonly #host: Host;
  readonly #records: RecordFiles<SnapshotRecord>;
  readonly #syncNames: () => Promise<void>;
  readonly #snapshots = new Map<string, SnapshotRecord>();

  private constructor(directory: string, host: Host) {
    this.#directory = directory;
    this.#host = host;
    const { files } = host;
    this.#records = new RecordFiles({ files, directory, suffix: 'snapshot', parse: parseSnapshotRecord });
    this.#syncNames = this.#records.sync;
  }

  /** @throws Error if a record cannot be read: nothing is removed then. */
  static async open(directory: string, host: Host, log: Logger): Promise<Snapshots> {
    const snapshots = new Snapshots(directory, host);
    await snapshots.#recover(log);
    return snapshots;
  }

  get(id: string): SnapshotRecord | undefined {
    return this.#snapshots.get(id);
  }

  all(): readonly SnapshotRecord[] {
    return [...this.#snapshots.values()];
  }

  imagePath(id: string): string {
    return this.#path(snapshotNames.image(id));
  }

  /** Takes snapshots, all or none: each shows its image as it is now. */
  async take(sources: readonly SnapshotSource[]): Promise<void> {
    const { files } = this.#host;
    try {
      for (const { image, record } of sources) {
        const creating = this.#path(snapshotNames.creating(record.id));
        await files.removeFile(creating);
        await files.clone(image, creating);
      }
      for (const { record } of sources) await this.#records.prepare(record.id, record);
      // No crash may leave a record whose image has neither of its names.
      await this.#syncNames();
      for (const { record } of sources) {
        const { id } = record;
        await this.#records.commit(id);
        await files.rename(this.#path(snapshotNames.creating(id)), this.imagePath(id));
      }
      await this.#syncNames();
    } catch (error) {
      // What cannot be cleared away now the next opening does.
      for (const { record } of sources) await this.#takeBack(record.id).catch(() => undefined);
      throw error;
    }
    for (const { record } of sources) this.#snapshots.set(record.id, record);
  }

  /** Not there is fine. */
  async remove(id: string): Promise<void> {
    if (!this.#snapshots.has(id)) return;
    await this.#takeBack(id);
    this.#snapshots.delete(id);
  }

  async #takeBack(id: string): Promise<void> {
    const { files } = this.#host;
    // An image without its record would be somebody's data for ever.
    if (await files.stat(this.imagePath(id)))
      await files.rename(this.imagePath(id), this.#path(snapshotNames.deleting(id)));
    await this.#records.remove(id);
    const { creating, deleting } = snapshotNames;
    for (const nameOf of [creating, deleting]) await files.removeFile(this.#path(nameOf(id)));
    await this.#syncNames();
  }

  async #recover(log: Logger): Promise<void> {
    const { files } = this.#host;
    const plan = planRecovery(await files.list(this.#directory), snapshotNames);
    for (const [id, record] of await this.#records.readAll(plan.volumes)) this.#snapshots.set(id, record);
    for (const id of plan.finishCreating)
      await files.rename(this.#path(snapshotNames.creating(id)), this.imagePath(id));
    for (const id of plan.finishDeleting) await this.#takeBack(id);
    for (const name of plan.sweep) await files.removeFile(this.#path(name));
    for (const id of partsOfGroups(this.all())) await this.remove(id);
    if (plan.finishCreating.length + plan.sweep.length > 0) await this.#syncNames();
    if (plan.strays.length > 0) {
      const strays = plan.strays.map(snapshotNames.image);
      log.warn('snapshots without a record; they are left alone', { pool: this.#directory, strays });
    }
    for (const id of plan.volumes) {
      if (!(await files.stat(this.imagePath(id))))
        log.warn('a snapshot has lost its image', { pool: this.#directory, snapshot: id });
    }
  }

  #path(name: string): string {
    return `${this.#directory}/${name}`;
  }
}

/** Snapshots of groups that are not whole: one was being taken, or deleted, when the last run ended. */
function partsOfGroups(snapshots: readonly SnapshotRecord[]): readonly string[] {
  const sizes = new Map<string, number>();
  for (const { groupId } of snapshots)
    if (groupId !== undefined) sizes.set(groupId, (sizes.get(groupId) ?? 0) + 1);
  return snapshots
    .filter(({ groupId, groupSize = 0 }) => groupId !== undefined && sizes.get(groupId)! < groupSize)
    .map(({ id }) => id);
}
