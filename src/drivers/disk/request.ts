import { Code, CsiStatus, csi } from '../../csi/index.ts';

/** File systems that a volume can be asked to carry. */
export const FS_TYPES: readonly string[] = ['ext4', 'xfs', 'btrfs'];
export const DEFAULT_FS_TYPE = 'ext4';
/** The size of a volume when the request names none. */
const DEFAULT_SIZE_BYTES = 1n << 30n;
/** Sizes are whole multiples of this, so that every file system and sector size fits. */
const SIZE_UNIT_BYTES = 1n << 20n;

/** Parameters that the sidecar adds for everybody's information. */
const SIDECAR_PREFIX = 'csi.storage.k8s.io/';

/**
 * The size to make: required_bytes rounded up to a whole MiB, within limit_bytes.
 * @throws CsiStatus OUT_OF_RANGE when no such size exists.
 */
export function volumeSize(range: { requiredBytes: bigint; limitBytes: bigint } | undefined): bigint {
  const required = range?.requiredBytes ?? 0n;
  const limit = range?.limitBytes ?? 0n;
  if (required < 0n || limit < 0n)
    throw new CsiStatus(
      Code.OUT_OF_RANGE,
      `capacity_range must not be negative: required ${required}, limit ${limit}`,
    );
  if (limit > 0n && required > limit)
    throw new CsiStatus(Code.OUT_OF_RANGE, `required_bytes ${required} is more than limit_bytes ${limit}`);
  const wanted =
    required > 0n ? required : limit > 0n && limit < DEFAULT_SIZE_BYTES ? limit : DEFAULT_SIZE_BYTES;
  const rounded = ((wanted + SIZE_UNIT_BYTES - 1n) / SIZE_UNIT_BYTES) * SIZE_UNIT_BYTES;
  if (limit === 0n || rounded <= limit) return rounded;
  throw new CsiStatus(
    Code.OUT_OF_RANGE,
    `no whole number of MiB lies between required_bytes ${required} and limit_bytes ${limit}`,
  );
}

/** A size that was made earlier still serves a request with this range. */
export function sizeFits(
  size: bigint,
  range: { requiredBytes: bigint; limitBytes: bigint } | undefined,
): boolean {
  return size >= (range?.requiredBytes ?? 0n) && (!range?.limitBytes || size <= range.limitBytes);
}

/** Why the driver cannot serve a capability; undefined when it can. */
export function unsupported(capability: csi.VolumeCapability): string | undefined {
  const { accessMode, accessType } = capability;
  const mode = accessMode?.mode ?? csi.VolumeCapability_AccessMode_Mode.UNKNOWN;
  const Mode = csi.VolumeCapability_AccessMode_Mode;
  const served: number[] = [
    Mode.SINGLE_NODE_WRITER,
    Mode.SINGLE_NODE_READER_ONLY,
    Mode.SINGLE_NODE_SINGLE_WRITER,
    Mode.SINGLE_NODE_MULTI_WRITER,
  ];
  if (!served.includes(mode))
    return `access mode ${Mode[mode] ?? mode}: a disk is used by one node at a time`;
  if (
    accessType.case === 'mount' &&
    accessType.value.fsType !== '' &&
    !FS_TYPES.includes(accessType.value.fsType)
  ) {
    return `file system ${JSON.stringify(accessType.value.fsType)}: use one of ${FS_TYPES.join(', ')}`;
  }
  return undefined;
}

/** @throws CsiStatus INVALID_ARGUMENT that names the capability which cannot be served. */
export function checkCapabilities(capabilities: readonly csi.VolumeCapability[]): void {
  for (const capability of capabilities) {
    const why = unsupported(capability);
    if (why) throw new CsiStatus(Code.INVALID_ARGUMENT, `cannot serve ${why}`);
  }
}

/** @throws CsiStatus INVALID_ARGUMENT for any parameter: the driver knows none, and ignores none. */
export function checkParameters(parameters: Readonly<Record<string, string>>): void {
  const unknown = Object.keys(parameters).filter((name) => !name.startsWith(SIDECAR_PREFIX));
  if (unknown.length > 0) {
    throw new CsiStatus(
      Code.INVALID_ARGUMENT,
      `unknown parameters in the StorageClass: ${unknown.join(', ')}; remove them`,
    );
  }
}
