import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { scratchDirectory } from '../../src/host/linux/leftovers.test-support.ts';
import type { Container, Pod } from '../../src/kube/index.ts';
import { containerCgroup } from '../../src/node/cgroups/index.ts';
import { StartError } from '../../src/node/runtime/index.ts';
import {
  ended,
  openRuntime,
  runtimeAt,
  shellContainer,
} from '../../src/node/runtime/runtime.test-support.ts';
import { notInMachine } from './support.ts';

const ROOT = '/sys/fs/cgroup';
const MIB = 1024 * 1024;
/** The machine may be an emulated one. */
const LONG_MS = 300_000;

/** A container of a pod that has it alone. */
function limited(script: string, limits: object, requests: object = {}, pidsLimit?: number) {
  const container = { name: 'main', resources: { limits, requests } } as Container;
  const pod = { metadata: { name: 'web-0' }, spec: { containers: [container] } } as Pod;
  return shellContainer(script, { cgroup: containerCgroup(pod, container, pidsLimit) });
}

/** The groups that were made here: each path below the tree's root. */
async function groups(): Promise<string[]> {
  const found = await readdir(ROOT, { recursive: true, withFileTypes: true });
  return found
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length + 1))
    .filter((path) => path.startsWith('stowage-'))
    .map((path) => path.replace(/^[^/]+\/?/, ''))
    .filter(Boolean)
    .sort();
}

const groupOf = async (pid: number) => {
  const [line] = (await readFile(`/proc/${pid}/cgroup`, 'utf8')).split('\n');
  return join(ROOT, line!.slice('0::'.length));
};
const setting = async (path: string, file: string) => (await readFile(join(path, file), 'utf8')).trim();

describe('a container with limits', { skip: notInMachine }, () => {
  it('is in a control group of its own in its pod’s, and sees nothing above', async (test) => {
    const runtime = await openRuntime(scratchDirectory(test));
    const config = limited(
      'sleep 1000',
      { cpu: '500m', memory: '64Mi' },
      { cpu: '250m', memory: '32Mi' },
      50,
    );
    const { id, pid } = await runtime.start(config);
    const own = await groupOf(pid);
    assert.match(own, new RegExp(`/stowage-[0-9a-f]{12}/kubepods/burstable/poduid-of-web-0/${id}$`));
    const pod = join(own, '..');
    assert.deepEqual(
      await Promise.all(
        ['cpu.max', 'cpu.weight', 'memory.max', 'memory.oom.group'].map((file) => setting(own, file)),
      ),
      ['50000 100000', '35', String(64 * MIB), '1'],
    );
    assert.deepEqual(
      await Promise.all(
        ['cpu.max', 'cpu.weight', 'memory.max', 'pids.max'].map((file) => setting(pod, file)),
      ),
      ['50000 100000', '10', String(64 * MIB), '50'],
    );
    assert.equal(await setting(join(pod, '..'), 'cpu.weight'), '10', 'what its class asks for');

    const script = 'cat /proc/self/cgroup /sys/fs/cgroup/memory.max; echo 1 2>&1 >/sys/fs/cgroup/memory.max';
    const said = await runtime.exec(id, ['sh', '-c', script], { timeoutMs: LONG_MS });
    const [group, memory, refused] = said.stdout.split('\n');
    assert.deepEqual([group, memory], ['0::/', String(64 * MIB)], 'so is a command in it');
    assert.match(refused + said.stderr, /Read-only/);

    const usage = await runtime.usage(config.podUid);
    const mine = usage!.containers.get(id)!;
    assert.ok(mine.cpuMicroseconds > 0 && usage!.pod.cpuMicroseconds >= mine.cpuMicroseconds);
    assert.ok(mine.memoryBytes > 0 && mine.workingSetBytes <= mine.memoryBytes);
    assert.equal(mine.memoryLimitBytes, 64 * MIB);
    assert.ok(mine.processes >= 1);

    await runtime.stop(id, 0);
    assert.deepEqual(
      (await groups()).filter((path) => path.endsWith(id)),
      [],
    );
    await runtime.remove(id);
    assert.deepEqual(await groups(), ['kubepods', 'kubepods/besteffort', 'kubepods/burstable']);
    await runtime.close();
    assert.deepEqual(await groups(), []);
  });

  it('is killed whole when it wants more memory than it may have, and it is told', async (test) => {
    const runtime = await openRuntime(scratchDirectory(test));
    const script = 'perl -e \'my $x = "x" x (256 << 20); sleep 1000\'; echo went on; sleep 1000';
    const { id } = await runtime.start(limited(script, { memory: '64Mi', cpu: '1' }));
    const record = await ended(runtime, id, LONG_MS);
    assert.deepEqual([record.exitCode, record.oomKilled], [137, true]);
  });

  it('cannot start with less memory than the start itself needs', async (test) => {
    const runtime = await openRuntime(scratchDirectory(test));
    await assert.rejects(runtime.start(limited('sleep 1000', { memory: '4096' })), (error: Error) => {
      assert.ok(error instanceof StartError);
      assert.match(error.message, /OOM-killed|not enough memory|Cannot allocate memory/);
      return true;
    });
    assert.deepEqual(
      (await groups()).filter((path) => path.includes('/pod')),
      [],
    );
  });

  it('cannot have more processes than its pod may', async (test) => {
    const runtime = await openRuntime(scratchDirectory(test));
    const script = 'for i in 1 2 3 4 5 6 7 8 9; do sleep 1000 & done; echo all of them; wait';
    const { id } = await runtime.start(limited(script, {}, {}, 5));
    const record = await ended(runtime, id, LONG_MS);
    assert.match(await readFile(record.logPath, 'utf8'), /Cannot fork/);
  });

  it('is known again to the next agent, also that it ran out of memory meanwhile', async (test) => {
    const scratch = scratchDirectory(test);
    const first = runtimeAt(scratch.directory, scratch.host);
    await first.open();
    const wait = 'while [ ! -e /tmp/go ]; do sleep 0.1; done';
    const greedy = await first.start(
      limited(`${wait}; perl -e 'my $x = "x" x (256 << 20)'`, { memory: '64Mi' }),
    );
    const steady = await first.start({
      ...limited('sleep 1000', { memory: '64Mi' }),
      podUid: 'another',
      containerName: 'steady',
    });
    await first.exec(greedy.id, ['touch', '/tmp/go'], { timeoutMs: LONG_MS });
    await first.close();
    const second = await openRuntime(scratch);
    const record = await ended(second, greedy.id, LONG_MS);
    assert.equal(record.oomKilled, true);
    const [adopted] = second.containers('another');
    assert.equal(adopted?.state, 'running');
    assert.equal((await second.usage('another'))?.containers.has(steady.id), true);
  });
});
