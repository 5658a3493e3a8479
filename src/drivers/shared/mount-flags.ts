/** Mount options that would make of the mount something else than the volume's file system at the path. */
const FORBIDDEN_MOUNT_FLAG =
  /^(r?bind|move|remount|loop|offset|sizelimit|r?(private|shared|slave|unbindable))($|=)/;

/** The first mount option that is none of a file system; undefined when all are. */
export function foreignMountFlag(mountFlags: readonly string[]): string | undefined {
  return mountFlags.flatMap((text) => text.split(',')).find((text) => FORBIDDEN_MOUNT_FLAG.test(text));
}
