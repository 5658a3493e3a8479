export { cleanupMountPoint } from './cleanup-mount-point.ts';
export { formatAndMount, MountError, type MountErrorKind } from './format-and-mount.ts';
export { growFileSystem, growUnmounted } from './grow-file-system.ts';
export { mountOnce, mountOrUndo } from './mount-once.ts';
export {
  beginsFileSystem,
  hasMountsBelow,
  isMountPoint,
  mountReferences,
  mountTablePath,
} from './mount-point.ts';
