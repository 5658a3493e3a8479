import { Code, CsiStatus, csi } from '../../csi/index.ts';
import { foreignMountFlag } from '../shared/mount-flags.ts';

const Mode = csi.VolumeCapability_AccessMode_Mode;
/** Options that a bind mount can have: those of a mount, not of a file system. */
const OF_A_MOUNT = /^(ro|rw|(no)?(exec|suid|dev|atime|diratime|relatime|symfollow))$/;

/**
 * Why the driver cannot serve a capability; undefined when it can. Every access mode is served: the directory is everywhere.
 * @param isExport whether it would be mounted from an NFS export, whose file system has options of its own.
 */
export function unsupported(
  { accessMode, accessType }: csi.VolumeCapability,
  isExport: boolean,
): string | undefined {
  const mode = accessMode?.mode ?? Mode.UNKNOWN;
  if (mode === Mode.UNKNOWN || Mode[mode] === undefined) return `access mode ${Mode[mode] ?? mode}`;
  if (accessType.case !== 'mount') return 'a raw block device: a volume is a directory';
  const { fsType, mountFlags } = accessType.value;
  if (fsType !== '' && fsType !== 'nfs' && fsType !== 'nfs4')
    return `file system ${JSON.stringify(fsType)}: a volume is a directory of one that is there`;
  const flag = isExport
    ? foreignMountFlag(mountFlags)
    : mountFlags.flatMap((text) => text.split(',')).find((text) => !OF_A_MOUNT.test(text));
  if (flag === undefined) return undefined;
  return `mount option ${JSON.stringify(flag)}: ${isExport ? 'it is no option of a file system' : 'a directory of this machine is mounted with options such as noexec, nosuid, nodev, noatime'}`;
}

/** @throws CsiStatus INVALID_ARGUMENT that names the first capability which cannot be served. */
export function checkCapabilities(capabilities: readonly csi.VolumeCapability[], isExport: boolean): void {
  for (const capability of capabilities) {
    const why = unsupported(capability, isExport);
    if (why !== undefined) throw new CsiStatus(Code.INVALID_ARGUMENT, `cannot serve ${why}`);
  }
}
