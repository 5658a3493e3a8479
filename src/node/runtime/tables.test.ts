import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { FakeClock } from '../../base/index.ts';
import { scratchDirectory } from '../../host/linux/leftovers.test-support.ts';
import { formatLog, MAX_LINE_BYTES, parseLogLine } from './log-format.ts';
import { expiredLogs, LogWriter, MAX_LOG_BYTES, rotationTime } from './log-writer.ts';
import { programRecord } from './program.ts';
import { fstabField, shellQuote } from './quote.ts';
import { isCovered, programMounts, records, rootTable, volumeFields } from './root-plan.ts';
import { identityArguments } from './security.ts';
import { parseStatusFile } from './status-file.ts';
import { endOfOutput } from './termination-message.ts';

const at = Date.UTC(2026, 0, 2, 3, 4, 5, 6);
const stamp = '2026-01-02T03:04:05.006000000Z';
const format = (text: string) => Buffer.from(formatLog(Buffer.from(text), 'stdout', at)).toString();

describe('a container log', () => {
  const cases: [string, string, string[]][] = [
    ['whole lines', 'a\nb\n', ['F a', 'F b']],
    ['an empty line', '\n', ['F ']],
    ['the beginning of a line, at once', 'a\nb', ['F a', 'P b']],
    ['nothing', '', []],
  ];
  for (const [name, text, lines] of cases)
    it(`has ${name}`, () =>
      assert.equal(format(text), lines.map((line) => `${stamp} stdout ${line}\n`).join('')));

  it('cuts long lines into parts', () => {
    const lines = format(`${'x'.repeat(MAX_LINE_BYTES + 1)}\n`)
      .trimEnd()
      .split('\n');
    assert.deepEqual(
      lines.map((line) => [line.split(' ')[2], line.split(' ')[3]?.length]),
      [
        ['P', MAX_LINE_BYTES],
        ['F', 1],
      ],
    );
  });

  it('is read as it was written', () => {
    const line = parseLogLine(Buffer.from(`${stamp} stderr P two words`));
    assert.deepEqual(
      { ...line, content: Buffer.from(line!.content).toString() },
      {
        timestamp: stamp,
        stream: 'stderr',
        partial: true,
        content: 'two words',
      },
    );
    assert.equal(parseLogLine(Buffer.from('nonsense')), undefined);
  });

  it('gives its end without its times', () => assert.equal(endOfOutput(Buffer.from(format('a\nb'))), 'a\nb'));

  it('is put aside when it is full, and the oldest go', async (test) => {
    const { host, directory } = scratchDirectory(test);
    const clock = new FakeClock(at);
    const path = join(directory, '0.log');
    const writer = new LogWriter(host.files, clock, path);
    await writer.open();
    const chunk = Buffer.alloc(MAX_LOG_BYTES, 'x'.repeat(1023).concat('\n'));
    for (let round = 0; round < 6; round++) {
      await writer.write('stdout', chunk);
      await clock.advance(1000);
    }
    await writer.close();
    const names = [...(await host.files.list(directory))].sort();
    assert.equal(names.length, 4);
    assert.equal(names[0], `0.log.${rotationTime(at + 2000)}`);
  });

  it('counts the present file among those kept', () =>
    assert.deepEqual(
      expiredLogs(['0.log', '0.log.1', '0.log.2', '0.log.3', '0.log.4', '0.log.5', '1.log.0'], '0.log'),
      ['0.log.1'],
    ));
});

describe('the mount table of a container', () => {
  it('builds an overlay of layers named relative to the scratch space', () => {
    const table = rootTable('/n/root', 'overlay', [], ['/usr']);
    assert.match(
      table,
      /^overlay \/n\/root\/rootfs overlay nodev,lowerdir=\/,upperdir=upper,workdir=work 0 0\n/,
    );
    assert.match(table, /\n\/usr \/n\/root\/rootfs\/usr none bind,ro,nodev,private 0 0\n/);
  });
  it('binds directories where there is no overlay, and none that the container has of its own', () => {
    const table = rootTable(
      '/r',
      'bind',
      [
        { name: 'usr', kind: 'directory' },
        { name: 'bin', kind: 'symlink' },
        { name: 'tmp', kind: 'directory' },
      ],
      [],
    );
    assert.match(table, /^\/r\/rootfs \/r\/rootfs none bind 0 0\n/);
    assert.match(table, /\n\/usr \/r\/rootfs\/usr none bind,ro,nodev,private,X-mount.mkdir 0 0\nproc /);
    assert.doesNotMatch(table, /\/tmp|\/bin|overlay/);
  });
  it('mounts outer volumes first', () => {
    const volumes = volumeFields([
      { hostPath: '/v/b c', containerPath: '/data/inner', readOnly: true },
      { hostPath: '/v/f', containerPath: '/end', readOnly: false, isFile: true },
      { hostPath: '/v/a', containerPath: '/data', readOnly: false, propagation: 'HostToContainer' },
    ]);
    assert.deepEqual(volumes, [
      ...['/v/f', '/end', 'rw,file'],
      ...['/v/a', '/data', 'rw,slave'],
      ...['/v/b c', '/data/inner', 'ro'],
    ]);
  });
  it('takes no path that would pass for two', () =>
    assert.throws(
      () => records([['/data\0/etc']]),
      /invalid path "\/data\\u0000\/etc": it holds a zero byte/,
    ));
  it('leaves to hide what is not covered', () => {
    for (const path of ['/', '/tmp', '/root/.ssh', '/home/me', '/run/x', '/dev/sda'])
      assert.equal(isCovered(path), true, path);
    for (const path of ['/mnt/stowage', '/var/lib/stowage', '/tmpfile', '/etc/shadow'])
      assert.equal(isCovered(path), false, path);
  });
  it('finds programs on file systems of their own', () =>
    assert.deepEqual(
      programMounts([
        { target: '/usr', device: '8:1' },
        { target: '/home', device: '8:2' },
      ]),
      ['/usr'],
    ));
});

describe('quoting', () => {
  for (const text of ['plain', "it's", 'a b', '$(id)', '\\', 'a\nb'])
    it(`keeps ${JSON.stringify(text)}`, () =>
      assert.equal(execFileSync('sh', ['-c', `printf %s ${shellQuote(text)}`]).toString(), text));
  it('of mount tables is octal', () => assert.equal(fstabField('a b\\c#'), 'a\\040b\\134c\\043'));
});

describe('what a container becomes', () => {
  const record = programRecord({
    command: ['sh', '-c', 'echo "$1" "$QUOTES"; pwd; cat', 'sh', "it's"],
    environment: new Map([
      ['PATH', '/usr/bin:/bin'],
      ['QUOTES', 'a\n"b"'],
    ]),
    workingDir: '/usr',
  });
  const program = join(import.meta.dirname, 'program.pl');
  const caller = `sub fail { print "error @_\\n"; exit 125 } sub call { syscall(shift() eq 'dup3' ? ${process.arch === 'x64' ? 292 : 24} : 436, @_) >= 0 }
    do $ARGV[0] or die; run_program(undef, 1)`;
  const run = (input: string) => spawnSync('perl', ['-e', caller, program], { input, encoding: 'utf8' });

  it('tells that it starts, has its words, variables and directory, and nothing to read', () =>
    assert.equal(run(record).stdout, `started\nit's a\n"b"\n/usr\n`));
  it('does nothing when it was cut off', () => {
    for (let length = 0; length < record.length - 2; length += 5)
      assert.equal(run(record.slice(0, length)).stdout, 'error the start was cut off\n');
  });
  it('says what is no program, and ends as a shell does what cannot be run', () => {
    const of = (command: string, workingDir = '/tmp') =>
      run(programRecord({ command: [command], environment: new Map([['PATH', '/usr/bin']]), workingDir }));
    assert.equal(of('a"b').stdout, 'error exec: "a\\"b": executable file not found in $PATH\n');
    assert.equal(of('/no').stdout, 'error exec: "/no": stat /no: no such file or directory\n');
    assert.equal(of('/etc').stdout, 'error exec: "/etc": permission denied\n');
    assert.equal(
      of('ls', '/no').stdout,
      'error chdir to cwd ("/no") set in config.json failed: no such file or directory\n',
    );
  });
});

it('a container is told its user, groups and capabilities', () => {
  const security = {
    uid: 1,
    gid: 2,
    supplementalGroups: [3, 4],
    capabilities: ['chown', 'kill', 'checkpoint_restore'],
    noNewPrivileges: true,
    readOnlyRootFilesystem: false,
  };
  assert.deepEqual(identityArguments(security), ['1', '2', '3,4', '0,5,40', '1']);
  assert.equal(identityArguments({ ...security, capabilities: ['all'] })[3], 'all');
  assert.throws(() => identityArguments({ ...security, capabilities: ['fly'] }), /unknown capability "fly"/);
});

it('the status file tells processes, complaints and the start; a line on its way is not read', () => {
  const stat = (pid: number) => `${pid} (sh) S ${Array.from({ length: 18 }, () => '1').join(' ')} 99 0`;
  const text = `shim ${stat(5)}\ninit ${stat(6)}\nmount: no\nerror cannot mount\nstarted\nerr`;
  assert.deepEqual(parseStatusFile(text), {
    shim: { pid: 5, startTicks: 99n },
    init: { pid: 6, startTicks: 99n },
    started: true,
    errors: ['mount: no', 'cannot mount'],
  });
  const forged = parseStatusFile(`${text}\ninit ${stat(1)}\nshim ${stat(2)}\n`);
  assert.deepEqual([forged.shim?.pid, forged.init?.pid], [5, 6]);
});
