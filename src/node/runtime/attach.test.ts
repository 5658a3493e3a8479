import assert from 'node:assert/strict';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { systemClock, withDeadline } from '../../base/index.ts';
import { scratchDirectory, skipReason } from '../../host/linux/leftovers.test-support.ts';
import type { ContainerStreams } from './contract.ts';
import { ended, logLines, openRuntime, runtimeAt, shellContainer } from './runtime.test-support.ts';
import { readUntil } from './sessions.test-support.ts';

const WITH_INPUT = { stdin: true };
const taking = (script: string, streams: ContainerStreams, more = {}) =>
  shellContainer(script, { streams, ...more });

describe('a container that reads', { skip: skipReason, timeout: 300_000 }, () => {
  it('has its input end with the first client, and its output to the last byte', async (test) => {
    const scratch = scratchDirectory(test);
    const runtime = await openRuntime(scratch);
    const { id } = await runtime.start(taking('cat; echo over', { stdin: 'once', tty: false }));
    const session = await runtime.attach(id, WITH_INPUT);
    const sent = 'x'.repeat(1_000_000);
    session.stdin!.end(`${sent}\n`);
    const said = await text(session.stdout);
    assert.ok(said === `${sent}\nover\n`, `${said.length} bytes`);
    assert.equal((await ended(runtime, id)).exitCode, 0);
  });

  it('waits for clients one after the other when its input is to stay open', async (test) => {
    const scratch = scratchDirectory(test);
    const runtime = await openRuntime(scratch);
    const script = 'read a; echo "first $a"; read b; echo "second $b"; read c';
    const { id } = await runtime.start(taking(script, { stdin: 'open', tty: false }));
    for (const name of ['first', 'second']) {
      const session = await runtime.attach(id, WITH_INPUT);
      session.stdin!.write(`${name[0]}\n`);
      assert.equal(await readUntil(session.stdout, /\n/), `${name} ${name[0]}\n`);
      session.stdin!.end();
      // Its end is that of the session, not of the container's input.
      await withDeadline(systemClock, 60_000, 'end of the session', session.ended);
    }
    assert.equal(runtime.containers()[0]?.state, 'running');
  });

  it('gets no input from who only looks', async (test) => {
    const runtime = await openRuntime(scratchDirectory(test));
    const { id } = await runtime.start(taking('echo on; cat', { stdin: 'once', tty: false }));
    const session = await runtime.attach(id);
    assert.equal(session.stdin, undefined);
    session.end();
    assert.equal(runtime.containers()[0]?.state, 'running');
  });

  it('without input is at its end at once', async (test) => {
    const scratch = scratchDirectory(test);
    const runtime = await openRuntime(scratch);
    const { id } = await runtime.start(shellContainer('cat; echo over'));
    assert.deepEqual(await logLines(scratch.host, await ended(runtime, id)), ['stdout F over']);
  });

  it('keeps its input and its terminal when its agent is followed by another', async (test) => {
    const scratch = scratchDirectory(test);
    const first = runtimeAt(scratch.directory, scratch.host);
    await first.open();
    const { id } = await first.start(
      taking('read a; echo "got $a"; tty; exec sleep 100', { stdin: 'once', tty: true }),
    );
    await first.close();
    const runtime = await openRuntime(scratch);
    const session = await runtime.attach(id, WITH_INPUT);
    session.stdin!.write('hello\r');
    assert.match(await readUntil(session.stdout, /pts\/0\r\n/), /got hello\r\n\/dev\/pts\/0\r\n$/);
  });
});

describe('a container with a terminal', { skip: skipReason, timeout: 300_000 }, () => {
  it('has a size that clients change, signals from its keys, and stays when they go', async (test) => {
    const scratch = scratchDirectory(test);
    const runtime = await openRuntime(scratch);
    const script = `trap 'stty size' WINCH; trap 'echo interrupted; exit 5' INT; read go; echo ready; while :; do sleep 0.05; done`;
    const security = { ...shellContainer('').security, uid: 1234, gid: 1234 };
    const { id } = await runtime.start(taking(script, { stdin: 'open', tty: true }, { security }));
    const first = await runtime.attach(id, WITH_INPUT);
    assert.equal(first.stderr, undefined);
    first.stdin!.write('go\r');
    await readUntil(first.stdout, /ready/);
    first.resize({ columns: 101, rows: 33 });
    await readUntil(first.stdout, /33 101\r\n/);
    first.end();
    const second = await runtime.attach(id, WITH_INPUT);
    second.stdin!.write('\x03');
    await readUntil(second.stdout, /interrupted/);
    const record = await ended(runtime, id);
    assert.equal(record.exitCode, 5);
    const lines = await logLines(scratch.host, record);
    assert.deepEqual(lines.slice(0, 2), ['stdout F go\r', 'stdout F ready\r']);
  });

  it('has one also when it takes no input', async (test) => {
    const scratch = scratchDirectory(test);
    const runtime = await openRuntime(scratch);
    const { id } = await runtime.start(
      taking('tty; test -t 0 && test -t 2 && id -u; exit 7', { stdin: 'none', tty: true }),
    );
    const record = await ended(runtime, id);
    assert.equal(record.exitCode, 7);
    assert.deepEqual(await logLines(scratch.host, record), ['stdout F /dev/pts/0\r', 'stdout F 0\r']);
  });

  it('says why it cannot start', async (test) => {
    const runtime = await openRuntime(scratchDirectory(test));
    const streams = { stdin: 'open', tty: true } as const;
    await assert.rejects(runtime.start(shellContainer('', { command: ['no-such'], streams })), {
      message: 'exec: "no-such": executable file not found in $PATH',
    });
    const mounts = [{ hostPath: '/etc', containerPath: '/bin/sh/x', readOnly: true }];
    await assert.rejects(runtime.start(taking('true', streams, { mounts })), /cannot make the directory/);
  });
});
