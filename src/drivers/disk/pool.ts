import { createHash } from 'node:crypto';
import type { Host } from '../../host/index.ts';

/** What the pool knows of a volume. Kept beside the image, and the sign that the volume exists. */
export interface VolumeRecord {
  readonly id: string;
  /** The name that CreateVolume was called with. */
  readonly name: string;
  readonly sizeBytes: string;
  readonly accessType: 'mount' | 'block';
  /** The file system asked for; absent for raw block. */
  readonly fsType?: string;
  /** The node that the volume is published to. At most one: publishing is exclusive. */
  readonly publishedTo?: { readonly nodeId: string; readonly readOnly: boolean };
}

/** What may be a file's name as it is: volume handles of this driver, and names that can serve as one. */
const SAFE_NAME = /^[A-Za-z0-9][-A-Za-z0-9_.]{0,127}$/;

/**
 * A directory of volumes: `ID.img`, sparse, and `ID.json`, its record. The record is written after the image and removed
 * after it, so an image without a record is the remainder of a broken creation and may go.
 */
export class Pool {
  readonly directory: string;
  readonly #host: Host;
  readonly #records = new Map<string, VolumeRecord>();

  private constructor(directory: string, host: Host) {
    this.directory = directory;
    this.#host = host;
  }

  /** Opens the pool, making its directory if needed, and clears away what broken creations left. */
  static async open(directory: string, host: Host): Promise<Pool> {
    const pool = new Pool(directory, host);
    await host.files.makeDirectory(directory, 0o700);
    const names = await host.files.list(directory);
    for (const name of names.filter((name) => name.endsWith('.json'))) {
      const text = await host.files.read(`${directory}/${name}`);
      const record = readRecord(text, `${directory}/${name}`);
      pool.#records.set(record.id, record);
    }
    for (const name of names.filter((name) => name.endsWith('.img'))) {
      if (pool.#records.has(name.slice(0, -'.img'.length))) continue;
      await pool.#detachAll(`${directory}/${name}`);
      await host.files.removeFile(`${directory}/${name}`);
    }
    return pool;
  }

  /** The handle of the volume that CreateVolume with this name makes: always the same one. */
  static idOf(name: string): string {
    return SAFE_NAME.test(name)
      ? name
      : `vol-${createHash('sha256').update(name).digest('hex').slice(0, 40)}`;
  }

  /** Whether the text could be a handle of ours. */
  static isId(text: string): boolean {
    return SAFE_NAME.test(text);
  }

  /** The volume, or undefined: also for any text that was never a handle of ours. */
  get(id: string): VolumeRecord | undefined {
    return this.#records.get(id);
  }

  volumes(): IterableIterator<VolumeRecord> {
    return this.#records.values();
  }

  imagePath(id: string): string {
    return `${this.directory}/${id}.img`;
  }

  async create(record: VolumeRecord): Promise<void> {
    await this.#host.files.allocate(this.imagePath(record.id), BigInt(record.sizeBytes));
    await this.save(record);
  }

  /** Writes the record durably. */
  async save(record: VolumeRecord): Promise<void> {
    await this.#host.files.writeAtomic(this.#recordPath(record.id), `${JSON.stringify(record)}\n`, 0o600);
    this.#records.set(record.id, record);
  }

  async remove(id: string): Promise<void> {
    await this.#host.files.removeFile(this.imagePath(id));
    await this.#host.files.removeFile(this.#recordPath(id));
    await this.#host.files.syncDirectory(this.directory);
    this.#records.delete(id);
  }

  /** Bytes that new volumes can still really use. */
  async availableBytes(): Promise<bigint> {
    return (await this.#host.files.statFs(this.directory)).availableBytes;
  }

  /** The loop device of a volume's image, if it has one. */
  async device(id: string): Promise<string | undefined> {
    const image = this.imagePath(id);
    return (await this.#host.loops.list()).find((loop) => loop.backingFile === image && !loop.deleted)
      ?.device;
  }

  /** Attaches the image to a loop device, unless it is already: never twice. */
  async attach(id: string, readOnly: boolean): Promise<string> {
    return (await this.device(id)) ?? (await this.#host.loops.attach(this.imagePath(id), { readOnly }));
  }

  /** Where the volume's device is mounted. */
  async mountPoints(id: string): Promise<readonly string[]> {
    const device = await this.device(id);
    if (!device) return [];
    const mounts = await this.#host.mounts.list();
    return mounts.filter((mount) => mount.source === device).map((mount) => mount.target);
  }

  async detach(id: string): Promise<void> {
    await this.#detachAll(this.imagePath(id));
  }

  async #detachAll(image: string): Promise<void> {
    for (const loop of await this.#host.loops.list()) {
      if (loop.backingFile === image) await this.#host.loops.detach(loop.device);
    }
  }

  #recordPath(id: string): string {
    return `${this.directory}/${id}.json`;
  }
}

function readRecord(text: string, path: string): VolumeRecord {
  const record: unknown = parseJson(text);
  const fields = (record ?? {}) as Partial<VolumeRecord>;
  if (
    typeof fields.id !== 'string' ||
    !SAFE_NAME.test(fields.id) ||
    typeof fields.name !== 'string' ||
    !/^\d+$/.test(`${fields.sizeBytes}`)
  ) {
    throw new Error(
      `${path} is not a volume record of the disk driver; move it away, with its image, to open the pool`,
    );
  }
  return fields as VolumeRecord;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
