import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { type Scratch, scratchDirectory, skipReason } from '../../host/linux/leftovers.test-support.ts';
import type { ContainerConfig } from './contract.ts';
import { ended, logLines, openRuntime, shellContainer } from './runtime.test-support.ts';

const PRIVILEGED = { ...shellContainer('').security, capabilities: ['all'] };
const EXEC = { timeoutMs: 30_000 };

/** A mount of the host below which others are shared with whoever has it. */
function sharedMount({ directory, defer }: Scratch, name: string): string {
  const path = join(directory, name);
  mkdirSync(join(path, 'below'), { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', name, path]);
  defer(() => void execFileSync('umount', ['-R', path]));
  execFileSync('mount', ['--make-shared', path]);
  mkdirSync(join(path, 'below'));
  return path;
}

describe('processes of containers', { skip: skipReason, timeout: 300_000 }, () => {
  const named = (containerName: string, script: string, more: Partial<ContainerConfig> = {}) =>
    shellContainer(script, { containerName, ...more });

  it('are seen by a container that shares them, and end with it, also those in the background', async (test) => {
    const scratch = scratchDirectory(test);
    const runtime = await openRuntime(scratch);
    const mark = `311.${process.pid}`;
    const first = await runtime.start(named('first', `sleep ${mark}1`, { command: ['sleep', `${mark}1`] }));
    const namespaces = { pid: { container: first.id }, ipc: 'own' } as const;
    const second = await runtime.start(
      named('second', `sleep ${mark}2 & echo $$ $(tr '\\0' ' ' </proc/1/cmdline); wait`, { namespaces }),
    );
    // The container is running before its background process is. The pattern does not find itself.
    const seen = `until cat /proc/[0-9]*/cmdline | grep -qa "[3]11.${process.pid}2"; do :; done`;
    assert.equal((await runtime.exec(first.id, ['sh', '-c', seen], EXEC)).exitCode, 0);
    const record = await runtime.stop(second.id, 0);
    // Not process 1: the signal is not ignored.
    assert.equal(record.exitCode, 143);
    const [line] = await logLines(scratch.host, record);
    assert.match(line!, new RegExp(`^stdout F [2-9]\\d* sleep ${mark}1$`));
    const left = await runtime.exec(first.id, ['sh', '-c', 'cat /proc/[0-9]*/cmdline'], EXEC);
    assert.doesNotMatch(left.stdout, new RegExp(`${mark}2`));
    assert.equal(runtime.containers().find(({ id }) => id === first.id)?.state, 'running');
  });

  it('go with the one whose namespace they share', async (test) => {
    const runtime = await openRuntime(scratchDirectory(test));
    const first = await runtime.start(named('first', 'sleep 100'));
    const namespaces = { pid: { container: first.id }, ipc: 'own' } as const;
    const second = await runtime.start(named('second', 'sleep 100', { namespaces }));
    await runtime.stop(first.id, 0);
    assert.equal((await ended(runtime, second.id)).exitCode, 137);
  });

  it("are the host's when that is asked for, and so is its IPC", async (test) => {
    const scratch = scratchDirectory(test);
    const runtime = await openRuntime(scratch);
    const mark = `312.${process.pid}`;
    const script = `readlink /proc/self/ns/ipc; sleep ${mark} & kill -0 ${process.pid} && echo seen; touch /tmp/done; wait`;
    const namespaces = { pid: 'host', ipc: 'host' } as const;
    const { id } = await runtime.start(named('all', script, { namespaces }));
    const look = `until [ -e /tmp/done ]; do sleep 0.02; done; cat /proc/${process.pid}/comm`;
    const { stdout } = await runtime.exec(id, ['sh', '-c', look], EXEC);
    assert.equal(stdout, readFileSync(`/proc/${process.pid}/comm`, 'utf8'));
    const record = await runtime.stop(id, 0);
    assert.deepEqual(await logLines(scratch.host, record), [
      `stdout F ${readlinkSync('/proc/self/ns/ipc')}`,
      'stdout F seen',
    ]);
    const found = execFileSync('sh', ['-c', 'cat /proc/[0-9]*/cmdline 2>/dev/null || true'], {
      encoding: 'latin1',
    });
    assert.ok(!found.includes(`sleep\0${mark}`), 'a process of the container is left');
  });
});

describe('mounts of a container', { skip: skipReason, timeout: 300_000 }, () => {
  it('are read-only below too where that was asked for', async (test) => {
    const scratch = scratchDirectory(test);
    const data = sharedMount(scratch, 'data');
    execFileSync('mount', ['-t', 'tmpfs', 'inner', join(data, 'below')]);
    const mounts = [true, false].map((recursiveReadOnly) => ({
      hostPath: data,
      containerPath: `/${recursiveReadOnly}`,
      readOnly: true,
      recursiveReadOnly,
    }));
    const runtime = await openRuntime(scratch);
    const script =
      'for d in true true/below false false/below; do touch /$d/x 2>/dev/null && echo $d; done; :';
    const { id } = await runtime.start(shellContainer(script, { mounts }));
    assert.deepEqual(await logLines(scratch.host, await ended(runtime, id)), ['stdout F false/below']);
  });

  it("are the host's too where that was asked for, and only there", async (test) => {
    const scratch = scratchDirectory(test);
    const both = sharedMount(scratch, 'both');
    const one = sharedMount(scratch, 'one');
    const mounts = [
      { hostPath: both, containerPath: '/both', readOnly: false, propagation: 'Bidirectional' as const },
      { hostPath: one, containerPath: '/one', readOnly: false, propagation: 'HostToContainer' as const },
    ];
    const script =
      'for d in both one; do mount -t tmpfs mine /$d/below && touch /$d/below/made; done; sleep 100';
    const runtime = await openRuntime(scratch);
    const { id } = await runtime.start(shellContainer(script, { mounts, security: PRIVILEGED }));
    await runtime.exec(id, ['sh', '-c', 'until [ -e /one/below/made ]; do sleep 0.02; done'], EXEC);
    assert.deepEqual(
      [existsSync(join(both, 'below/made')), existsSync(join(one, 'below/made'))],
      [true, false],
    );
    execFileSync('mount', ['-t', 'tmpfs', 'late', join(one, 'below')]);
    const { stdout } = await runtime.exec(id, ['grep', '-c', '^late', '/proc/mounts'], EXEC);
    assert.equal(stdout, '1\n');
  });

  it("cannot be the host's when the volume's own mount is not shared", async (test) => {
    const scratch = scratchDirectory(test);
    const path = sharedMount(scratch, 'data');
    execFileSync('mount', ['--make-private', path]);
    const mounts = [
      { hostPath: path, containerPath: '/data', readOnly: false, propagation: 'Bidirectional' as const },
    ];
    const runtime = await openRuntime(scratch);
    await assert.rejects(runtime.start(shellContainer('true', { mounts, security: PRIVILEGED })), {
      message: `path "${path}" is mounted on "${path}" but it is not a shared mount`,
    });
  });
});
