import { Code, CsiStatus, csi } from '../../csi/index.ts';
import { foreignMountFlag } from '../shared/mount-flags.ts';
import type { VolumeRecord } from './record.ts';

export const DEFAULT_FS_TYPE = 'ext4';
const MIB = 1n << 20n;
/** File systems that a volume can be asked to carry, with the least size that their mkfs accepts. */
const MIN_SIZE_BYTES: Readonly<Record<string, bigint>> = { ext4: MIB, xfs: 300n * MIB, btrfs: 128n * MIB };

const Mode = csi.VolumeCapability_AccessMode_Mode;
const SERVED_MODES: readonly csi.VolumeCapability_AccessMode_Mode[] = [
  Mode.SINGLE_NODE_WRITER,
  Mode.SINGLE_NODE_READER_ONLY,
  Mode.SINGLE_NODE_SINGLE_WRITER,
  Mode.SINGLE_NODE_MULTI_WRITER,
];

/** What a volume is used as: a mounted file system, or the device itself. */
export type Usage = Pick<VolumeRecord, 'accessType' | 'fsType'>;

/**
 * What a list of capabilities makes of a volume; it must serve all of them.
 * @throws CsiStatus INVALID_ARGUMENT that names what cannot be served.
 */
export function usageOf(capabilities: readonly csi.VolumeCapability[]): Usage {
  checkCapabilities(capabilities);
  const types = new Set(capabilities.map(({ accessType }) => accessType.case));
  if (types.size > 1)
    throw new CsiStatus(Code.INVALID_ARGUMENT, 'a volume is either mounted or a raw block device, not both');
  if (types.has('block')) return { accessType: 'block' };
  const fsTypes = new Set(capabilities.map(fsTypeOf).filter((fsType) => fsType !== ''));
  if (fsTypes.size > 1)
    throw new CsiStatus(
      Code.INVALID_ARGUMENT,
      `a volume has one file system, not ${[...fsTypes].join(', ')}`,
    );
  return { accessType: 'mount', fsType: [...fsTypes][0] ?? DEFAULT_FS_TYPE };
}

/** The least size of a volume with this use. */
export function minimumSize(usage: Usage): bigint {
  return MIN_SIZE_BYTES[usage.fsType ?? ''] ?? MIB;
}

/** Why the driver cannot serve a capability, on any volume; undefined when it can. */
export function unsupported(capability: csi.VolumeCapability): string | undefined {
  const { accessMode, accessType } = capability;
  const mode = accessMode?.mode ?? Mode.UNKNOWN;
  if (!SERVED_MODES.includes(mode))
    return `access mode ${Mode[mode] ?? mode}: a disk is used by one node at a time`;
  if (accessType.case !== 'mount') return undefined;
  const { fsType, mountFlags } = accessType.value;
  if (fsType !== '' && !Object.hasOwn(MIN_SIZE_BYTES, fsType))
    return `file system ${JSON.stringify(fsType)}: use one of ${Object.keys(MIN_SIZE_BYTES).join(', ')}`;
  const flag = foreignMountFlag(mountFlags);
  return flag === undefined
    ? undefined
    : `mount option ${JSON.stringify(flag)}: it is no option of a file system`;
}

/** Why this volume cannot serve a capability; undefined when it can. */
export function mismatch(
  volume: Pick<VolumeRecord, 'id' | 'accessType'>,
  capability: csi.VolumeCapability,
): string | undefined {
  const why = unsupported(capability);
  if (why) return why;
  // To mount what an application wrote to the raw device could format it.
  return capability.accessType.case === volume.accessType
    ? undefined
    : `volume ${volume.id} as ${capability.accessType.case ?? 'nothing'}: it was made as ${volume.accessType}`;
}

/** @throws CsiStatus INVALID_ARGUMENT that names the capability which cannot be served. */
export function checkCapabilities(capabilities: readonly csi.VolumeCapability[]): void {
  refuse(capabilities.map(unsupported));
}

/** @throws CsiStatus INVALID_ARGUMENT that says why the volume cannot serve the capability. */
export function checkMatch(
  volume: Pick<VolumeRecord, 'id' | 'accessType'>,
  capability: csi.VolumeCapability | undefined,
): void {
  refuse([capability ? mismatch(volume, capability) : 'a request without a capability']);
}

function refuse(reasons: readonly (string | undefined)[]): void {
  const why = reasons.find((reason) => reason !== undefined);
  if (why !== undefined) throw new CsiStatus(Code.INVALID_ARGUMENT, `cannot serve ${why}`);
}

/** The file system that a capability asks for; empty: none in particular. */
export function fsTypeOf(capability: csi.VolumeCapability | undefined): string {
  return capability?.accessType.case === 'mount' ? capability.accessType.value.fsType : '';
}
