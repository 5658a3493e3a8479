import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { Code, CsiError } from '../../csi/index.ts';
import type { Host } from '../../host/index.ts';
import {
  blockCapability,
  cannotMount,
  mountCapability,
  startDriver,
  temporaryDirectory,
} from './test-support.ts';

const MIB = 1n << 20n;
const fails = (code: Code, says: RegExp) => (error: unknown) => {
  assert.ok(error instanceof CsiError, String(error));
  assert.equal(error.code, code, error.message);
  assert.match(error.message, says);
  return true;
};

async function start(t: TestContext, machine?: Host) {
  const driver = await startDriver(t, { machine });
  const controller = () => driver.n1.controller;
  return {
    driver,
    image: (name: string) => join(driver.pool, name),
    make: (name: string, more: object = {}) =>
      controller().createVolume({
        name,
        capacityRange: { requiredBytes: 16n * MIB },
        volumeCapabilities: [blockCapability()],
        ...more,
      }),
    take: (name: string, sourceVolumeId: string, more: object = {}) =>
      controller().createSnapshot({ name, sourceVolumeId, ...more }),
    list: (request: object = {}) => controller().listSnapshots(request),
    drop: (snapshotId: string) => controller().deleteSnapshot({ snapshotId }),
    controller,
  };
}

const ofSnapshot = (snapshotId: string) => ({
  volumeContentSource: { type: { case: 'snapshot' as const, value: { snapshotId } } },
});
const ofVolume = (volumeId: string) => ({
  volumeContentSource: { type: { case: 'volume' as const, value: { volumeId } } },
});

describe('snapshots of disks', { skip: cannotMount(), timeout: 60_000 }, () => {
  it('are what the volume was, once for a name, also after a crash, and outlive it', async (t) => {
    const { driver, image, make, take, list, drop, controller } = await start(t);
    await make('v');
    writeFileSync(image('v.img'), 'before', { flag: 'r+' });
    const first = await take('s', 'v');
    assert.equal(first.snapshot?.snapshotId, 's');
    assert.equal(first.snapshot?.sourceVolumeId, 'v');
    assert.equal(first.snapshot?.sizeBytes, 16n * MIB);
    assert.equal(first.snapshot?.readyToUse, true);
    writeFileSync(image('v.img'), 'behind', { flag: 'r+' });
    assert.deepEqual(await take('s', 'v'), first);
    await driver.restart();
    assert.deepEqual(await take('s', 'v'), first);
    await make('w');
    await assert.rejects(take('s', 'w'), fails(Code.ALREADY_EXISTS, /of volume v/));
    await controller().deleteVolume({ volumeId: 'v' });
    const made = await make('copy', ofSnapshot('s'));
    assert.deepEqual(
      made.volume?.contentSource?.type.value?.$typeName,
      'csi.v1.VolumeContentSource.SnapshotSource',
    );
    assert.equal(readFileSync(image('copy.img')).subarray(0, 6).toString(), 'before');
    await drop('s');
    await drop('s');
    assert.equal(readFileSync(image('copy.img')).subarray(0, 6).toString(), 'before');
    assert.deepEqual((await list()).entries, []);
    for (const volumeId of ['w', 'copy']) await controller().deleteVolume({ volumeId });
    assert.deepEqual(readdirSync(driver.pool), []);
  });

  it('are refused where CSI says so', async (t) => {
    const { make, take, controller } = await start(t);
    await assert.rejects(take('s', 'none'), fails(Code.NOT_FOUND, /none does not exist/));
    await make('v');
    await assert.rejects(
      take('s', 'v', { parameters: { a: 'b' } }),
      fails(Code.INVALID_ARGUMENT, /unknown parameters in the VolumeSnapshotClass: a/),
    );
    await assert.rejects(make('copy', ofSnapshot('none')), fails(Code.NOT_FOUND, /snapshot none/));
    await assert.rejects(make('copy', ofVolume('none')), fails(Code.NOT_FOUND, /volume none/));
    await take('s', 'v');
    const capacityRange = { requiredBytes: 8n * MIB };
    await assert.rejects(
      make('copy', { ...ofSnapshot('s'), capacityRange }),
      fails(Code.OUT_OF_RANGE, /no smaller/),
    );
    await make('copy', ofSnapshot('s'));
    await assert.rejects(make('copy'), fails(Code.ALREADY_EXISTS, /copy/));
    await assert.rejects(make('copy', ofVolume('v')), fails(Code.ALREADY_EXISTS, /copy/));
    await make('copy', ofSnapshot('s'));
    await assert.rejects(controller().getSnapshot({ snapshotId: 'none' }), fails(Code.NOT_FOUND, /none/));
  });

  it('a copy has the file system of its source, and grows to its own size', async (t) => {
    const { make, controller } = await start(t);
    const capacityRange = { requiredBytes: 32n * MIB };
    await make('v', { volumeCapabilities: [mountCapability({ fsType: 'ext4' })] });
    await assert.rejects(
      make('x', {
        ...ofVolume('v'),
        capacityRange: { requiredBytes: 300n * MIB },
        volumeCapabilities: [mountCapability({ fsType: 'xfs' })],
      }),
      fails(Code.INVALID_ARGUMENT, /holds ext4, and xfs is asked for/),
    );
    const volumeCapabilities = [mountCapability()];
    const made = await make('larger', { ...ofVolume('v'), capacityRange, volumeCapabilities });
    assert.equal(made.volume?.capacityBytes, 32n * MIB);
    await controller().validateVolumeCapabilities({ volumeId: 'larger', volumeCapabilities });
  });

  it('are listed by page, by volume and by themselves', async (t) => {
    const { make, take, list } = await start(t);
    await make('v');
    await make('w');
    for (const name of ['a', 'b', 'c']) await take(name, name === 'b' ? 'w' : 'v');
    const names = async (request: object) => {
      const { entries, nextToken } = await list(request);
      return [entries.map(({ snapshot }) => snapshot?.snapshotId).join(''), nextToken];
    };
    assert.deepEqual(await names({}), ['abc', '']);
    const [page, token] = await names({ maxEntries: 2 });
    assert.equal(page, 'ab');
    assert.deepEqual(await names({ maxEntries: 2, startingToken: token }), ['c', '']);
    assert.deepEqual(await names({ sourceVolumeId: 'v' }), ['ac', '']);
    assert.deepEqual(await names({ snapshotId: 'b' }), ['b', '']);
    assert.deepEqual(await names({ snapshotId: 'x' }), ['', '']);
    await assert.rejects(list({ startingToken: 'x' }), fails(Code.ABORTED, /none of ours/));
  });

  it('copy nothing, whatever the volume holds: every block is shared', async (t) => {
    const { image, make, take } = await start(t);
    await make('v', { capacityRange: { requiredBytes: 64n * MIB } });
    writeFileSync(image('v.img'), Buffer.alloc(32 * 1024 * 1024, 1), { flag: 'r+', flush: true });
    await take('s', 'v');
    for (const file of ['v.img', 's.snap']) {
      const lines = execFileSync('filefrag', ['-v', image(file)], { encoding: 'utf8' }).split('\n');
      const extents = lines.filter((line) => /^ *\d+:/.test(line));
      assert.ok(extents.length > 0, `${file} has extents`);
      for (const extent of extents) assert.match(extent, /shared/, file);
    }
  });

  it('a crash at any point of taking or dropping one leaves all of it or nothing', async (t) => {
    const { driver, image, make, take, list, drop } = await start(t);
    await make('v');
    await take('whole', 'v');
    const states: [files: string[], left: string[]][] = [
      [['.s.snap.new'], []],
      [['.s.snap.new', '.s.snapshot.tmp'], []],
      [
        ['.s.snap.new', 's.snapshot'],
        ['s.snap', 's.snapshot'],
      ],
      [['.s.snap.gone', 's.snapshot'], []],
      [['.s.snap.gone'], []],
    ];
    const record = readFileSync(image('whole.snapshot'), 'utf8').replaceAll('whole', 's');
    for (const [files, left] of states) {
      for (const file of files) writeFileSync(image(file), file.includes('snapshot') ? record : 'image');
      await driver.restart();
      const present = readdirSync(driver.pool).filter((name) => /^\.?s\./.test(name));
      assert.deepEqual(present.sort(), left, files.join());
      assert.equal((await list({ snapshotId: 's' })).entries.length, left.length > 0 ? 1 : 0);
      await drop('s');
    }
    writeFileSync(image('lost.snap'), 'somebody’s data');
    await driver.restart();
    assert.ok(readdirSync(driver.pool).includes('lost.snap'), 'without a record it is left alone');
  });
});

describe('group snapshots of disks', { skip: cannotMount(), timeout: 60_000 }, () => {
  const group = (client: Awaited<ReturnType<typeof start>>['driver']['n1']) => client.groupController;

  it('are taken, found and dropped as a whole', async (t) => {
    const { driver, make, drop, list } = await start(t);
    const take = (name: string, ...sourceVolumeIds: string[]) =>
      group(driver.n1).createVolumeGroupSnapshot({ name, sourceVolumeIds });
    await make('v');
    await make('w');
    await assert.rejects(take('g', 'v', 'none'), fails(Code.NOT_FOUND, /none/));
    assert.deepEqual((await list()).entries, [], 'all or none');
    const { groupSnapshot } = await take('g', 'v', 'w');
    const snapshotIds = groupSnapshot!.snapshots.map(({ snapshotId }) => snapshotId);
    assert.equal(new Set(groupSnapshot!.snapshots.map(({ creationTime }) => creationTime?.nanos)).size, 1);
    assert.deepEqual((await take('g', 'w', 'v')).groupSnapshot?.groupSnapshotId, 'g');
    await assert.rejects(take('g', 'v'), fails(Code.ALREADY_EXISTS, /of v, w/));
    await driver.restart();
    const request = { groupSnapshotId: 'g', snapshotIds };
    assert.equal((await group(driver.n1).getVolumeGroupSnapshot(request)).groupSnapshot?.snapshots.length, 2);
    await assert.rejects(
      group(driver.n1).getVolumeGroupSnapshot({ ...request, snapshotIds: ['x'] }),
      fails(Code.INVALID_ARGUMENT, /x/),
    );
    await assert.rejects(drop(snapshotIds[0]!), fails(Code.INVALID_ARGUMENT, /part of group snapshot g/));
    await group(driver.n1).deleteVolumeGroupSnapshot(request);
    await group(driver.n1).deleteVolumeGroupSnapshot(request);
    await assert.rejects(group(driver.n1).getVolumeGroupSnapshot(request), fails(Code.NOT_FOUND, /g/));
    assert.deepEqual((await list()).entries, []);
  });

  it('a crash in the middle leaves the whole of one, or nothing', async (t) => {
    const { driver, image, make, list } = await start(t);
    await make('v');
    await make('w');
    const sourceVolumeIds = ['v', 'w'];
    const { groupSnapshot } = await group(driver.n1).createVolumeGroupSnapshot({
      name: 'g',
      sourceVolumeIds,
    });
    const [first = ''] = groupSnapshot!.snapshots.map(({ snapshotId }) => snapshotId);
    renameSync(image(`${first}.snapshot`), image(`.${first}.snapshot.tmp`));
    renameSync(image(`${first}.snap`), image(`.${first}.snap.new`));
    await driver.restart();
    assert.deepEqual((await list()).entries, []);
    assert.deepEqual(
      readdirSync(driver.pool).filter((name) => name.includes('snap')),
      [],
    );
    await group(driver.n1).createVolumeGroupSnapshot({ name: 'g', sourceVolumeIds });
    assert.equal((await list()).entries.length, 2);
  });

  it('take the place of no other snapshot', async (t) => {
    const { driver, image, make, list } = await start(t);
    await make('v');
    writeFileSync(image('v.img'), 'before', { flag: 'r+' });
    await driver.n1.controller.createSnapshot({ name: 'g-v', sourceVolumeId: 'v' });
    writeFileSync(image('v.img'), 'after!', { flag: 'r+' });
    await assert.rejects(
      group(driver.n1).createVolumeGroupSnapshot({ name: 'g', sourceVolumeIds: ['v'] }),
      fails(Code.ALREADY_EXISTS, /snapshot g-v exists and is no part of group snapshot g/),
    );
    assert.equal((await list()).entries.length, 1);
    assert.equal(readFileSync(image('g-v.snap')).subarray(0, 6).toString(), 'before');
  });

  it('stay as long as a volume is made of one of them', async (t) => {
    const { host } = await import('./test-support.ts');
    const copying = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const files = {
      ...host.files,
      async clone(from: string, to: string) {
        if (from.endsWith('.snap')) {
          copying.resolve();
          await goOn.promise;
        }
        return host.files.clone(from, to);
      },
    };
    const { driver, image, make, list } = await start(t, { ...host, files });
    await make('v');
    await make('w');
    writeFileSync(image('w.img'), 'before', { flag: 'r+' });
    const { groupSnapshot } = await group(driver.n1).createVolumeGroupSnapshot({
      name: 'g',
      sourceVolumeIds: ['v', 'w'],
    });
    const snapshots = groupSnapshot?.snapshots ?? [];
    const request = { groupSnapshotId: 'g', snapshotIds: snapshots.map(({ snapshotId }) => snapshotId) };
    const ofW = snapshots.find(({ sourceVolumeId }) => sourceVolumeId === 'w');
    const made = make('copy', ofSnapshot(ofW?.snapshotId ?? ''));
    try {
      await Promise.race([copying.promise, made]);
      await assert.rejects(
        group(driver.n1).deleteVolumeGroupSnapshot(request),
        fails(Code.ABORTED, /snapshot g-w is pending/),
      );
      assert.equal((await list()).entries.length, 2, 'all of it stays');
    } finally {
      goOn.resolve();
      await made;
    }
    assert.equal(readFileSync(image('copy.img')).subarray(0, 6).toString(), 'before');
    await group(driver.n1).deleteVolumeGroupSnapshot(request);
    assert.deepEqual((await list()).entries, []);
  });

  it('let go of all file systems in the end, also while one cannot be let go of', async (t) => {
    const directory = temporaryDirectory(t);
    const { host } = await import('./test-support.ts');
    const staging = (volumeId: string) => join(directory, volumeId);
    const frozen = new Set<string>();
    const thawed = Promise.withResolvers<void>();
    let isStuck = true;
    const mounts = {
      ...host.mounts,
      freeze: async (target: string) => void frozen.add(target),
      async thaw(target: string) {
        if (isStuck && target === staging('v')) throw new Error('EIO');
        frozen.delete(target);
        if (frozen.size === 0 && !isStuck) thawed.resolve();
      },
    };
    const { n1 } = await startDriver(t, { directory, machine: { ...host, mounts } });
    const { controller, node } = n1;
    const volumeCapability = mountCapability();
    const volumeCapabilities = [volumeCapability];
    for (const volumeId of ['v', 'w', 'x']) {
      const capacityRange = { requiredBytes: 16n * MIB };
      await controller.createVolume({ name: volumeId, capacityRange, volumeCapabilities });
      await controller.controllerPublishVolume({ volumeId, nodeId: 'n1', volumeCapability });
      mkdirSync(staging(volumeId));
      await node.nodeStageVolume({ volumeId, stagingTargetPath: staging(volumeId), volumeCapability });
    }
    await group(n1).createVolumeGroupSnapshot({ name: 'g', sourceVolumeIds: ['v', 'w'] });
    assert.deepEqual([...frozen], [staging('v')], 'the other one is let go of');
    // Its own would take back the mark of the first.
    await assert.rejects(
      group(n1).createVolumeGroupSnapshot({ name: 'h', sourceVolumeIds: ['x'] }),
      /EIO|frozen file systems is pending/,
    );
    assert.deepEqual([...frozen], [staging('v')]);
    isStuck = false;
    await thawed.promise;
    assert.deepEqual([...frozen], []);
  });

  it('do not keep the driver from starting when what was left frozen cannot be let go of yet', async (t) => {
    const directory = temporaryDirectory(t);
    const { host } = await import('./test-support.ts');
    const thawed = Promise.withResolvers<void>();
    let isStuck = true;
    const mounts = {
      ...host.mounts,
      async thaw() {
        if (isStuck) throw new Error('EIO');
        thawed.resolve();
      },
    };
    const driver = await startDriver(t, { directory, machine: { ...host, mounts } });
    const { controller, node } = driver.n1;
    const volumeCapability = mountCapability();
    const capacityRange = { requiredBytes: 16n * MIB };
    await controller.createVolume({ name: 'v', capacityRange, volumeCapabilities: [volumeCapability] });
    await controller.controllerPublishVolume({ volumeId: 'v', nodeId: 'n1', volumeCapability });
    const stagingTargetPath = join(directory, 'staging');
    mkdirSync(stagingTargetPath);
    await node.nodeStageVolume({ volumeId: 'v', stagingTargetPath, volumeCapability });
    writeFileSync(join(driver.pool, '.frozen'), '');
    await driver.restart();
    assert.ok(readdirSync(driver.pool).includes('.frozen'));
    isStuck = false;
    await thawed.promise;
  });

  it('let go of the file systems in the end, where that fails at first', async (t) => {
    const directory = temporaryDirectory(t);
    const { host } = await import('./test-support.ts');
    const thawed = Promise.withResolvers<void>();
    let tries = 0;
    const mounts = {
      ...host.mounts,
      freeze: async () => {},
      async thaw() {
        if (++tries === 1) throw new Error('EIO');
        thawed.resolve();
      },
    };
    const driver = await startDriver(t, { directory, machine: { ...host, mounts } });
    const { controller, node } = driver.n1;
    const volumeCapability = mountCapability();
    const capacityRange = { requiredBytes: 16n * MIB };
    await controller.createVolume({ name: 'v', capacityRange, volumeCapabilities: [volumeCapability] });
    await controller.controllerPublishVolume({ volumeId: 'v', nodeId: 'n1', volumeCapability });
    const stagingTargetPath = join(directory, 'staging');
    mkdirSync(stagingTargetPath);
    await node.nodeStageVolume({ volumeId: 'v', stagingTargetPath, volumeCapability });
    const { groupSnapshot } = await group(driver.n1).createVolumeGroupSnapshot({
      name: 'g',
      sourceVolumeIds: ['v'],
    });
    assert.equal(groupSnapshot?.readyToUse, true);
    await thawed.promise;
    await node.nodeUnstageVolume({ volumeId: 'v', stagingTargetPath });
    await controller.controllerUnpublishVolume({ volumeId: 'v', nodeId: 'n1' });
    // What the driver may still be at is done by the time that it has begun again.
    await driver.restart();
    assert.equal(tries, 2);
    assert.ok(!readdirSync(driver.pool).includes('.frozen'));
  });
});

describe('a pool that cannot have snapshots', { skip: cannotMount(), timeout: 60_000 }, () => {
  it('says why, and does all else', async (t) => {
    const directory = temporaryDirectory(t);
    const { host } = await import('./test-support.ts');
    const disks = {
      ...host.disks,
      format: async () => {
        throw new Error('mkfs.xfs: command not found; install the Debian package xfsprogs');
      },
    };
    const driver = await startDriver(t, { directory, machine: { ...host, disks } });
    const { controller } = driver.n1;
    const capacityRange = { requiredBytes: 16n * MIB };
    await controller.createVolume({ name: 'v', capacityRange, volumeCapabilities: [blockCapability()] });
    await assert.rejects(
      controller.createSnapshot({ name: 's', sourceVolumeId: 'v' }),
      fails(Code.FAILED_PRECONDITION, /without reflinks.*install the Debian package xfsprogs/),
    );
    assert.deepEqual(
      readdirSync(directory).filter((name) => name.startsWith('pool.')),
      [],
    );
  });
});
