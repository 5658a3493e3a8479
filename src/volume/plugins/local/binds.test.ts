import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { MountEntry } from '../../../host/index.ts';
import { bindsOf } from './binds.ts';

const mount = (target: string, device: string, root = '/'): MountEntry => ({
  id: 0,
  target,
  source: '/dev/x',
  root,
  fsType: 'ext4',
  options: [],
  device,
  deleted: false,
});

describe('where a directory is bound', () => {
  const table = [
    mount('/', '8:1'),
    mount('/mnt/disk', '8:2'),
    mount('/pods/a', '8:2'),
    mount('/pods/b', '8:2', '/sub'),
    mount('/pods/c', '8:1', '/srv/data'),
    mount('/pods/d', '8:1', '/srv/data/deeper'),
    mount('/over', '8:1', '/srv'),
    mount('/over', '8:3'),
  ];
  const cases: [string, string, readonly string[]][] = [
    ['a mount point', '/mnt/disk', ['/pods/a']],
    ['a directory of a mounted disk', '/mnt/disk/sub', ['/pods/b']],
    ['a directory of the root', '/srv/data', ['/pods/c']],
    ['a directory whose bind is hidden by another mount', '/srv', ['/over']],
    ['a path beside one that is bound', '/srv/data2', []],
    ['a mount on another', '/over', []],
  ];
  for (const [what, directory, expected] of cases) {
    it(what, () => assert.deepEqual(bindsOf(table, directory), expected));
  }
});
