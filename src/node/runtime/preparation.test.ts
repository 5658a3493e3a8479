import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { sleep, systemClock, withDeadline } from '../../base/index.ts';
import type { ProcessId } from '../../host/index.ts';
import { type Scratch, scratchDirectory, skipReason } from '../../host/linux/leftovers.test-support.ts';
import { StartError } from './contract.ts';
import { ended, logLines, openRuntime, runtimeAt, shellContainer } from './runtime.test-support.ts';

const LIMIT_MS = 90_000;

describe('a container that is made ready', { skip: skipReason, timeout: 300_000 }, () => {
  it('is seen by nobody, and has the volumes that came meanwhile once it runs', async (test) => {
    const scratch = scratchDirectory(test);
    const { host, directory } = scratch;
    const runtime = await openRuntime(scratch);
    const volume = join(directory, 'volume');
    mkdirSync(volume);
    const { command, environment, ...setup } = shellContainer(
      'cat /data/file; hostname; grep -c " /data " /proc/mounts',
    );
    const prepared = runtime.prepare(setup);
    await waiting(directory);
    assert.deepEqual(runtime.containers(), []);
    await host.mounts.mount({ source: 'late', target: volume, fsType: 'tmpfs' });
    scratch.defer(() => host.mounts.unmount(volume));
    writeFileSync(join(volume, 'file'), 'came late\n');
    const mounts = [{ hostPath: volume, containerPath: '/data', readOnly: true }];
    const { id } = await prepared.start({ command, environment, mounts });
    const record = await ended(runtime, id);
    assert.deepEqual(
      await logLines(host, record),
      ['came late', 'web-0', '1'].map((line) => `stdout F ${line}`),
    );
  });

  it('holds nothing that is mounted on the host, and leaves nothing when it is not wanted', async (test) => {
    const scratch = scratchDirectory(test);
    const { host, directory } = scratch;
    const image = join(directory, 'image');
    const target = join(directory, 'other');
    mkdirSync(target);
    await host.files.allocate(image, 16n << 20n);
    const device = await host.loops.attach(image);
    scratch.defer(() => host.loops.detach(device));
    await host.disks.format(device, 'ext4');
    await host.mounts.mount({ source: device, target, fsType: 'ext4' });
    const runtime = await openRuntime(scratch);
    const prepared = runtime.prepare(shellContainer(''));
    const init = await waiting(directory);
    await host.mounts.unmount(target);
    await host.loops.detach(device);
    await prepared.discard();
    assert.equal(await host.processes.find(init), undefined);
    assert.deepEqual(readdirSync(join(directory, 'runtime/containers')), []);
  });

  it('leaves nothing when it is not wanted before it was ready', async (test) => {
    const scratch = scratchDirectory(test);
    const runtime = await openRuntime(scratch);
    await Promise.all(
      ['a', 'b', 'c'].map((containerName) =>
        runtime.prepare(shellContainer('', { containerName })).discard(),
      ),
    );
    assert.deepEqual(readdirSync(join(scratch.directory, 'runtime/containers')), []);
  });

  it('goes with its runtime', async (test) => {
    const scratch = scratchDirectory(test);
    const { host, directory } = scratch;
    const runtime = runtimeAt(directory, host);
    await runtime.open();
    runtime.prepare(shellContainer(''));
    await waiting(directory);
    await runtime.close();
    assert.deepEqual(readdirSync(join(directory, 'runtime/containers')), []);
  });

  it('goes with its runtime also when its processes are only about to be started', async (test) => {
    const scratch = scratchDirectory(test);
    const { host, directory } = scratch;
    const asked = Promise.withResolvers<void>();
    const allowed = Promise.withResolvers<void>();
    const shims: ProcessId[] = [];
    const spawn: typeof host.processes.spawn = async (request) => {
      asked.resolve();
      await allowed.promise;
      const shim = await host.processes.spawn(request);
      shims.push(shim);
      return shim;
    };
    const runtime = runtimeAt(directory, { ...host, processes: { ...host.processes, spawn } });
    await runtime.open();
    runtime.prepare(shellContainer(''));
    await asked.promise;
    const closed = runtime.close();
    allowed.resolve();
    await closed;
    assert.equal(shims.length, 1, 'it was waited for');
    assert.equal(await host.processes.isAlive(shims[0]!), false);
    assert.deepEqual(readdirSync(join(directory, 'runtime/containers')), []);
  });

  it('is taken away by the next runtime when its own was killed', async (test) => {
    const scratch = scratchDirectory(test);
    const { host, directory } = scratch;
    const killed = runtimeAt(directory, host);
    await killed.open();
    scratch.defer(() => killed.close());
    killed.prepare(shellContainer(''));
    const init = await waiting(directory);
    const runtime = await openRuntime(scratch);
    assert.deepEqual([runtime.containers(), await host.processes.find(init)], [[], undefined]);
  });

  it('is made anew when it has ended meanwhile', async (test) => {
    const scratch = scratchDirectory(test);
    const { host, directory } = scratch;
    const runtime = await openRuntime(scratch);
    const { command, environment, mounts, ...setup } = shellContainer('echo up');
    const prepared = runtime.prepare(setup);
    process.kill(await waiting(directory), 'SIGKILL');
    await until(() => readdirSync(containerDirectory(directory)!).includes('exit'));
    const record = await ended(runtime, (await prepared.start({ command, environment, mounts })).id);
    assert.deepEqual(await logLines(host, record), ['stdout F up']);
  });

  it('ends by itself when nobody says what to run', async (test) => {
    const scratch = scratchDirectory(test);
    const { host, directory } = scratch;
    const runtime = await openRuntime(scratch);
    const script = join(directory, 'runtime/enter.pl');
    const text = readFileSync(script, 'utf8');
    writeFileSync(script, text.replace(/sub ORDER_SECONDS.*/, 'sub ORDER_SECONDS() { 0.01 }'));
    const prepared = runtime.prepare(shellContainer(''));
    const init = await initOf(directory);
    await until(async () => (await host.processes.find(init)) === undefined);
    const status = readFileSync(join(containerDirectory(directory)!, 'status'), 'utf8');
    assert.match(status, /^error nobody has said what is to be run$/m);
    await prepared.discard();
  });

  it('says why it cannot be made', async (test) => {
    const runtime = await openRuntime(scratchDirectory(test));
    const { command, environment, mounts, ...setup } = shellContainer('', { imageRoot: '/no/such' });
    const prepared = runtime.prepare(setup);
    await assert.rejects(prepared.start({ command, environment, mounts }), (error) => {
      assert.ok(error instanceof StartError);
      assert.match(error.message, /cannot build the root file system/);
      return true;
    });
    const mute = runtime.prepare(shellContainer(''));
    await assert.rejects(mute.start({ command: [], environment, mounts }), /no command specified/);
  });
});

function containerDirectory(directory: Scratch['directory']): string | undefined {
  const [id] = readdirSync(join(directory, 'runtime/containers'));
  return id && join(directory, 'runtime/containers', id);
}

/** The first process of the one container, in the host's numbers. */
async function initOf(directory: Scratch['directory']): Promise<number> {
  return until(() => {
    const container = containerDirectory(directory);
    if (!container || !readdirSync(container).includes('status')) return undefined;
    const status = readFileSync(join(container, 'status'), 'utf8');
    return Number(/^init (\d+) .*\n/m.exec(status)?.[1]) || undefined;
  });
}

/** The same, once it has let go of the host's root and has nothing more to do: it waits to be told what to run. */
async function waiting(directory: Scratch['directory']): Promise<number> {
  const pid = await initOf(directory);
  const mounts = () => readFileSync(`/proc/${pid}/mountinfo`, 'utf8');
  await until(() => !mounts().includes(` ${directory}/`) && mounts().includes(' /proc/sys ro')).catch(
    (error) => {
      const said = readFileSync(join(containerDirectory(directory)!, 'status'), 'utf8');
      throw new Error(`it does not wait; it says: ${said}; it sees: ${mounts()}`, { cause: error });
    },
  );
  return pid;
}

/** What `look` finds, once it finds something. */
async function until<T>(look: () => T | Promise<T>): Promise<NonNullable<T>> {
  const found = async () => {
    for (;;) {
      const value = await look();
      if (value) return value;
      await sleep(systemClock, 10);
    }
  };
  return withDeadline(systemClock, LIMIT_MS, 'what was waited for', found());
}
