import assert from 'node:assert/strict';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Files, Host } from '../../host/index.ts';
import { Pool } from './pool.ts';
import type { VolumeRecord } from './record.ts';
import { host, log, temporaryDirectory } from './test-support.ts';

const MIB = 1n << 20n;
const record = (id: string): VolumeRecord => ({
  id,
  name: id,
  sizeBytes: MIB.toString(),
  accessType: 'mount',
  fsType: 'ext4',
});

/**
 * A host whose files fail with EIO, or stop as a crash does, at the nth change from now; and once more, so many changes
 * later.
 */
function failingHost(): Host & { failAt(change: number, every?: boolean, again?: number): void } {
  let left = Number.POSITIVE_INFINITY;
  let every = false;
  let next = Number.POSITIVE_INFINITY;
  const changes = ['writeAtomic', 'write', 'removeFile', 'rename', 'allocate', 'syncDirectory'] as const;
  const files: Record<string, unknown> = { ...host.files };
  for (const name of changes) {
    files[name] = async (...args: unknown[]) => {
      if (--left <= 0) {
        if (!every) [left, next] = [next, Number.POSITIVE_INFINITY];
        throw Object.assign(new Error(`EIO: ${name}`), { code: 'EIO' });
      }
      return (host.files[name] as (...args: unknown[]) => Promise<void>)(...args);
    };
  }
  return {
    ...host,
    files: files as unknown as Files,
    failAt(change, always = false, again = Number.POSITIVE_INFINITY) {
      left = change;
      every = always;
      next = again;
    },
  };
}

describe('a pool', () => {
  it('keeps volumes and where they are published over a restart, for its owner only', async (t) => {
    const directory = join(temporaryDirectory(t), 'pool');
    mkdirSync(directory);
    chmodSync(directory, 0o755);
    const pool = await Pool.open(directory, host, log);
    await pool.create(record('v'));
    await pool.publish('v', { nodeId: 'n1', readOnly: true });
    assert.equal(statSync(directory).mode & 0o777, 0o700);
    for (const name of ['v.img', 'v.json', 'v.node'])
      assert.equal(statSync(join(directory, name)).mode & 0o777, 0o600);
    assert.ok(statSync(join(directory, 'v.img')).blocks < 10, 'sparse');

    const again = await Pool.open(directory, host, log);
    assert.deepEqual(again.get('v'), {
      ...record('v'),
      publishedTo: { nodeId: 'n1', readOnly: true },
    });
    await again.unpublish('v');
    await again.remove('v');
    assert.deepEqual(readdirSync(directory), []);
    assert.deepEqual((await Pool.open(directory, host, log)).volumes(), []);
  });

  it('does not know ids that are paths', async (t) => {
    const pool = await Pool.open(temporaryDirectory(t), host, log);
    for (const id of ['../../etc/passwd', '..', '', '__proto__', 'constructor'])
      assert.equal(pool.get(id), undefined);
  });

  it('is named as the kernel names it, through links', async (t) => {
    const directory = temporaryDirectory(t);
    mkdirSync(join(directory, 'real'));
    symlinkSync('real', join(directory, 'link'));
    const pool = await Pool.open(`${directory}/link/../link/pool`, host, log);
    assert.equal(pool.directory, join(directory, 'real/pool'));
  });

  const unreadable: [what: string, content: string][] = [
    ['cut off', '{"id":"b","na'],
    ['of another volume', JSON.stringify(record('c'))],
    ['empty', ''],
    ['without a size', JSON.stringify({ ...record('b'), sizeBytes: undefined })],
  ];
  for (const [what, content] of unreadable) {
    it(`does not open with a record ${what}, and touches nothing`, async (t) => {
      const directory = temporaryDirectory(t);
      await (await Pool.open(directory, host, log)).create(record('a'));
      writeFileSync(join(directory, 'b.json'), content);
      writeFileSync(join(directory, '.c.img.new'), '');
      await assert.rejects(Pool.open(directory, host, log), /b\.json is not the record of volume b/);
      assert.deepEqual(readdirSync(directory).sort(), ['.c.img.new', 'a.img', 'a.json', 'b.json']);
    });
  }

  it('leaves an image without a record alone, and makes no volume over it', async (t) => {
    const directory = temporaryDirectory(t);
    writeFileSync(join(directory, 'v.img'), 'data');
    const pool = await Pool.open(directory, host, log);
    await assert.rejects(pool.create(record('v')), /is there already, without a record/);
    assert.deepEqual(readdirSync(directory), ['v.img']);
  });

  it('does not follow an image that is a link', async (t) => {
    const directory = temporaryDirectory(t);
    const pool = await Pool.open(directory, host, log);
    await pool.create(record('v'));
    await host.files.removeFile(join(directory, 'v.img'));
    symlinkSync('/etc/passwd', join(directory, 'v.img'));
    await assert.rejects(pool.checkImage('v'), /is a symlink, not a file/);
    await pool.remove('v');
    assert.ok(existsSync('/etc/passwd'));
    assert.deepEqual(readdirSync(directory), []);
  });

  it('lets nothing run beside other work on the same volume', async (t) => {
    const pool = await Pool.open(temporaryDirectory(t), host, log);
    const { promise, resolve } = Promise.withResolvers<void>();
    const first = pool.exclusively('v', () => promise);
    await assert.rejects(
      pool.exclusively('v', async () => {}),
      /ABORTED.*pending/,
    );
    await pool.exclusively('w', async () => {});
    resolve();
    await first;
    await pool.exclusively('v', async () => {});
  });
});

describe('a pool whose disk fails', () => {
  it('makes a volume whole or not at all', async (t) => {
    for (let change = 1; change <= 5; change++) {
      const directory = temporaryDirectory(t);
      const failing = failingHost();
      const pool = await Pool.open(directory, failing, log);
      failing.failAt(change);
      await assert.rejects(pool.create(record('v')), /EIO/);
      assert.deepEqual(readdirSync(directory), [], `failure at change ${change}`);
      await pool.create(record('v'));
      assert.deepEqual(readdirSync(directory).sort(), ['v.img', 'v.json']);
    }
  });

  it('clears away at the next try what it could not take back', async (t) => {
    // One change fails while the volume is made, and one while it is taken back.
    for (let first = 2; first <= 7; first++)
      for (let second = 1; second <= 6; second++) {
        const directory = temporaryDirectory(t);
        const failing = failingHost();
        const pool = await Pool.open(directory, failing, log);
        failing.failAt(first, false, second);
        await assert.rejects(pool.create(record('v')), /EIO/);
        const left = readdirSync(directory).length > 0;
        if (left) {
          // The next opening finds a whole volume or nothing, as after a crash.
          const copy = join(temporaryDirectory(t), 'copy');
          cpSync(directory, copy, { recursive: true });
          const again = await Pool.open(copy, host, log);
          const whole = again.get('v') ? ['v.img', 'v.json'] : [];
          assert.deepEqual(readdirSync(copy).sort(), whole, `failures at changes ${first} and +${second}`);
        }
        failing.failAt(Number.POSITIVE_INFINITY);
        await pool.create(record('v'));
        assert.deepEqual(readdirSync(directory).sort(), ['v.img', 'v.json']);
        assert.ok((await Pool.open(directory, host, log)).get('v'));
      }
  });

  for (const again of [Number.POSITIVE_INFINITY, 1]) {
    it(`leaves no publication of a try that failed${again === 1 ? ', nor taken back' : ''}`, async (t) => {
      for (let change = 1; change <= 2; change++) {
        const directory = temporaryDirectory(t);
        const failing = failingHost();
        const pool = await Pool.open(directory, failing, log);
        await pool.create(record('v'));
        failing.failAt(change, false, again);
        await assert.rejects(pool.publish('v', { nodeId: 'n', readOnly: false }), /EIO/);
        // Whoever published it unpublishes it now, if the pool still has it so.
        if (pool.get('v')?.publishedTo) await pool.unpublish('v');
        assert.deepEqual(readdirSync(directory).sort(), ['v.img', 'v.json']);
        await pool.remove('v');
        assert.deepEqual(readdirSync(directory), []);
      }
    });
  }

  it('says that it may not be over when something is left of a volume', async (t) => {
    const failing = failingHost();
    const pool = await Pool.open(temporaryDirectory(t), failing, log);
    failing.failAt(4, true);
    await assert.rejects(pool.create(record('v')), /ABORTED.*EIO.*could not be removed; try again/);
    await assert.rejects(pool.create(record('v')), /ABORTED/);
    failing.failAt(Number.POSITIVE_INFINITY);
    await pool.create(record('v'));
  });
});

describe('a process that dies', () => {
  const steps: [what: string, changes: number, work: (pool: Pool) => Promise<unknown>][] = [
    ['making a volume', 5, (pool) => pool.create(record('v'))],
    ['deleting a volume', 4, (pool) => pool.remove('w')],
    ['publishing a volume', 2, (pool) => pool.publish('w', { nodeId: 'n', readOnly: false })],
    ['unpublishing a volume', 2, (pool) => pool.unpublish('p')],
  ];
  for (const [what, changes, work] of steps) {
    it(`while ${what} leaves a pool that is whole`, async (t) => {
      for (let change = 1; change <= changes; change++) {
        const directory = temporaryDirectory(t);
        const failing = failingHost();
        const pool = await Pool.open(directory, failing, log);
        await pool.create(record('w'));
        await pool.create(record('p'));
        await pool.publish('p', { nodeId: 'n', readOnly: false });
        // From here on nothing reaches the disk.
        failing.failAt(change, true);
        await assert.rejects(work(pool), /EIO/, `${what} took fewer than ${change} changes`);
        const again = await Pool.open(directory, host, log);
        const expected = again
          .volumes()
          .flatMap(({ id, publishedTo }) => [
            `${id}.img`,
            `${id}.json`,
            ...(publishedTo ? [`${id}.node`] : []),
          ]);
        assert.deepEqual(readdirSync(directory).sort(), expected.sort(), `${what}, change ${change}`);
        assert.ok(again.get('p'), 'other volumes stay');
        for (const { id } of again.volumes()) await again.checkImage(id);
      }
    });
  }
});
