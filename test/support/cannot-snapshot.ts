import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cannotMount } from './command.ts';

const hasTool = (process.env.PATH ?? '').split(':').some((place) => existsSync(join(place, 'mkfs.xfs')));

/** Why snapshots of disks cannot be tried here: false when they can. */
export const cannotSnapshot: string | false =
  cannotMount || (hasTool ? false : 'needs mkfs.xfs (Debian package xfsprogs)');
