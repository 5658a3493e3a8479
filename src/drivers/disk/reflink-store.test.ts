import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { createLogger } from '../../base/index.ts';
import type { Host } from '../../host/index.ts';
import { openStore } from './reflink-store.ts';
import { cannotMount, host, log, temporaryDirectory } from './test-support.ts';

const has = (name: string, directory: string) => readdirSync(directory).includes(name);

function directories(t: TestContext) {
  const directory = temporaryDirectory(t);
  return { directory, pool: join(directory, 'pool') };
}

/** A pool as it was before: files in a plain directory. */
function oldPool(t: TestContext) {
  const found = directories(t);
  mkdirSync(found.pool, { mode: 0o700 });
  writeFileSync(join(found.pool, 'v.img'), 'data');
  truncateSync(join(found.pool, 'v.img'), 1 << 24);
  writeFileSync(join(found.pool, 'v.json'), '{}');
  return found;
}

/** The machine dies at the `at`-th call that changes something. */
function dying(at: number): Host {
  let calls = 0;
  const changing = new Set([
    'allocate',
    'format',
    'mount',
    'exec',
    'sync',
    'unmount',
    'writeAtomic',
    'rename',
    'attach',
    'detach',
    'removeFile',
  ]);
  const group = <T extends object>(part: T): T =>
    Object.fromEntries(
      Object.entries(part).map(([name, work]) => [
        name,
        changing.has(name)
          ? async (...args: unknown[]) => {
              if (++calls >= at) throw new Error('the machine is dead');
              return (work as (...given: unknown[]) => unknown)(...args);
            }
          : work,
      ]),
    ) as T;
  return {
    ...host,
    files: group(host.files),
    mounts: group(host.mounts),
    loops: group(host.loops),
    disks: group(host.disks),
    processes: group(host.processes),
  };
}

describe('a pool with reflinks', { skip: cannotMount(), timeout: 120_000 }, () => {
  it('is made, left, found again, and used as it is when it is still mounted', async (t) => {
    const { directory, pool } = directories(t);
    const first = await openStore(pool, host, log);
    assert.equal(first.obstacle, undefined);
    writeFileSync(join(pool, 'a'), 'a');
    await host.files.clone(join(pool, 'a'), join(pool, 'b'));
    const mounts = execFileSync('findmnt', ['-n', '-o', 'TARGET', pool], { encoding: 'utf8' });
    await openStore(pool, host, log);
    assert.equal(execFileSync('findmnt', ['-n', '-o', 'TARGET', pool], { encoding: 'utf8' }), mounts);
    await first.close();
    assert.deepEqual(readdirSync(pool), []);
    assert.deepEqual(readdirSync(directory).sort(), ['pool', 'pool.xfs']);
    await openStore(pool, host, log);
    assert.equal(readFileSync(join(pool, 'b'), 'utf8'), 'a');
  });

  it('is closed also when somebody else does not let go of its device yet', async (t) => {
    const { directory, pool } = directories(t);
    const held: Host = {
      ...host,
      loops: {
        ...host.loops,
        async detach(device) {
          await host.loops.detach(device);
          throw new Error(`detach ${device}: still in use`);
        },
      },
    };
    const lines: string[] = [];
    const store = await openStore(
      pool,
      held,
      createLogger({ level: 'warn', now: () => 0, sink: (line) => lines.push(line) }),
    );
    await store.close();
    assert.equal(await host.mounts.isMountPoint(pool), false);
    assert.match(lines.join('\n'), /loop device of the pool stays.*still in use/);
    assert.ok(has('pool.xfs', directory));
  });

  it('stays mounted while an image in it is attached', async (t) => {
    const { pool } = directories(t);
    const store = await openStore(pool, host, log);
    await host.files.allocate(join(pool, 'v.img'), 1n << 20n);
    const device = await host.loops.attach(join(pool, 'v.img'));
    await store.close();
    assert.ok(has('v.img', pool));
    await host.loops.detach(device);
    await store.close();
    assert.ok(!has('v.img', pool));
  });

  it('takes in what an older pool has, holes and all', async (t) => {
    const { directory, pool } = oldPool(t);
    const store = await openStore(pool, host, log);
    assert.equal(store.obstacle, undefined);
    assert.deepEqual(readdirSync(pool).sort(), ['v.img', 'v.json']);
    assert.equal(readFileSync(join(pool, 'v.img')).subarray(0, 4).toString(), 'data');
    const { size, blocks } = statSync(join(pool, 'v.img'));
    assert.ok(size === 1 << 24 && blocks * 512 < 1 << 20, `${size} ${blocks}`);
    await store.close();
    assert.deepEqual(readdirSync(pool), [], 'nothing of it stays below');
    assert.deepEqual(readdirSync(directory).sort(), ['pool', 'pool.xfs']);
  });

  it('leaves an older pool as it is while a volume of it is in use', async (t) => {
    const { pool } = oldPool(t);
    const device = await host.loops.attach(join(pool, 'v.img'));
    const store = await openStore(pool, host, log);
    assert.match(store.obstacle ?? '', /its volumes are in use; start again when no pod uses them/);
    await host.loops.detach(device);
    assert.equal((await openStore(pool, host, log)).obstacle, undefined);
  });

  it('loses nothing of an older pool, wherever the move is cut short', async (t) => {
    let finished = false;
    for (let at = 1; !finished; at++) {
      const { directory, pool } = oldPool(t);
      await openStore(pool, dying(at), log).then(
        (store) => {
          finished = store.obstacle === undefined;
        },
        () => undefined,
      );
      const store = await openStore(pool, host, log);
      assert.equal(store.obstacle, undefined, `after ${at} calls`);
      assert.equal(readFileSync(join(pool, 'v.img')).subarray(0, 4).toString(), 'data', `after ${at} calls`);
      assert.ok(has('v.json', pool), `after ${at} calls`);
      await store.close();
      assert.deepEqual(readdirSync(pool), [], `after ${at} calls`);
      assert.deepEqual(readdirSync(directory).sort(), ['pool', 'pool.xfs'], `after ${at} calls`);
    }
  });
});
