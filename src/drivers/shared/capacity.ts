import { Code, CsiStatus } from '../../csi/index.ts';

/** The size of a volume when the request names none. */
const DEFAULT_SIZE_BYTES = 1n << 30n;
/** Sizes are whole multiples of this, so that every file system and sector size fits. */
const SIZE_UNIT_BYTES = 1n << 20n;

export interface CapacityRange {
  readonly requiredBytes: bigint;
  readonly limitBytes: bigint;
}

/**
 * The size to make: required_bytes, or the default, in whole MiB, within limit_bytes, and no less than `minimum`.
 * @throws CsiStatus OUT_OF_RANGE when no such size exists.
 */
export function volumeSize(range: CapacityRange | undefined, minimum = SIZE_UNIT_BYTES): bigint {
  const required = range?.requiredBytes ?? 0n;
  const limit = range?.limitBytes ?? 0n;
  if (required < 0n || limit < 0n)
    throw new CsiStatus(
      Code.OUT_OF_RANGE,
      `capacity_range must not be negative: required_bytes ${required}, limit_bytes ${limit}`,
    );
  const least = roundUp(required > minimum ? required : minimum);
  const most = limit === 0n ? undefined : limit - (limit % SIZE_UNIT_BYTES);
  if (most !== undefined && least > most)
    throw new CsiStatus(
      Code.OUT_OF_RANGE,
      `no size in whole MiB, of at least ${minimum}, lies between required_bytes ${required} and limit_bytes ${limit}`,
    );
  if (required > 0n) return least;
  const wanted = least > DEFAULT_SIZE_BYTES ? least : DEFAULT_SIZE_BYTES;
  return most !== undefined && wanted > most ? most : wanted;
}

export function roundUp(bytes: bigint): bigint {
  return ((bytes + SIZE_UNIT_BYTES - 1n) / SIZE_UNIT_BYTES) * SIZE_UNIT_BYTES;
}

/** A size that was made earlier still serves a request with this range. */
export function sizeFits(size: bigint, range: CapacityRange | undefined): boolean {
  return size >= (range?.requiredBytes ?? 0n) && (!range?.limitBytes || size <= range.limitBytes);
}

/**
 * The size that a volume is to have: no less than it has, in whole MiB.
 * @throws CsiStatus OUT_OF_RANGE when it would have to shrink, or there is no such size.
 */
export function grownSize(
  volume: { readonly id: string; readonly sizeBytes: string },
  range: CapacityRange,
): bigint {
  const present = BigInt(volume.sizeBytes);
  if (range.requiredBytes < 0n || range.limitBytes < 0n)
    throw new CsiStatus(
      Code.OUT_OF_RANGE,
      `capacity_range must not be negative: required_bytes ${range.requiredBytes}, limit_bytes ${range.limitBytes}`,
    );
  const size = range.requiredBytes > present ? roundUp(range.requiredBytes) : present;
  if (sizeFits(size, range)) return size;
  const why = size === present ? 'and a volume never shrinks' : 'in whole MiB';
  throw new CsiStatus(
    Code.OUT_OF_RANGE,
    `volume ${volume.id} has ${present} bytes; no size of at least ${size}, ${why}, is within limit_bytes ${range.limitBytes}`,
  );
}
