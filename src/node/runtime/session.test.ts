import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { type Scratch, scratchDirectory, skipReason } from '../../host/linux/leftovers.test-support.ts';
import type { ContainerConfig, ContainerSession, SessionOptions } from './contract.ts';
import { openRuntime, shellContainer } from './runtime.test-support.ts';
import { readUntil } from './sessions.test-support.ts';

const PLAIN: SessionOptions = { stdin: false, tty: false };

async function sessionIn(
  scratch: Scratch,
  command: readonly string[],
  options: SessionOptions = PLAIN,
  more: Partial<ContainerConfig> = {},
): Promise<ContainerSession> {
  const runtime = await openRuntime(scratch);
  const { id } = await runtime.start(shellContainer('exec sleep 600', more));
  return runtime.session(id, command, options);
}

const outcome = async ({ stdout, stderr, ended }: ContainerSession) => {
  const [out, err, code] = await Promise.all([text(stdout), stderr ? text(stderr) : '', ended]);
  return { out, err, code };
};

/** The host's processes whose command line holds the text. */
async function processesWith(mark: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (line.includes(mark)) found.push(`${pid} ${line.replaceAll('\0', ' ')}`);
  }
  return found;
}

describe('a session in a container', { skip: skipReason, timeout: 300_000 }, () => {
  it('has output, errors and an exit code, as the user, in the directory, with the environment', async (test) => {
    const session = await sessionIn(
      scratchDirectory(test),
      ['sh', '-c', 'echo "$PWD $NAME"; id -u >&2; cat; exit 7'],
      PLAIN,
      {
        workingDir: '/tmp',
        environment: new Map([
          ['PATH', '/usr/bin:/bin'],
          ['NAME', "it's $me"],
        ]),
        security: { ...shellContainer('').security, uid: 1234, gid: 1234 },
      },
    );
    assert.deepEqual(await outcome(session), { out: "/tmp it's $me\n", err: '1234\n', code: 7 });
  });

  it('reads what the client sends to its end, more than pipes hold, and opens its streams again', async (test) => {
    const session = await sessionIn(
      scratchDirectory(test),
      ['sh', '-c', 'cat >/dev/stdout; echo e >/dev/stderr'],
      {
        stdin: true,
        tty: false,
      },
    );
    const sent = 'x'.repeat(3_000_000);
    session.stdin!.end(sent);
    const { out, err, code } = await outcome(session);
    assert.deepEqual([out === sent, err, code], [true, 'e\n', 0]);
  });

  it('says why a command cannot be started', async (test) => {
    const session = await sessionIn(scratchDirectory(test), ['no-such-program']);
    await assert.rejects(outcome(session), {
      message: 'exec: "no-such-program": executable file not found in $PATH',
    });
  });

  it('does not wait for a daemon that keeps the output', async (test) => {
    const session = await sessionIn(scratchDirectory(test), ['sh', '-c', 'sleep 300 & echo started']);
    assert.deepEqual(await outcome(session), { out: 'started\n', err: '', code: 0 });
  });

  it('has a terminal of its own with a size, and is told of a new one', async (test) => {
    const session = await sessionIn(
      scratchDirectory(test),
      ['sh', '-c', 'trap "stty size; exit 3" WINCH; tty; echo "$TERM"; while :; do sleep 0.05; done'],
      { stdin: true, tty: true },
    );
    assert.equal(session.stderr, undefined);
    const first = await readUntil(session.stdout, /xterm\r\n/);
    assert.match(first, /^\/dev\/pts\/0\r\nxterm\r\n$/);
    session.resize({ columns: 101, rows: 33 });
    const { out, code } = await outcome(session);
    assert.deepEqual([out, code], ['33 101\r\n', 3]);
  });

  it('is interrupted from its terminal', async (test) => {
    const session = await sessionIn(scratchDirectory(test), ['sh', '-c', 'echo ready; exec sleep 300'], {
      stdin: true,
      tty: true,
    });
    await readUntil(session.stdout, /ready/);
    session.stdin!.write('\x03');
    assert.equal((await outcome(session)).code, 130);
  });

  it('leaves no process when the client goes, also of those in the background', async (test) => {
    const mark = `299.${process.pid}`;
    const script = `trap "" HUP TERM; sleep ${mark} & (sleep ${mark} & sleep ${mark}); wait`;
    const session = await sessionIn(scratchDirectory(test), ['sh', '-c', `echo ready; ${script}`], {
      stdin: true,
      tty: false,
    });
    await readUntil(session.stdout, /ready/);
    session.end();
    session.stdout.resume();
    await session.ended;
    assert.deepEqual(await processesWith(mark), []);
  });

  it('is held up by a client that does not read', async (test) => {
    const session = await sessionIn(scratchDirectory(test), [
      'sh',
      '-c',
      'head -c 200000000 /dev/zero; echo done >&2',
    ]);
    const before = process.memoryUsage().rss;
    session.stdout.pause();
    let errors = '';
    session.stderr!.on('data', (chunk) => {
      errors += chunk;
    });
    let size = 0;
    for await (const chunk of session.stdout) {
      if (size === 0) assert.equal(errors, '', 'written to the end although nobody has read');
      size += chunk.length;
    }
    assert.equal(size, 200_000_000);
    assert.equal(await session.ended, 0);
    const grownMib = (process.memoryUsage().rss - before) / 2 ** 20;
    assert.ok(grownMib < 100, `grew by ${grownMib} MiB`);
  });
});
