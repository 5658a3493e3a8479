import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { systemClock, withDeadline } from '../../base/index.ts';
import { scratchDirectory, skipReason } from '../../host/linux/leftovers.test-support.ts';
import { StartError } from './contract.ts';
import { ended, logLines, openRuntime, shellContainer } from './runtime.test-support.ts';

describe('a container', { skip: skipReason, timeout: 300_000 }, () => {
  it('sees its volume, its names and its own processes, and nothing of the host', async (test) => {
    const scratch = scratchDirectory(test);
    const { host, directory } = scratch;
    const runtime = await openRuntime(scratch);
    const volume = join(directory, 'a volume');
    mkdirSync(volume);
    await host.mounts.mount({ source: 'vol', target: volume, fsType: 'tmpfs', options: ['size=1m'] });
    const script = `mount | grep ' /data '; hostname; cat /etc/hostname; cat /etc/hosts; echo $$; ls /proc | grep -c '^[0-9]'
      ls ${directory} 2>&1; echo written > /data/file; touch /etc/mine && echo scratch; mount -t tmpfs x /mnt 2>&1 | grep -c denied`;
    const mounts = [{ hostPath: volume, containerPath: '/data', readOnly: false }];
    const { id } = await runtime.start(shellContainer(script, { mounts }));
    const record = await ended(runtime, id);
    const [mount, hostname, hostnameFile, hosts, pid, processes, hidden, made, denied] = await logLines(
      host,
      record,
    );
    assert.equal(record.exitCode, 0);
    assert.match(mount!, /^stdout F vol on \/data type tmpfs \(rw/);
    assert.deepEqual(
      [hostname, hostnameFile, hosts],
      ['stdout F web-0', 'stdout F web-0', 'stdout F 127.0.0.1\tweb-0'],
    );
    assert.equal(pid, 'stdout F 1');
    assert.ok(Number(processes!.split(' ')[2]) <= 4, processes);
    assert.match(hidden!, /No such file/);
    assert.equal(made, 'stdout F scratch');
    assert.equal(denied, 'stdout F 1');
    assert.equal(readFileSync(join(volume, 'file'), 'utf8'), 'written\n');
    await host.mounts.unmount(volume);
  });

  it('does not hold what is mounted for others: a disk can be detached while it runs', async (test) => {
    const scratch = scratchDirectory(test);
    const { host, directory } = scratch;
    const runtime = await openRuntime(scratch);
    const image = join(directory, 'image');
    const target = join(directory, 'other');
    mkdirSync(target);
    await host.files.allocate(image, 16n << 20n);
    const device = await host.loops.attach(image);
    await host.disks.format(device, 'ext4');
    await host.mounts.mount({ source: device, target, fsType: 'ext4' });
    const { id } = await runtime.start(shellContainer('cat /proc/self/mountinfo; sleep 100'));
    await host.mounts.unmount(target);
    await host.loops.detach(device);
    const record = await runtime.stop(id, 0);
    const lines = await logLines(host, record);
    assert.equal(lines.filter((line) => line.includes(device)).length, 0);
    assert.equal(lines.filter((line) => line.includes(target)).length, 0);
  });

  it('gets a read-only volume, a read-only root, a user and groups when asked', async (test) => {
    const scratch = scratchDirectory(test);
    const { host, directory } = scratch;
    const runtime = await openRuntime(scratch);
    mkdirSync(join(directory, 'volume'));
    const config = shellContainer('id -u; id -G; pwd; touch x; touch /x; exit 9', {
      mounts: [{ hostPath: join(directory, 'volume'), containerPath: '/var/run/data', readOnly: true }],
      workingDir: '/var/run/data',
      security: {
        uid: 1234,
        gid: 1235,
        supplementalGroups: [7, 8],
        capabilities: [],
        noNewPrivileges: true,
        readOnlyRootFilesystem: true,
      },
    });
    const { id } = await runtime.start(config);
    const record = await ended(runtime, id);
    const lines = await logLines(host, record);
    assert.equal(record.exitCode, 9);
    // Two pipes: which of them the log takes first is chance.
    const printed = lines.filter((line) => line.startsWith('stdout'));
    assert.deepEqual(printed, ['stdout F 1234', 'stdout F 1235 7 8', 'stdout F /run/data']);
    assert.equal(lines.filter((line) => line.startsWith('stderr F')).length, 2);
  });

  it('gets its environment to the letter, and nothing of ours', async (test) => {
    const scratch = scratchDirectory(test);
    const { host } = scratch;
    const runtime = await openRuntime(scratch);
    const environment = new Map([
      ['PATH', '/usr/bin:/bin'],
      ['QUOTES', `it's "$HOME" \`id\` \\n`],
      ['LINES', 'a\nb'],
      ['IFS', 'x'],
      ['with.dot', 'dotted'],
    ]);
    const { id } = await runtime.start(shellContainer('', { command: ['env', '-0'], environment }));
    const record = await ended(runtime, id);
    const text = (await logLines(host, record)).map((line) => line.split(' ').slice(2).join(' ')).join('\n');
    assert.deepEqual(
      text.split('\0').filter(Boolean).sort(),
      [...environment].map(([name, value]) => `${name}=${value}`).sort(),
    );
  });

  it('ends with SIGTERM when it handles it, with SIGKILL after its grace when not', async (test) => {
    const scratch = scratchDirectory(test);
    const { host } = scratch;
    const runtime = await openRuntime(scratch);
    const handles = await runtime.start(
      shellContainer('trap "echo bye; exit 3" TERM; touch /tmp/up; while :; do sleep 0.02; done'),
    );
    // Until its trap is set, process 1 of a namespace ignores the signal.
    const isUp = ['sh', '-c', 'until [ -e /tmp/up ]; do sleep 0.02; done'];
    await runtime.exec(handles.id, isUp, { timeoutMs: 60_000 });
    const ignores = await runtime.start(shellContainer('sleep 100 & wait', { containerName: 'other' }));
    const [polite, forced] = await Promise.all([runtime.stop(handles.id, 60), runtime.stop(ignores.id, 0.2)]);
    assert.deepEqual([polite.exitCode, forced.exitCode], [3, 137]);
    assert.ok((await logLines(host, polite)).includes('stdout F bye'));
    await runtime.remove(handles.id);
    assert.equal(runtime.containers().length, 1);
  });

  it('leaves its message, or the end of its log', async (test) => {
    const scratch = scratchDirectory(test);
    const runtime = await openRuntime(scratch);
    const own = await runtime.start(shellContainer('printf done >/dev/termination-log'));
    const fromLog = await runtime.start(
      shellContainer('echo cause >&2; exit 1', { containerName: 'b', terminationMessageFromLog: true }),
    );
    const elsewhere = await runtime.start(
      shellContainer('printf there >/var/run/end', {
        containerName: 'c',
        terminationMessagePath: '/var/run/end',
      }),
    );
    const messages = await Promise.all([own, fromLog, elsewhere].map(({ id }) => ended(runtime, id)));
    assert.deepEqual(
      messages.map(({ message }) => message),
      ['done', 'cause\n', 'there'],
    );
  });

  it('runs further commands with its environment and user', async (test) => {
    const scratch = scratchDirectory(test);
    const runtime = await openRuntime(scratch);
    const environment = new Map([
      ['PATH', '/usr/bin:/bin'],
      ['WHO', 'me'],
    ]);
    const { id } = await runtime.start(shellContainer('sleep 100', { environment }));
    const result = await runtime.exec(id, ['sh', '-c', 'echo $WHO $(hostname); exit 4'], {
      timeoutMs: 30_000,
    });
    assert.deepEqual(result, { exitCode: 4, stdout: 'me web-0\n', stderr: '' });
  });

  const failures: [string, Parameters<typeof shellContainer>[1], RegExp][] = [
    [
      'an unknown program',
      { command: ['no-such-program'] },
      /exec: "no-such-program": executable file not found in \$PATH/,
    ],
    ['a program that is a directory', { command: ['/etc'] }, /exec: "\/etc": permission denied/],
    ['no program', { command: [] }, /no command specified/],
    [
      'a mount over a program',
      { mounts: [{ hostPath: '/etc', containerPath: '/bin/sh/x', readOnly: true }] },
      /cannot make the directory \/bin\/sh: File exists/,
    ],
    [
      'a volume that is not there',
      { mounts: [{ hostPath: '/no/such', containerPath: '/data', readOnly: true }] },
      /ENOENT/,
    ],
  ];
  for (const [name, config, message] of failures)
    it(`cannot start with ${name}, and says why`, async (test) => {
      const scratch = scratchDirectory(test);
      const { directory } = scratch;
      const runtime = await openRuntime(scratch);
      await assert.rejects(runtime.start(shellContainer('true', config)), (error) => {
        assert.ok(error instanceof StartError);
        assert.match(error.message, message);
        return true;
      });
      assert.deepEqual(readdirSync(join(directory, 'runtime/containers')), []);
    });
});

describe('an agent that was killed', { skip: skipReason, timeout: 300_000 }, () => {
  it('has its containers adopted, with output and exit code', async (test) => {
    const scratch = scratchDirectory(test);
    const { host, directory } = scratch;
    const id = await startAndKillAgent(directory);
    const runtime = await openRuntime(scratch);
    const [adopted] = runtime.containers();
    assert.deepEqual([adopted?.id, adopted?.state], [id, 'running']);
    await runtime.exec(id, ['touch', '/tmp/go'], { timeoutMs: 30_000 });
    const record = await runtime.stop(id, 60);
    assert.equal(record.exitCode, 7);
    const lines = await logLines(host, record);
    assert.equal(lines.filter((line) => line === 'stdout F one').length, 1);
    assert.equal(lines.at(-1), 'stdout F three');
  });

  it('loses nothing of a container that ended meanwhile', async (test) => {
    const scratch = scratchDirectory(test);
    const { host, directory } = scratch;
    const id = await startAndKillAgent(directory);
    const status = readFileSync(join(directory, 'runtime/containers', id, 'status'), 'utf8');
    const pid = Number(/^init (\d+)/m.exec(status)?.[1]);
    const exited = Promise.withResolvers<void>();
    const unwatch = host.files.watchDirectory(join(directory, 'runtime/containers', id), () => {
      if (readdirSync(join(directory, 'runtime/containers', id)).includes('exit')) exited.resolve();
    });
    process.kill(pid, 'SIGTERM');
    await withDeadline(systemClock, 60_000, 'exit file', exited.promise);
    unwatch();
    const runtime = await openRuntime(scratch);
    const record = await ended(runtime, id);
    assert.equal(record.exitCode, 7);
    assert.equal((await logLines(host, record)).at(-1), 'stdout F three');
  });

  it('leaves nothing of a container whose shim was killed too', async (test) => {
    const scratch = scratchDirectory(test);
    const { directory } = scratch;
    const id = await startAndKillAgent(directory);
    const status = readFileSync(join(directory, 'runtime/containers', id, 'status'), 'utf8');
    process.kill(-Number(/^shim (\d+)/m.exec(status)?.[1]), 'SIGKILL');
    const runtime = await openRuntime(scratch);
    const record = await ended(runtime, id);
    assert.equal(record.exitCode, undefined);
  });

  it('ends no process by a number of an earlier boot', async (test) => {
    const scratch = scratchDirectory(test);
    const { host, directory } = scratch;
    const other = spawn('sleep', ['100']);
    const gone = once(other, 'exit');
    test.after(async () => {
      other.kill('SIGKILL');
      await gone;
    });
    const stat = readFileSync(`/proc/${other.pid}/stat`, 'utf8');
    const container = join(directory, 'runtime/containers/abc');
    mkdirSync(container, { recursive: true });
    const { security } = shellContainer('');
    const stored = { version: 1, id: 'abc', bootId: 'earlier', podUid: 'u', containerName: 'main', security };
    const logPath = join(directory, 'log/0.log');
    writeFileSync(join(container, 'state.json'), JSON.stringify({ ...stored, logPath, createdAtMs: 0 }));
    writeFileSync(join(container, 'status'), `shim ${stat}init ${stat}started\n`);
    for (const name of ['stdout', 'stderr']) execFileSync('mkfifo', [join(container, name)]);
    const runtime = await openRuntime(scratch);
    assert.equal((await ended(runtime, 'abc')).exitCode, undefined);
    assert.ok(await host.processes.find(other.pid!));
  });

  it('leaves nothing of a container that it had not yet started', async (test) => {
    const scratch = scratchDirectory(test);
    const { directory } = scratch;
    mkdirSync(join(directory, 'runtime/containers/abc/files'), { recursive: true });
    writeFileSync(join(directory, 'runtime/containers/abc/state.json'), '{"ver');
    const runtime = await openRuntime(scratch);
    assert.deepEqual(runtime.containers(), []);
    assert.deepEqual(readdirSync(join(directory, 'runtime/containers')), []);
  });
});

/** Starts a container from a process of its own and kills that process; the container's id. */
async function startAndKillAgent(directory: string): Promise<string> {
  const script = join(import.meta.dirname, 'abandon.test-support.ts');
  const agent = spawn(process.execPath, [script, directory], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [id] = (await withDeadline(
    systemClock,
    60_000,
    'start of the agent',
    once(agent.stdout, 'data'),
  )) as [Buffer];
  const gone = once(agent, 'exit');
  agent.kill('SIGKILL');
  await gone;
  return id.toString().trim();
}
