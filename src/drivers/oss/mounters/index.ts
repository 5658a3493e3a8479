import { Code, CsiStatus } from '../../../csi/index.ts';
import type { Mounter } from './mounter.ts';
import { rclone } from './rclone.ts';
import { s3fs } from './s3fs.ts';

export type { Mounter, MountPlan } from './mounter.ts';
export { checkOptions, fromMountFlags, type Option, parseOptions } from './options.ts';

/** The first is the default. */
const MOUNTERS: readonly Mounter[] = [s3fs, rclone];

export const DEFAULT_MOUNTER = MOUNTERS[0]!.name;

/** Where clients note what is to be uploaded still, below their scratch directories. */
export const UPLOAD_NOTES = MOUNTERS.flatMap(({ uploadNotes = [] }) => uploadNotes);

/** Whether the mount table shows by this type something that one of the mounters serves. */
export function isMounterType(fsType: string): boolean {
  return MOUNTERS.some((mounter) => mounter.fsType === fsType);
}

/** @throws CsiStatus INVALID_ARGUMENT for one that the driver does not know. */
export function mounterOf(name: string): Mounter {
  const found = MOUNTERS.find((mounter) => mounter.name === name);
  if (found) return found;
  const known = MOUNTERS.map((mounter) => mounter.name).join(' or ');
  throw new CsiStatus(Code.INVALID_ARGUMENT, `mounter ${JSON.stringify(name)} is not known; use ${known}`);
}
