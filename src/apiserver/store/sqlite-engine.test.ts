import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it, type TestContext } from 'node:test';
import { systemClock, systemRandom, withDeadline } from '../../base/index.ts';
import { configMaps, isExpired, type StatusError } from '../../kube/index.ts';
import { createLocalClient, createRegistry, DataDirInUseError, openStore } from '../index.ts';

function temporaryDirectory(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'stowage-store-'));
  t.after(() => {
    // Only the test of the full disk has mounted something here.
    spawnSync('umount', ['-l', dir], { stdio: 'ignore' });
    rmSync(dir, { recursive: true, force: true });
  });
  return dir;
}

async function start(dataDir: string) {
  const registry = await createRegistry({
    store: await openStore({ dataDir }),
    clock: systemClock,
    random: systemRandom,
  });
  return { registry, client: createLocalClient(registry) };
}

const map = (name: string, data: Record<string, string> = {}) => ({
  metadata: { namespace: 'default', name },
  data,
});

describe('the data directory', () => {
  it('keeps objects and revisions over a restart; older watches get 410', async (t) => {
    const dir = join(temporaryDirectory(t), 'state');
    const first = await start(dir);
    assert.equal(statSync(dir).mode & 0o777, 0o700);
    const a = await first.client.create(configMaps, map('a', { k: 'é' }));
    await first.client.create(configMaps, map('b'));
    await first.client.delete(configMaps, { namespace: 'default', name: 'b' });
    const revision = first.registry.revision();
    await first.registry.close();

    const second = await start(dir);
    t.after(() => second.registry.close());
    assert.equal(second.registry.revision(), revision);
    assert.deepEqual(await second.client.get(configMaps, { namespace: 'default', name: 'a' }), a);
    assert.deepEqual((await second.client.list(configMaps)).items, [a]);
    const c = await second.client.create(configMaps, map('c'));
    assert.equal(c.metadata.resourceVersion, String(revision + 1));
    const iterate = async () => {
      for await (const _ of second.client.watch(configMaps, { resourceVersion: a.metadata.resourceVersion }))
        break;
    };
    await assert.rejects(iterate(), isExpired);
    for await (const event of second.client.watch(configMaps, { resourceVersion: String(revision) })) {
      assert.equal(event.object.metadata.name, 'c');
      break;
    }
  });

  it('belongs to one instance at a time and is free after kill -9', async (t) => {
    const dir = temporaryDirectory(t);
    const holder = child(t, dir);
    await holder.line();
    await assert.rejects(openStore({ dataDir: dir }), (error: Error) => {
      assert.ok(error instanceof DataDirInUseError);
      assert.match(
        error.message,
        new RegExp(`^data directory ${dir} is in use by another instance \\(pid ${holder.pid}\\)`),
      );
      return true;
    });
    await holder.kill();
    const store = await openStore({ dataDir: dir });
    await store.close();
  });

  it('has every acknowledged write after kill -9 in the middle of writing', async (t) => {
    const dir = temporaryDirectory(t);
    const writer = child(t, dir);
    const acknowledged: string[] = [];
    while (acknowledged.length < 300) acknowledged.push(await writer.line());
    await writer.kill();
    acknowledged.push(...writer.rest());
    const { registry, client } = await start(dir);
    t.after(() => registry.close());
    const names = new Set(
      (await client.list(configMaps, { namespace: 'default' })).items.map((one) => one.metadata.name),
    );
    for (const number of acknowledged) assert.ok(names.has(`w-${number}`), `w-${number} is lost`);
  });

  const skip = process.getuid?.() !== 0 && 'mounting a small tmpfs needs root';
  it('refuses writes when the disk is full, keeps what was acknowledged and goes on when there is room', {
    skip,
  }, async (t) => {
    const dir = temporaryDirectory(t);
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', dir], { encoding: 'utf8' });
    assert.equal(mounted.status, 0, `mount: ${mounted.stderr}`);
    const { registry, client } = await start(join(dir, 'state'));
    const big = 'x'.repeat(100_000);
    let kept = 0;
    const fill = async () => {
      for (; ; kept++) await client.create(configMaps, map(`big-${kept}`, { big }));
    };
    await assert.rejects(
      fill(),
      (error: StatusError) => error.code === 507 && /no space left/.test(error.message),
    );
    assert.ok(kept > 0);
    assert.equal((await client.list(configMaps)).items.length, kept);
    spawnSync('mount', ['-o', 'remount,size=16m', dir]);
    await client.create(configMaps, map('after', { big }));
    await registry.close();
    const again = await start(join(dir, 'state'));
    assert.equal((await again.client.list(configMaps)).items.length, kept + 1);
    await again.registry.close();
  });
});

/** A process that writes config maps w-0, w-1 … 32 at a time, and prints each number once it is acknowledged. */
function child(t: TestContext, dir: string) {
  const script = new URL('./testdata/writer.ts', import.meta.url).pathname;
  const process_ = spawn(process.execPath, [script, dir], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<void>((resolve) => process_.once('close', () => resolve()));
  const lines = createInterface({ input: process_.stdout });
  const queue: string[] = [];
  let wake: (() => void) | undefined;
  lines.on('line', (line) => {
    queue.push(line);
    wake?.();
  });
  t.after(() => process_.kill('SIGKILL'));
  return {
    pid: process_.pid,
    async line(): Promise<string> {
      while (queue.length === 0) {
        const next = new Promise<void>((resolve) => {
          wake = resolve;
        });
        await withDeadline(systemClock, 20_000, 'a line from the writer', next);
      }
      return queue.shift()!;
    },
    rest: () => queue.splice(0),
    async kill(): Promise<void> {
      process_.kill('SIGKILL');
      await withDeadline(systemClock, 10_000, 'the end of the writer', ended);
    },
  };
}
