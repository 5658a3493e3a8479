import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { FakeClock, silentLogger, sleep, systemClock, systemRandom, turn } from '../../base/index.ts';
import type { Host } from '../../host/index.ts';
import { type Scratch, scratchDirectory, skipReason } from '../../host/linux/leftovers.test-support.ts';
import { LinuxRuntime } from './linux-runtime.ts';
import { ended, shellContainer } from './runtime.test-support.ts';

describe('a container that just runs', { skip: skipReason, timeout: 120_000 }, () => {
  it('is left alone, but for a look each minute', async (test) => {
    const { runtime, clock, looks, quiet } = await stage(test);
    await runtime.start(shellContainer('sleep 1000'));
    await quiet();
    const before = looks();
    await clock.advance(59_000);
    assert.deepEqual(looks(), before);
    await clock.advance(1_000);
    assert.deepEqual(looks(), { ...before, status: before.status + 1 });
  });

  it('is looked for every five seconds when another agent has started it', async (test) => {
    const first = await stage(test);
    const { id } = await first.runtime.start(shellContainer('sleep 1000'));
    await first.runtime.close();
    const { runtime, clock, looks } = await stage(test, first.scratch);
    const before = looks();
    await clock.advance(10_000);
    assert.deepEqual(looks(), { ...before, alive: before.alive + 2 });
    const status = join(first.scratch.directory, 'runtime/containers', id, 'status');
    const shim = Number(/^shim (\d+)/m.exec(readFileSync(status, 'utf8'))?.[1]);
    process.kill(-shim, 'SIGKILL');
    let isOver = false;
    const end = ended(runtime, id).finally(() => {
      isOver = true;
    });
    // The container's process may take a moment to go.
    while (!isOver) {
      await clock.advance(5_000);
      await sleep(systemClock, 10);
    }
    assert.equal((await end).exitCode, undefined);
  });
});

/** A runtime with a clock of its own; how often it has looked at its containers. */
async function stage(test: Parameters<typeof scratchDirectory>[0], given?: Scratch) {
  const scratch = given ?? scratchDirectory(test);
  const { host, directory } = scratch;
  const looked = { status: 0, alive: 0 };
  let reads = 0;
  let isQuiet = false;
  const counting: Host = {
    ...host,
    files: {
      ...host.files,
      read(path) {
        if (path.endsWith('/status')) looked.status++;
        reads++;
        return host.files.read(path).finally(() => reads--);
      },
      watchDirectory: (path, changed) => host.files.watchDirectory(path, () => isQuiet || changed()),
    },
    processes: {
      ...host.processes,
      isAlive(id) {
        looked.alive++;
        return host.processes.isAlive(id);
      },
    },
  };
  const clock = new FakeClock();
  const runtime = new LinuxRuntime({
    host: counting,
    clock,
    random: systemRandom,
    log: silentLogger,
    directory: join(directory, 'runtime'),
    logRoot: join(directory, 'log'),
  });
  await runtime.open();
  scratch.defer(async () => {
    isQuiet = false;
    for (const { id } of runtime.containers()) {
      const stopped = runtime.stop(id, 0);
      await clock.advance(1);
      await stopped;
      await runtime.remove(id);
    }
    await runtime.close();
  });
  /** Of what has changed by now nobody is told any more, and who was told has looked. */
  const quiet = async () => {
    isQuiet = true;
    do await turn();
    while (reads > 0);
  };
  return { scratch, runtime, clock, quiet, looks: () => ({ ...looked }) };
}
