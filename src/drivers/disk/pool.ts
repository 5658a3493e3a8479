import { errorMessage, type Logger } from '../../base/index.ts';
import { Code, CsiStatus } from '../../csi/index.ts';
import type { Host } from '../../host/index.ts';
import { Exclusive } from '../shared/exclusive.ts';
import { RecordFiles } from '../shared/record-files.ts';
import { type Backing, imageFiles } from './backing.ts';
import { type Publication, parsePublication, parseRecord, type VolumeRecord } from './record.ts';
import { fileNames, planRecovery } from './recovery.ts';

export interface Volume extends VolumeRecord {
  /** The node that the volume is published to. At most one: publishing is exclusive. */
  readonly publishedTo?: Publication;
}

export interface PoolOptions {
  /** @default image files */
  readonly backing?: Backing;
  /** A directory on the file system that the pool's own takes its space from. */
  readonly below?: string | undefined;
}

/**
 * A directory of volumes: `ID.img`, the sparse image; `ID.json`, its record; `ID.node`, where it is published. Every
 * change is durable when its call returns, and one that is cut short is finished or taken back at the next opening (see
 * planRecovery). One process at a time may have a pool open.
 *
 * Volumes are thin: the pool may promise more than it has.
 */
export class Pool {
  /** Canonical, as the kernel names the images behind loop devices. */
  readonly directory: string;
  readonly #host: Host;
  readonly #backing: Backing;
  readonly #below: string | undefined;
  readonly #records: RecordFiles<VolumeRecord>;
  readonly #publications: RecordFiles<Publication>;
  /** Makes every change of names durable that was made before the call. */
  readonly #syncNames: () => Promise<void>;
  readonly #volumes = new Map<string, Volume>();
  readonly #operations = new Exclusive();
  /** Volumes of which a change of where they are published failed: nobody knows what the next opening would find. */
  readonly #unsure = new Set<string>();
  /** Volumes that were not made, of which something is left. */
  readonly #unfinished = new Set<string>();

  private constructor(directory: string, host: Host, { backing, below }: PoolOptions & { backing: Backing }) {
    this.directory = directory;
    this.#host = host;
    this.#backing = backing;
    this.#below = below;
    const { files } = host;
    this.#records = new RecordFiles({ files, directory, parse: parseRecord });
    this.#publications = new RecordFiles({ files, directory, suffix: 'node', parse: parsePublication });
    this.#syncNames = this.#records.sync;
  }

  /**
   * Opens the pool, making its directory if needed.
   * @throws Error if a record cannot be read: nothing is removed then.
   */
  static async open(
    directory: string,
    host: Host,
    log: Logger,
    { backing = imageFiles(host.files), below }: PoolOptions = {},
  ): Promise<Pool> {
    await host.files.makeDirectory(directory, 0o700);
    const pool = new Pool(await host.files.realPath(directory), host, { backing, below });
    const stat = await host.files.stat(pool.directory);
    if (stat?.kind !== 'directory') throw new Error(`pool ${directory}: not a directory`);
    // The images are everybody's data.
    if ((stat.mode & 0o077) !== 0) await host.files.chmod(pool.directory, 0o700);
    await pool.#recover(log);
    return pool;
  }

  /** The volume, or undefined: also for any text that was never a handle of ours. */
  get(id: string): Volume | undefined {
    return this.#volumes.get(id);
  }

  volumes(): readonly Volume[] {
    return [...this.#volumes.values()];
  }

  imagePath(id: string): string {
    return this.#path(fileNames.image(id));
  }

  /**
   * Runs work that nothing else on the same volume may run beside: the pool is behind several sockets, controller and
   * nodes both.
   * @throws CsiStatus ABORTED while other work on the volume is going on.
   */
  async exclusively<T>(id: string, work: () => Promise<T>): Promise<T> {
    return this.#operations.run(`volume ${id}`, work);
  }

  /**
   * Makes the volume: all of it, or nothing.
   * @throws CsiStatus ABORTED when something is left of a volume that could not be made: only the next try clears it away,
   *   so the caller must not take it for one that never was.
   */
  async create(record: VolumeRecord, source?: string): Promise<Volume> {
    const { files } = this.#host;
    const { id } = record;
    if (this.#unfinished.has(id)) await this.#takeBack(id);
    const image = this.imagePath(id);
    const creating = this.#path(fileNames.creating(id));
    // A leftover that could not be removed may be of another size.
    const [stray] = await Promise.all([files.stat(image), this.#backing.remove(creating)]);
    if (stray) throw new Error(`${image} is there already, without a record of its volume; move it away`);
    try {
      await bothOf(
        source === undefined
          ? this.#backing.make(creating, BigInt(record.sizeBytes))
          : this.#backing.copy(source, creating, BigInt(record.sizeBytes)),
        this.#records.prepare(id, record),
      );
      // No crash may leave a record whose image has neither of its names.
      await this.#syncNames();
      await this.#records.commit(id);
      await files.rename(creating, image);
      await this.#syncNames();
    } catch (error) {
      await this.#takeBack(id, error);
      throw error;
    }
    this.#volumes.set(record.id, record);
    return record;
  }

  /** Makes the image larger; the record is still to say so. */
  async growImage(id: string, sizeBytes: bigint): Promise<void> {
    await this.checkImage(id);
    await this.#backing.make(this.imagePath(id), sizeBytes);
  }

  /** Changes what is known of the volume. */
  async change(
    id: string,
    fields: { readonly [K in 'sizeBytes' | 'fileSystemPending' | 'limits']?: VolumeRecord[K] | undefined },
  ): Promise<Volume> {
    const { publishedTo, ...record } = this.#existing(id);
    const changed: VolumeRecord = { ...record, ...fields };
    await this.#records.write(id, changed);
    await this.#syncNames();
    const volume = publishedTo ? { ...changed, publishedTo } : changed;
    this.#volumes.set(id, volume);
    return volume;
  }

  /** Whether what `get` says of where the volume is published is also what the next opening finds. */
  isSurelyPublished(id: string): boolean {
    return this.#existing(id).publishedTo !== undefined && !this.#unsure.has(id);
  }

  async publish(id: string, publication: Publication): Promise<void> {
    const published = { ...this.#existing(id), publishedTo: publication };
    this.#unsure.add(id);
    try {
      await this.#publications.write(id, publication);
      await this.#syncNames();
    } catch (error) {
      // It may be there, and would count at the next opening: if it cannot go now, the volume's unpublishing removes it.
      this.#volumes.set(id, published);
      await this.unpublish(id).catch(() => undefined);
      throw error;
    }
    this.#unsure.delete(id);
    this.#volumes.set(id, published);
  }

  async unpublish(id: string): Promise<void> {
    const { publishedTo: _, ...record } = this.#existing(id);
    this.#unsure.add(id);
    await this.#publications.remove(id);
    await this.#syncNames();
    this.#unsure.delete(id);
    this.#volumes.set(id, record);
  }

  /** Removes a volume that is not published. Its image must have no loop device. */
  async remove(id: string): Promise<void> {
    if (this.#existing(id).publishedTo) throw new Error(`remove volume ${id}: it is published`);
    const { files } = this.#host;
    // An image that somebody has taken away is no reason to keep the volume.
    if (await files.stat(this.imagePath(id)))
      await files.rename(this.imagePath(id), this.#path(fileNames.deleting(id)));
    await this.#finishDeleting(id);
    this.#volumes.delete(id);
  }

  /**
   * Whether the image is what it must be.
   * @throws CsiStatus INTERNAL for one that is gone, cut off, or of another kind (a link could lead anywhere).
   */
  async checkImage(id: string): Promise<void> {
    const path = this.imagePath(id);
    const stat = await this.#host.files.stat(path);
    const fault = stat ? this.#backing.fault(stat, BigInt(this.#existing(id).sizeBytes)) : 'is missing';
    if (fault) throw new CsiStatus(Code.INTERNAL, `the image ${path} of volume ${id} ${fault}; restore it`);
  }

  /** Bytes that are free in the pool. */
  async availableBytes(): Promise<bigint> {
    const { files } = this.#host;
    const freeIn = async (place: string) => (await files.statFs(place)).availableBytes;
    const [here, below] = await Promise.all([
      freeIn(this.directory),
      this.#below === undefined ? undefined : freeIn(this.#below),
    ]);
    if (below !== undefined && below < here) return below;
    return here;
  }

  async #recover(log: Logger): Promise<void> {
    const { files } = this.#host;
    const plan = planRecovery(await files.list(this.directory));
    // All are read before anything is touched: a pool that is not understood stays as it is.
    const records = await this.#records.readAll(plan.volumes);
    const publications = await this.#publications.readAll(plan.published);
    for (const [id, record] of records) {
      const publishedTo = publications.get(id);
      this.#volumes.set(id, publishedTo ? { ...record, publishedTo } : record);
    }
    for (const id of plan.finishCreating)
      await files.rename(this.#path(fileNames.creating(id)), this.imagePath(id));
    for (const id of plan.finishDeleting) await this.#finishDeleting(id);
    for (const name of plan.sweep) await this.#backing.remove(this.#path(name));
    const { finishCreating, finishDeleting, sweep, strays } = plan;
    if (finishCreating.length + finishDeleting.length + sweep.length > 0) {
      await this.#syncNames();
      log.info('finished what the last run had begun', { finishCreating, finishDeleting, sweep });
    }
    if (strays.length > 0)
      log.warn('images without a record; they are left alone', { pool: this.directory, strays });
  }

  /** Clears away what was made of a volume until `cause`; in an order that the next opening can go on with at any point. */
  async #takeBack(id: string, cause?: unknown): Promise<void> {
    const { files } = this.#host;
    this.#unfinished.add(id);
    try {
      // An image without its record would be somebody's data for ever.
      if (await files.stat(this.imagePath(id)))
        await files.rename(this.imagePath(id), this.#path(fileNames.deleting(id)));
      await this.#records.remove(id);
      for (const nameOf of [fileNames.creating, fileNames.deleting])
        await this.#backing.remove(this.#path(nameOf(id)));
    } catch (error) {
      const reason = errorMessage(cause ?? error);
      throw new CsiStatus(Code.ABORTED, `${reason}; what there is of ${id} could not be removed; try again`);
    }
    this.#unfinished.delete(id);
  }

  async #finishDeleting(id: string): Promise<void> {
    await this.#records.remove(id);
    await this.#backing.remove(this.#path(fileNames.deleting(id)));
    await this.#syncNames();
  }

  #existing(id: string): Volume {
    const volume = this.#volumes.get(id);
    if (!volume) throw new Error(`volume ${id} does not exist in pool ${this.directory}`);
    return volume;
  }

  #path(name: string): string {
    return `${this.directory}/${name}`;
  }
}

/** Waits for both even when one fails: nothing must still be written when the other's failure is dealt with. */
async function bothOf(a: Promise<void>, b: Promise<void>): Promise<void> {
  for (const result of await Promise.allSettled([a, b]))
    if (result.status === 'rejected') throw result.reason;
}
