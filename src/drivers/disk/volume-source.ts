import { Code, CsiStatus, type csi } from '../../csi/index.ts';
import { type CapacityRange, sizeFits, volumeSize } from '../shared/capacity.ts';
import type { VolumeRecord, VolumeSource } from './record.ts';
import type { Usage } from './request.ts';

type Content = Pick<VolumeRecord, 'sizeBytes' | 'accessType' | 'fsType' | 'fileSystemPending'>;

/**
 * The size and use of a volume that begins as a copy. It is no smaller than what it is a copy of; where it is larger, its
 * file system is still to grow.
 * @throws CsiStatus OUT_OF_RANGE, INVALID_ARGUMENT.
 */
export function copyOf(
  content: Content,
  range: CapacityRange | undefined,
  usage: Usage,
): Pick<VolumeRecord, 'sizeBytes' | 'accessType' | 'fsType' | 'fileSystemPending'> {
  const present = BigInt(content.sizeBytes);
  const required = range?.requiredBytes ?? 0n;
  const size = required > present ? volumeSize(range) : present;
  if (required !== 0n && required < present)
    throw new CsiStatus(
      Code.OUT_OF_RANGE,
      `required_bytes ${required}: the source has ${present} bytes, and a copy is no smaller`,
    );
  if (!sizeFits(size, range))
    throw new CsiStatus(
      Code.OUT_OF_RANGE,
      `the source has ${present} bytes, which is more than limit_bytes ${range?.limitBytes}`,
    );
  const isMounted = usage.accessType === 'mount';
  // What a raw volume holds nobody knows: it is mounted as what it turns out to be.
  if (isMounted && content.accessType === 'mount' && content.fsType !== usage.fsType)
    throw new CsiStatus(
      Code.INVALID_ARGUMENT,
      `the source holds ${content.fsType}, and ${usage.fsType} is asked for: a copy has the file system of its source`,
    );
  const isLarger = size > present || content.fileSystemPending;
  return {
    sizeBytes: size.toString(),
    ...usage,
    ...(isMounted && isLarger && { fileSystemPending: true as const }),
  };
}

/** The source as it is kept in the record. */
export function sourceOf(source: csi.VolumeContentSource | undefined): VolumeSource | undefined {
  const { type } = source ?? {};
  if (type?.case === 'snapshot') return { snapshotId: type.value.snapshotId };
  return type?.case === 'volume' ? { volumeId: type.value.volumeId } : undefined;
}

export function contentSourceOf(source: VolumeSource) {
  return 'snapshotId' in source
    ? { type: { case: 'snapshot' as const, value: source } }
    : { type: { case: 'volume' as const, value: source } };
}

/** What nothing else may run on meanwhile. */
export function sourceKey({ type }: csi.VolumeContentSource): string {
  return type.case === 'snapshot' ? snapshotKey(type.value.snapshotId) : (type.value?.volumeId ?? '');
}

/** What is held while a snapshot is taken, copied or deleted. */
export function snapshotKey(snapshotId: string): string {
  return `snapshot ${snapshotId}`;
}
