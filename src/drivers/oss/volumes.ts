import { Code, CsiStatus } from '../../csi/index.ts';
import { type Location, volumeIdOf } from './location.ts';
import { parseVolumeRecord, recordKey, type VolumeRecord, volumeRecordText } from './record.ts';
import { type S3, S3Error } from './s3/index.ts';

/**
 * Volumes in an object store. Each step can be the last one before a crash: a record is written before what it speaks of
 * and deleted after it, and a bucket that holds nothing is nobody's.
 */
export class Volumes {
  readonly #s3: S3;

  constructor(s3: S3) {
    this.#s3 = s3;
  }

  /** Whether there is anything of a volume, ours or not. */
  async exists(location: Location): Promise<boolean> {
    const keys = await this.#s3.list(location.bucket, below(location), 1);
    if (keys === undefined) return false;
    return location.prefix === '' || keys.length > 0 || (await this.record(location)) !== undefined;
  }

  /** The record of a volume that the driver has made, also one that a pod has overwritten (`{}`). */
  async record(location: Location): Promise<Partial<VolumeRecord> | undefined> {
    const text = await this.#s3.read(location.bucket, recordKey(location));
    return text === undefined ? undefined : (parseVolumeRecord(text) ?? {});
  }

  /**
   * Makes a volume, or what is missing of it. A bucket that several volumes share is made too if it is absent, and stays.
   * @returns the record of the volume that was there already.
   * @throws CsiStatus ALREADY_EXISTS where there is something that the driver has not made.
   */
  async create(location: Location, record: VolumeRecord): Promise<Partial<VolumeRecord> | undefined> {
    const { bucket, prefix } = location;
    const keys = await this.#s3.list(bucket, below(location), 1);
    const present = keys && (await this.record(location));
    if (!present && keys?.length) {
      throw new CsiStatus(
        Code.ALREADY_EXISTS,
        `${volumeIdOf(location)} holds objects, and was not made by this driver (there is no ${recordKey(location)}); ` +
          'use another place, or a PersistentVolume made by hand',
      );
    }
    if (keys === undefined && !(await this.#makeBucket(bucket))) return this.create(location, record);
    try {
      if (!present)
        await this.#s3.write(bucket, recordKey(location), volumeRecordText(record), 'application/json');
      // What a file system client takes for the directory that it is to mount.
      if (prefix !== '' && !keys?.length)
        await this.#s3.write(bucket, below(location), '', 'application/x-directory');
    } catch (error) {
      // Nobody would delete a bucket that no volume has come into. One that is not empty any more stays.
      if (keys === undefined) await this.#s3.deleteBucket(bucket).catch(() => undefined);
      throw error;
    }
    return present;
  }

  /** False: somebody else has made it meanwhile, say for another volume in it. */
  async #makeBucket(bucket: string): Promise<boolean> {
    try {
      await this.#s3.createBucket(bucket);
      return true;
    } catch (error) {
      const isTaken = error instanceof S3Error && error.code === 'BucketAlreadyExists';
      // Who may not look into it, it does not belong to.
      const keys = isTaken ? await this.#s3.list(bucket, '', 1).catch(() => undefined) : undefined;
      if (keys === undefined) throw error;
      return false;
    }
  }

  /**
   * Deletes a volume with all that is in it. Absent is fine.
   * @throws CsiStatus FAILED_PRECONDITION for objects that are of no volume that the driver has made.
   */
  async delete(location: Location): Promise<void> {
    const { bucket, prefix } = location;
    const keys = await this.#s3.list(bucket, below(location), 1);
    if (keys === undefined) return;
    const record = recordKey(location);
    if ((await this.record(location)) === undefined) {
      if (keys.length > 0) {
        throw new CsiStatus(
          Code.FAILED_PRECONDITION,
          `${volumeIdOf(location)} was not made by this driver (there is no ${record} in ${bucket}), and is left as it is`,
        );
      }
    } else {
      await this.#empty(location, record);
      await this.#s3.delete(bucket, [record]);
    }
    if (prefix === '') await this.#s3.deleteBucket(bucket);
  }

  /** Deletes everything but the record. */
  async #empty(location: Location, record: string): Promise<void> {
    let before: string | undefined;
    for (;;) {
      const keys = await this.#s3.list(location.bucket, below(location));
      const others = (keys ?? []).filter((key) => key !== record);
      if (others.length === 0) return;
      if (others[0] === before)
        throw new CsiStatus(
          Code.ABORTED,
          `${location.bucket}/${before} is still there after it was deleted: is somebody writing to the volume?`,
        );
      await this.#s3.delete(location.bucket, others);
      before = others[0];
    }
  }
}

/** What all keys of a volume begin with. */
function below({ prefix }: Location): string {
  return prefix === '' ? '' : `${prefix}/`;
}
