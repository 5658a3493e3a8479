import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { sleep, systemClock, withDeadline } from '../../base/index.ts';
import type { ProcessId } from '../host.ts';
import { createProcesses } from './processes.ts';
import { quote, ShellPool } from './shell-pool.ts';

const processes = createProcesses(systemClock);
const shared = { leavesNoProcess: true } as const;

describe('a tool run from a shared shell', () => {
  it('gives exit code and both outputs as they are, also without a line feed at the end', async () => {
    const result = await processes.exec('sh', ['-c', 'printf out; printf err >&2; exit 3'], shared);
    assert.deepEqual(result, { exitCode: 3, stdout: 'out', stderr: 'err' });
  });

  it('takes any argument, environment, directory and input as it is', async () => {
    const word = fc
      .string({ unit: 'binary', maxLength: 20 })
      .filter((text) => !text.includes('\0') && text.isWellFormed());
    await fc.assert(
      fc.asyncProperty(fc.array(word, { maxLength: 4 }), word, async (args, value) => {
        const { stdout } = await processes.exec(
          'sh',
          ['-c', 'printf "%s|" "$V" "$@"; pwd; cat', 'sh', ...args],
          {
            ...shared,
            env: { V: value },
            cwd: '/tmp',
            input: `${value}\n`,
          },
        );
        assert.equal(stdout, `${[value, ...args].map((text) => `${text}|`).join('')}/tmp\n${value}\n`);
      }),
      { numRuns: 30 },
    );
  });

  it('does not read what the next scripts are', async () => {
    assert.equal((await processes.exec('cat', [], shared)).stdout, '');
    assert.equal((await processes.exec('echo', ['next'], shared)).stdout, 'next\n');
  });

  it('is ended by its time limit, its output limit and its signal; the next one is not concerned', async () => {
    await assert.rejects(
      processes.exec('sleep', ['60'], { ...shared, timeoutMs: 20 }),
      /sleep 60: timed out/,
    );
    await assert.rejects(
      processes.exec('yes', [], { ...shared, maxOutputBytes: 1000 }),
      /wrote more than 1000 bytes/,
    );
    const stop = new AbortController();
    const aborted = processes.exec('sleep', ['60'], { ...shared, signal: stop.signal });
    stop.abort(new Error('no more'));
    await assert.rejects(aborted, /no more/);
    assert.equal((await processes.exec('echo', ['fine'], shared)).stdout, 'fine\n');
  });

  it('that is missing is named with its package', async () => {
    await assert.rejects(processes.exec('mkfs.nothing', [], shared), /mkfs.nothing: command not found/);
  });

  it('may run beside others', async () => {
    const results = await Promise.all(
      [1, 2, 3].map((n) => processes.exec('sh', ['-c', `sleep 0.05; echo ${n}`], shared)),
    );
    assert.deepEqual(
      results.map((result) => result.stdout),
      ['1\n', '2\n', '3\n'],
    );
  });
});

describe('a process started from a shared shell', () => {
  it('leads a session of its own, has its input and files, does not ignore SIGINT, and its end is heard of', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'stowage-shell-'));
    try {
      const ended = Promise.withResolvers<number | undefined>();
      const stdoutPath = join(directory, 'out');
      const script = 'cat; ps -o sid= -p $$; grep SigIgn /proc/$$/status; exit 4';
      const { pid } = await processes.spawn({
        command: '/bin/sh',
        args: ['-c', script],
        input: 'given\n',
        stdoutPath,
        onExit: ended.resolve,
      });
      assert.equal(await ended.promise, 4);
      const [given, session, ignored] = (await readFile(stdoutPath, 'utf8')).split('\n');
      assert.equal(given, 'given');
      assert.equal(Number(session), pid);
      assert.equal(BigInt(`0x${ignored!.split('\t')[1]}`) & 0b110n, 0n, 'SIGINT and SIGQUIT');
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });

  it('can be told from a later one, and killed', async () => {
    const ended = Promise.withResolvers<number | undefined>();
    const id = await processes.spawn({ command: 'sleep', args: ['60'], onExit: ended.resolve });
    assert.equal(await processes.isAlive(id), true);
    await processes.kill({ ...id, startTicks: id.startTicks + 1n }, 'SIGKILL');
    assert.equal(await processes.isAlive(id), true);
    await processes.kill(id, 'SIGKILL');
    assert.equal(await ended.promise, undefined);
    assert.equal(await processes.isAlive(id), false);
  });

  it('does not run before it is known, and never runs when that fails', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'stowage-shell-'));
    try {
      const mark = join(directory, 'mark');
      // Longer than what a shell reads at once: none of it is taken for the word that the process waits for.
      const args = ['-c', 'ps -o sid= -p $$ > "$1"', 'sh', mark, 'x'.repeat(20_000)];
      const run = async (before: (id: ProcessId) => Promise<void>) => {
        const ended = Promise.withResolvers<number | undefined>();
        const id = await processes.spawn({ command: '/bin/sh', args, before, onExit: ended.resolve });
        await ended.promise;
        return id;
      };
      const seen: boolean[] = [];
      const { pid } = await run(async (id) => {
        seen.push(await processes.isAlive(id), existsSync(mark));
      });
      assert.equal(Number(await readFile(mark, 'utf8')), pid);
      assert.deepEqual(seen, [true, false]);
      await rm(mark);
      const failing = Promise.withResolvers<ProcessId>();
      const failed = run(async (id) => {
        failing.resolve(id);
        throw new Error('the disk is full');
      });
      await assert.rejects(failed, /the disk is full/);
      await untilGone(await failing.promise);
      assert.equal(existsSync(mark), false);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });

  it('never runs when who starts it is killed before it is known', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'stowage-shell-'));
    const mark = join(directory, 'mark');
    const script = `import { createProcesses } from ${JSON.stringify(join(import.meta.dirname, 'processes.ts'))};
      import { systemClock } from ${JSON.stringify(join(import.meta.dirname, '../../base/index.ts'))};
      const before = ({ pid, startTicks }) => {
        process.stdout.write(pid + ' ' + startTicks + '\\n');
        return new Promise(() => setInterval(() => undefined, 1000));
      };
      void createProcesses(systemClock).spawn({ command: 'touch', args: [${JSON.stringify(mark)}], before });`;
    const starter = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      const [line] = (await once(starter.stdout, 'data')) as [Buffer];
      const [pid, startTicks] = line.toString().trim().split(' ');
      const id = { pid: Number(pid), startTicks: BigInt(startTicks!) };
      assert.equal(await processes.isAlive(id), true);
      starter.kill('SIGKILL');
      await untilGone(id);
      assert.equal(existsSync(mark), false);
    } finally {
      starter.kill('SIGKILL');
      await rm(directory, { recursive: true, force: true });
    }
  });
});

/** Resolves once a process is gone, which nobody tells. */
async function untilGone(id: ProcessId): Promise<void> {
  await withDeadline(
    systemClock,
    60_000,
    `process ${id.pid} to end`,
    (async () => {
      while (await processes.isAlive(id)) await sleep(systemClock, 5);
    })(),
  );
}

it('a script that ends its shell is a failure of its own only', async () => {
  const pool = new ShellPool({ PATH: process.env.PATH ?? '' });
  await assert.rejects(pool.run('exit 0', { maxOutputBytes: 100 }), /the shell ended/);
  assert.equal((await pool.run('echo again', { maxOutputBytes: 100 })).stdout, 'again\n');
});

it('quotes what the shell would take apart', () => {
  assert.equal(quote('/dev/loop0'), '/dev/loop0');
  assert.equal(quote("it's $HOME"), `'it'\\''s $HOME'`);
  assert.equal(quote(''), "''");
});
