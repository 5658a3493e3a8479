import type { BigIntStats } from 'node:fs';
import type { FileStat } from '../host.ts';
import { deviceNumber } from './disks.ts';

/** What a stat(2) says. */
export function fileStat(stat: BigIntStats): FileStat {
  const device = stat.isBlockDevice() || stat.isCharacterDevice() ? deviceNumber(stat.rdev) : undefined;
  return {
    kind: kindOf(stat),
    sizeBytes: Number(stat.size),
    allocatedBytes: Number(stat.blocks * 512n),
    mode: Number(stat.mode & 0o7777n),
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    rdev: device && `${device.major}:${device.minor}`,
    inode: stat.ino,
    device: stat.dev,
    modifiedAtMs: Number(stat.mtimeMs),
  };
}

function kindOf(stat: BigIntStats): FileStat['kind'] {
  if (stat.isFile()) return 'file';
  if (stat.isDirectory()) return 'directory';
  if (stat.isSymbolicLink()) return 'symlink';
  if (stat.isBlockDevice()) return 'block';
  if (stat.isCharacterDevice()) return 'character';
  return stat.isFIFO() ? 'fifo' : 'socket';
}
