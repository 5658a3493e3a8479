import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkOutcome, deviceNumber, formatArguments, signatureFrom } from './disks.ts';
import { mountsBelow, parseMountInfo } from './mountinfo.ts';
import { mountArguments } from './mounts.ts';
import { judgePrivileges } from './privileges.ts';
import { parseStat } from './proc-stat.ts';

const result = (exitCode: number, stdout = '', stderr = '') => ({ exitCode, stdout, stderr });

describe('the mount table', () => {
  it('is read with optional fields, escapes, bind roots and deleted sources', () => {
    const [plain, bind, deleted] = parseMountInfo(
      [
        '27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard',
        '36 27 7:0 /sub\\040dir /mnt/a\\134b ro,noatime shared:7 master:1 - ext4 /dev/loop0 rw',
        '40 27 254:0 /tmp/gone//deleted /mnt/c rw - ext4 /dev/vda rw',
        '',
      ].join('\n'),
    );
    assert.deepEqual(plain, {
      id: 27,
      target: '/',
      source: '/dev/vda',
      root: '/',
      fsType: 'ext4',
      options: ['rw', 'relatime', 'discard'],
      device: '254:0',
      deleted: false,
    });
    assert.equal(bind?.target, '/mnt/a\\b');
    assert.equal(bind?.root, '/sub dir');
    assert.deepEqual(bind?.options, ['ro', 'noatime', 'rw']);
    assert.equal(deleted?.root, '/tmp/gone');
    assert.equal(deleted?.deleted, true);
  });

  it('knows what is below a path, and not what merely begins alike', () => {
    const entries = parseMountInfo(
      ['/a', '/a/b', '/ab'].map((target) => `1 1 0:1 / ${target} rw - tmpfs tmpfs rw`).join('\n'),
    );
    assert.deepEqual(
      mountsBelow(entries, '/a').map(({ target }) => target),
      ['/a', '/a/b'],
    );
  });
});

describe('mount(8) is called', () => {
  const cases: [string, Parameters<typeof mountArguments>[0], string][] = [
    [
      'for a disk',
      { source: '/dev/loop0', target: '/m', fsType: 'ext4', options: ['ro'] },
      '--internal-only -t ext4 -o ro',
    ],
    [
      'for a bind mount, without a type',
      { source: '/a', target: '/m', fsType: 'ext4', options: ['bind', 'ro'] },
      '--internal-only -o bind,ro',
    ],
    ['for a type with a helper', { source: 's:/x', target: '/m', fsType: 'nfs4' }, '-t nfs4'],
  ];
  for (const [name, request, middle] of cases)
    it(name, () => {
      const line = mountArguments(request).join(' ');
      assert.equal(line, `--no-canonicalize --no-mtab ${middle} -- ${request.source} /m`);
    });
});

describe('a blkid probe', () => {
  it('finds nothing on a blank device', () => assert.equal(signatureFrom('/dev/x', result(2)), undefined));
  it('finds a file system and a partition table', () => {
    assert.deepEqual(signatureFrom('/dev/x', result(0, 'DEVNAME=/dev/x\nTYPE=ext4\n')), {
      type: 'ext4',
      partitionTable: undefined,
    });
    assert.equal(signatureFrom('/dev/x', result(0, 'PTTYPE=dos\n'))?.partitionTable, 'dos');
  });
  it('refuses what is ambivalent', () =>
    assert.throws(() => signatureFrom('/dev/x', result(8)), /more than one/));
  it('does not take for blank what it found something on without saying what', () =>
    assert.deepEqual(signatureFrom('/dev/x', result(0, 'DEVNAME=/dev/x\n')), {
      type: undefined,
      partitionTable: undefined,
    }));
  for (const code of [1, 3, 4, 5, 127, 139])
    it(`fails when blkid ends with ${code}`, () =>
      assert.throws(() => signatureFrom('/dev/x', result(code, '', 'usage')), /usage/));
});

describe('fsck', () => {
  for (const [code, outcome] of [
    [0, 'clean'],
    [1, 'corrected'],
    [8, 'clean'],
  ] as const)
    it(`exit code ${code} is ${outcome}`, () => assert.equal(checkOutcome('/dev/x', result(code)), outcome));
  for (const code of [4, 5, 6, 12])
    it(`exit code ${code} keeps the disk from being mounted`, () =>
      assert.throws(() => checkOutcome('/dev/x', result(code, '', 'bad')), /could not correct them: bad/));
});

it("mkfs gets mount-utils' arguments", () => {
  assert.deepEqual(formatArguments('/dev/x', 'ext4', ['-i', '8192']), [
    '-i',
    '8192',
    '-q',
    '-F',
    '-m0',
    '/dev/x',
  ]);
  assert.deepEqual(formatArguments('/dev/x', 'xfs', []), ['-f', '/dev/x']);
  assert.deepEqual(formatArguments('/dev/x', 'vfat', []), ['/dev/x']);
});

it('device numbers are taken apart as makedev(3) puts them together', () => {
  assert.deepEqual(deviceNumber(0x700n), { major: 7n, minor: 0n });
  assert.deepEqual(deviceNumber(0x103_00_0n | (0x123n << 20n)), { major: 0x30n, minor: 0x12300n | 0x0n });
});

it('/proc/PID/stat is read past a command name with spaces and parentheses', () => {
  const fields = ['S', '1', ...Array.from({ length: 17 }, () => '0'), '4242', '0'];
  assert.deepEqual(parseStat(`77 (a) b (c)) ${fields.join(' ')}`), {
    pid: 77,
    state: 'S',
    parentPid: 1,
    startTicks: 4242n,
  });
  assert.equal(parseStat('nonsense'), undefined);
});

describe('privileges', () => {
  const status = (uid: number, capabilities: string) =>
    `Name:\tnode\nUid:\t${uid}\t${uid}\t${uid}\t${uid}\nCapEff:\t${capabilities}\n`;
  it('root with every capability is enough', () =>
    assert.equal(judgePrivileges(status(0, '000001ffffffffff'), true).sufficient, true));
  it('a user is told what works, what does not, and what to do', () =>
    assert.match(
      judgePrivileges(status(1000, '0000000000000000'), true).problems.join(),
      /not root.*work.*sudo/,
    ));
  it('root in an unprivileged container is told of --privileged', () =>
    assert.match(
      judgePrivileges(status(0, '00000000a80425fb'), false).problems.join(),
      /CAP_SYS_ADMIN.*--privileged/,
    ));
  it('missing loop devices are named', () =>
    assert.match(judgePrivileges(status(0, '000001ffffffffff'), false).problems.join(), /loop-control/));
});
