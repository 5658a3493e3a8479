import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { Code, csi } from '../../csi/index.ts';
import type { Host, MountEntry } from '../../host/index.ts';
import { failsWith, host } from '../shared/test-support.ts';
import { btrfsUsage, mountOf, type Quota, quotaAt, quotaKindOf } from './quota.ts';
import { cannotMount, lifeOf, ownIn, startDriver, temporaryDirectory, volumesIn } from './test-support.ts';
import { Tools } from './tools.ts';

const MIB = 1n << 20n;

describe('which quota a file system has', () => {
  const cases: [fsType: string, options: string[], kind: ReturnType<typeof quotaKindOf>][] = [
    ['xfs', ['rw', 'prjquota'], 'xfs'],
    ['xfs', ['rw', 'pquota'], 'xfs'],
    ['xfs', ['rw', 'pqnoenforce'], undefined],
    ['xfs', ['rw', 'usrquota'], undefined],
    ['xfs', ['rw', 'noquota'], undefined],
    ['ext4', ['rw', 'prjquota'], 'ext4'],
    ['ext4', ['rw'], undefined],
    ['btrfs', ['rw'], 'btrfs'],
    ['tmpfs', ['rw', 'prjquota'], undefined],
    ['nfs4', ['rw', 'prjquota'], undefined],
  ];
  for (const [fsType, options, kind] of cases)
    it(`${fsType} ${options}: ${kind ?? 'none'}`, () => assert.equal(quotaKindOf({ fsType, options }), kind));

  it('is that of the deepest mount above a directory, the topmost where several are stacked', () => {
    const table = ['/', '/srv', '/srv/nas', '/srv', '/srv/nas-2'].map(
      (target, id) => ({ id, target }) as MountEntry,
    );
    assert.equal(mountOf(table, '/srv/nas/x')?.id, 2);
    assert.equal(mountOf(table, '/srv/other')?.id, 3);
    assert.equal(mountOf(table, '/var')?.id, 0);
  });
});

describe('what btrfs says of a quota group', () => {
  const head =
    'Qgroupid    Referenced    Exclusive  Max referenced   Path \n--------    ----------    ---------  --------------   ---- \n';
  it('is the limit, and what counts', () =>
    assert.deepEqual(btrfsUsage(`${head}0/256          8404992      8404990        16777216   v\n`), {
      totalBytes: 16777216n,
      usedBytes: 8404992n,
    }));
  it('is nothing without a limit', () =>
    assert.equal(btrfsUsage(`${head}0/256          8404992      8404992            none   v\n`), undefined));
  it('is nothing where there is no group', () => assert.equal(btrfsUsage(''), undefined));
});

describe('the tools of project quotas', () => {
  /** A machine whose tools are recorded, on a file system of that type. */
  async function recorded(fsType: string): Promise<{ quota: Quota; commands: string[] }> {
    const commands: string[] = [];
    const machine: Pick<Host, 'files' | 'mounts' | 'processes'> = {
      files: host.files,
      mounts: {
        ...host.mounts,
        list: async () => [{ target: '/srv', fsType, options: ['prjquota'] } as unknown as MountEntry],
      },
      processes: {
        ...host.processes,
        async exec(_command, args) {
          commands.push(args.slice(args.indexOf('/lock') + 1).join(' '));
          return { exitCode: 0, stdout: '', stderr: '' };
        },
      },
    };
    const quota = await quotaAt('/srv/nas', machine, new Tools(machine, '/lock'));
    assert.equal(quota?.kind, 'project');
    return { quota, commands };
  }

  it('of XFS count a directory from its beginning, and let it go', async () => {
    const { quota, commands } = await recorded('xfs');
    await quota.make('/srv/nas/v', 70_000, 16n * MIB);
    await quota.limit('/srv/nas/v', 70_000, 32n * MIB);
    await quota.release('/srv/nas/v', 70_000);
    await quota.forget(70_000);
    assert.deepEqual(commands, [
      'mkdir -- /srv/nas/v',
      'chattr -p 70000 +P /srv/nas/v',
      'xfs_quota -x -c limit -p bhard=16777216 70000 /srv',
      'xfs_quota -x -c limit -p bhard=33554432 70000 /srv',
      'find /srv/nas/v/. -xdev -type d -exec chattr -p 0 -P {} +',
      'find /srv/nas/v/. -xdev -type f -exec chattr -p 0 {} +',
      'xfs_quota -x -c limit -p bhard=0 70000 /srv',
      'xfs_quota -x -c limit -p bhard=0 70000 /srv',
    ]);
  });

  it('of ext4 count in KiB; a directory that is there is counted with what is in it', async () => {
    const { quota, commands } = await recorded('ext4');
    assert.equal(await quota.adopt('/srv/nas/v', 70_000, 1025n), true);
    assert.deepEqual(commands, [
      'find /srv/nas/v/. -xdev -type d -exec chattr -p 70000 +P {} +',
      'find /srv/nas/v/. -xdev -type f -exec chattr -p 70000 {} +',
      'setquota -P 70000 0 2 0 0 /srv',
    ]);
  });
});

/** Its words are looked at. */
const SAID = { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } } as const;
/** What mount(8) says of a file system or an option that the kernel does not have. */
const NOT_IN_KERNEL = /wrong fs type, bad option|unknown filesystem type/;

/**
 * A file system of its own with quotas, at the directory that a driver has; undefined, and the test skipped, where the kernel
 * refuses to mount such a one or has no quotas for it. Whatever else fails is a failure.
 */
function withQuota(t: TestContext, make: readonly string[], options: string, probe: readonly string[]) {
  const directory = temporaryDirectory(t);
  const [image, share] = [join(directory, 'image'), join(directory, 'share')];
  writeFileSync(image, '');
  truncateSync(image, 400 * 1024 * 1024);
  mkdirSync(share);
  execFileSync(make[0]!, [...make.slice(1), image], { stdio: 'pipe' });
  const mounted = spawnSync('mount', ['-o', `loop,${options}`, image, share], SAID);
  if (mounted.status !== 0) {
    assert.match(mounted.stderr, NOT_IN_KERNEL);
    t.skip(`this kernel mounts no such file system: ${mounted.stderr.split('\n')[0]}`);
    return undefined;
  }
  const probed = spawnSync(probe[0]!, [...probe.slice(1), share], SAID);
  assert.ifError(probed.error);
  if (probed.status !== 0) {
    t.skip(`this kernel has no such quotas: ${probed.stderr.split('\n')[0]}`);
    return undefined;
  }
  // What mkfs.ext4 makes is no volume.
  rmSync(join(share, 'lost+found'), { recursive: true, force: true });
  return directory;
}

/** Writes as a pod does: whoever has CAP_SYS_RESOURCE is above the quotas of ext4. */
function fill(path: string, mib: number): void {
  const dd = ['dd', 'if=/dev/zero', `of=${path}`, 'bs=1M', `count=${mib}`, 'conv=fsync'];
  const args = ['--bounding-set=-sys_resource', '--inh-caps=-sys_resource', ...dd];
  execFileSync('setpriv', args, { stdio: 'pipe' });
}

describe('volumes with a quota', { skip: cannotMount(), timeout: 3_600_000 }, () => {
  for (const [what, make, options, then] of [
    ['xfs', ['mkfs.xfs', '-q'], 'prjquota', ['xfs_quota', '-x', '-c', 'state -p']],
    [
      'ext4',
      ['mkfs.ext4', '-q', '-O', 'quota,project', '-E', 'quotatype=prjquota'],
      'prjquota',
      ['repquota', '-P'],
    ],
    ['btrfs', ['mkfs.btrfs', '-q'], 'noatime', ['btrfs', 'quota', 'enable']],
  ] as const) {
    it(`${what}: hold no more than they were asked to be, count it, grow, and are copied`, async (t) => {
      const directory = withQuota(t, make, options, then);
      if (!directory) return;
      const driver = await startDriver(t, { directory });
      const size = (requiredBytes: bigint) => ({ capacityRange: { requiredBytes, limitBytes: 0n } });
      const life = lifeOf(driver, 'v');
      await life.create(size(16n * MIB));
      await life.publish();
      const full = /Disk quota exceeded|No space left/;
      fill(join(life.target('pod'), 'first'), 8);
      assert.throws(() => fill(join(life.target('pod'), 'second'), 16), full);
      execFileSync('rm', [join(life.target('pod'), 'second')]);
      execFileSync('sync', ['-f', life.target('pod')]);
      const bytes = (await life.stats()).usage.find(({ unit }) => unit === csi.VolumeUsage_Unit.BYTES)!;
      assert.equal(bytes.total, 16n * MIB);
      assert.ok(bytes.used >= 8n * MIB && bytes.used + bytes.available <= 16n * MIB, `${bytes.used} used`);

      await driver.n1.controller.controllerExpandVolume({ volumeId: 'v', ...size(32n * MIB) });
      fill(join(life.target('pod'), 'second'), 16);
      assert.throws(() => fill(join(life.target('pod'), 'third'), 16), full);
      execFileSync('rm', [join(life.target('pod'), 'third')]);

      const source = { type: { case: 'volume' as const, value: { volumeId: 'v' } } };
      const copy = lifeOf(driver, 'copy');
      await copy.create({ ...size(40n * MIB), volumeContentSource: source });
      assert.throws(() => fill(join(driver.share, 'copy/fourth'), 32), full);
      assert.throws(() => fill(join(driver.share, 'v/fourth'), 32), full, 'each counts its own');

      await assert.rejects(
        lifeOf(driver, 'huge').create(size(1n << 40n)),
        failsWith(Code.RESOURCE_EXHAUSTED, /bytes free/),
      );
      await driver.restart();
      await assert.rejects(life.delete(), failsWith(Code.FAILED_PRECONDITION, /still mounted at .*pod-v/));
      await life.unpublish();
      await life.delete();
      await copy.delete();
      assert.deepEqual([volumesIn(driver.share), ownIn(driver.share)], [[], []]);
    });

    it(`${what}: what is kept of a volume counts for nobody, and for the next volume there`, async (t) => {
      const directory = withQuota(t, make, options, then);
      if (!directory) return;
      const driver = await startDriver(t, { directory });
      const life = lifeOf(driver, 'v', { onDelete: 'retain' });
      const capacityRange = { requiredBytes: 8n * MIB, limitBytes: 0n };
      await life.create({ capacityRange });
      const file = join(driver.share, 'v/file');
      assert.throws(() => fill(file, 16), /Disk quota exceeded|No space left/);
      await life.delete();
      fill(file, 16);
      fill(file, 1);
      await life.create({ capacityRange });
      assert.throws(() => fill(file, 16), /Disk quota exceeded|No space left/);
      assert.deepEqual(readdirSync(join(driver.share, 'v')), ['file']);
      await life.delete();
    });
  }
});
