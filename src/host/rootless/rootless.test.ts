import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { systemClock } from '../../base/index.ts';
import { findEntry } from './enter.ts';
import { createRootlessHost } from './host.ts';
import { idOrRoot, isWholeMachine, parseIdMap } from './id-map.ts';

describe('the ids of a user namespace', () => {
  const cases: [string, string, boolean, [id: number, becomes: number][]][] = [
    ['of the machine', '         0          0 4294967295\n', true, [[1000, 1000]]],
    [
      'of one user',
      '         0       1000          1\n',
      false,
      [
        [0, 0],
        [1, 0],
        [1000, 0],
      ],
    ],
    [
      'with those of /etc/subuid',
      '0 1000 1\n1 100000 65536\n',
      false,
      [
        [0, 0],
        [1, 1],
        [65536, 65536],
        [65537, 0],
      ],
    ],
    ['of a container whose root is another', '0 100000 65536\n', false, [[65535, 65535]]],
  ];
  for (const [name, text, whole, ids] of cases) {
    it(name, () => {
      const ranges = parseIdMap(text);
      assert.equal(isWholeMachine(ranges), whole);
      assert.deepEqual(
        ids.map(([id]) => [id, idOrRoot(ranges, id)]),
        ids,
      );
    });
  }
});

describe('the machine of an ordinary user', () => {
  it('has no block devices, and says so', async () => {
    const host = createRootlessHost({ clock: systemClock });
    assert.equal(host.info().rootless, true);
    assert.deepEqual(await host.loops.list(), []);
    await assert.rejects(host.loops.attach('/x.img'), /attach \/x\.img: block devices need root/);
    await assert.rejects(host.disks.format('/dev/x', 'ext4'), /format \/dev\/x: block devices need root/);
  });

  it('is entered through a user namespace, in which he is root and his files are his', async (t) => {
    const entry = await findEntry();
    if ('why' in entry) return t.skip(entry.why);
    const program = fileURLToPath(new URL('inside.test-support.ts', import.meta.url));
    const { stdout } = await promisify(execFile)(entry.command, [...entry.args, process.execPath, program]);
    assert.deepEqual(JSON.parse(stdout), { uid: 0, rootless: true, owner: [0, 0], mounted: true });
  });
});
