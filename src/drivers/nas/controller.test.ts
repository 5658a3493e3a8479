import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { lstatSync, mkdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Code } from '../../csi/index.ts';
import { blockCapability, failsWith, mountCapability } from '../shared/test-support.ts';
import { cannotMount, everybody, lifeOf, ownIn, startDriver, volumesIn } from './test-support.ts';

const MIB = 1n << 20n;
const CLAIM = { 'csi.storage.k8s.io/pvc/namespace': 'shop', 'csi.storage.k8s.io/pvc/name': 'data' };
const range = (requiredBytes: bigint, limitBytes = 0n) => ({ capacityRange: { requiredBytes, limitBytes } });
const fromVolume = (volumeId: string) => ({
  volumeContentSource: { type: { case: 'volume' as const, value: { volumeId } } },
});
const fromSnapshot = (snapshotId: string) => ({
  volumeContentSource: { type: { case: 'snapshot' as const, value: { snapshotId } } },
});

describe('the controller of the nas driver', { skip: cannotMount(), timeout: 300_000 }, () => {
  it('makes a volume once for a name, and another for no other request', async (t) => {
    const driver = await startDriver(t);
    const life = lifeOf(driver, 'pvc-1', CLAIM);
    const first = await life.create(range(16n * MIB));
    assert.equal(first.volume?.capacityBytes, 16n * MIB);
    assert.deepEqual(first.volume?.volumeContext, { subDir: 'shop-data-pvc-1', volumeId: 'pvc-1' });
    assert.deepEqual(await life.create(range(16n * MIB)), first);
    await driver.restart();
    assert.deepEqual(await life.create(range(16n * MIB)), first);
    for (const more of [
      range(32n * MIB),
      { ...range(16n * MIB), parameters: { ...CLAIM, onDelete: 'retain' } },
      { ...range(16n * MIB), parameters: { pathPattern: 'elsewhere' } },
    ])
      await assert.rejects(life.create(more), failsWith(Code.ALREADY_EXISTS));
    assert.deepEqual(volumesIn(driver.share), ['shop-data-pvc-1']);
  });

  it('makes none that it cannot serve', async (t) => {
    const driver = await startDriver(t);
    const refused = (more: object, code: Code, why: RegExp) =>
      assert.rejects(lifeOf(driver, 'v').create(more), failsWith(code, why));
    await refused({ volumeCapabilities: [blockCapability()] }, Code.INVALID_ARGUMENT, /raw block/);
    await refused(
      { volumeCapabilities: [mountCapability({ fsType: 'ext4' })] },
      Code.INVALID_ARGUMENT,
      /ext4/,
    );
    await refused(
      { volumeCapabilities: [everybody(['loop'])] },
      Code.INVALID_ARGUMENT,
      /mount option "loop"/,
    );
    await refused({ parameters: { a: 'b' } }, Code.INVALID_ARGUMENT, /unknown parameters/);
    await refused(range(MIB + 1n, MIB + 2n), Code.OUT_OF_RANGE, /whole MiB/);
    await refused(fromVolume('gone'), Code.NOT_FOUND, /gone/);
    await refused(fromSnapshot('gone'), Code.NOT_FOUND, /gone/);
    assert.deepEqual([volumesIn(driver.share), ownIn(driver.share)], [[], []]);
  });

  it('gives each volume a directory of its own', async (t) => {
    const driver = await startDriver(t);
    const at = (name: string, pathPattern: string) => lifeOf(driver, name, { pathPattern }).create();
    await at('a', 'team/one');
    const taken = failsWith(Code.INVALID_ARGUMENT, /overlaps with team\/one of volume a/);
    for (const path of ['team/one', 'team', 'team/one/deeper']) await assert.rejects(at('b', path), taken);
    await at('b', 'team/one-more');
    const outcomes = await Promise.allSettled(['c', 'd', 'e'].map((name) => at(name, 'same')));
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
  });

  it('keeps, archives or deletes the directory of a volume that is deleted', async (t) => {
    const driver = await startDriver(t);
    const round = async (name: string, parameters: Record<string, string>) => {
      const life = lifeOf(driver, name, { pathPattern: 'team/dir', ...parameters });
      await life.create();
      writeFileSync(join(driver.share, 'team/dir', name), '');
      await life.delete();
      await life.delete();
    };
    await round('kept', { onDelete: 'retain' });
    assert.deepEqual(volumesIn(driver.share), ['team']);
    await round('first', { archiveOnDelete: 'true' });
    assert.deepEqual(volumesIn(driver.share), ['archived-dir'], 'with what was kept');
    assert.deepEqual(volumesIn(join(driver.share, 'archived-dir')), ['first', 'kept']);
    await round('second', { onDelete: 'archive' });
    assert.deepEqual(volumesIn(driver.share), ['archived-dir', 'archived-dir-second']);
    await round('third', {});
    assert.deepEqual(volumesIn(driver.share), ['archived-dir', 'archived-dir-second']);
    assert.deepEqual(ownIn(driver.share), []);
  });

  it('a snapshot and a clone hold what was there, links as links, and go their own way', async (t) => {
    const driver = await startDriver(t);
    const life = lifeOf(driver, 'source');
    await life.create(range(8n * MIB));
    const source = join(driver.share, 'source');
    writeFileSync(join(source, 'file'), 'before');
    symlinkSync('/etc/passwd', join(source, 'link'));
    mkdirSync(join(source, 'dir'), { mode: 0o700 });
    execFileSync('chown', [
      '-h',
      '1234:4321',
      join(source, 'link'),
      join(source, 'dir'),
      join(source, 'file'),
    ]);
    execFileSync('mkfifo', [join(source, 'fifo')]);
    const { controller } = driver.n1;
    const { snapshot } = await controller.createSnapshot({ name: 'snap', sourceVolumeId: 'source' });
    assert.equal(snapshot?.sizeBytes, 8n * MIB);
    assert.equal(snapshot?.readyToUse, true);
    writeFileSync(join(source, 'file'), 'after');
    assert.deepEqual(
      (await controller.createSnapshot({ name: 'snap', sourceVolumeId: 'source' })).snapshot,
      snapshot,
    );
    await lifeOf(driver, 'other').create();
    await assert.rejects(
      controller.createSnapshot({ name: 'snap', sourceVolumeId: 'other' }),
      failsWith(Code.ALREADY_EXISTS, /of volume source/),
    );
    await lifeOf(driver, 'restored').create(fromSnapshot('snap'));
    await lifeOf(driver, 'clone').create({ ...fromVolume('source'), ...range(16n * MIB) });
    for (const [name, text] of [
      ['restored', 'before'],
      ['clone', 'after'],
    ] as const) {
      const path = join(driver.share, name);
      assert.equal(readFileSync(join(path, 'file'), 'utf8'), text);
      assert.equal(readlinkSync(join(path, 'link')), '/etc/passwd');
      assert.ok(lstatSync(join(path, 'fifo')).isFIFO());
      for (const one of ['link', 'dir', 'file']) assert.equal(lstatSync(join(path, one)).uid, 1234, one);
      assert.equal(lstatSync(join(path, 'dir')).mode & 0o777, 0o700);
    }
    await assert.rejects(
      lifeOf(driver, 'small').create({ ...fromSnapshot('snap'), ...range(MIB) }),
      failsWith(Code.OUT_OF_RANGE, /a copy is no smaller/),
    );
    await assert.rejects(
      lifeOf(driver, 'clone').create({ ...fromSnapshot('snap'), ...range(16n * MIB) }),
      failsWith(Code.ALREADY_EXISTS),
    );
    await life.delete();
    await driver.restart();
    assert.equal((await driver.n1.controller.listSnapshots({ sourceVolumeId: 'source' })).entries.length, 1);
    assert.equal(
      (await driver.n1.controller.getSnapshot({ snapshotId: 'snap' })).snapshot?.sourceVolumeId,
      'source',
    );
    await driver.n1.controller.deleteSnapshot({ snapshotId: 'snap' });
    await driver.n1.controller.deleteSnapshot({ snapshotId: 'snap' });
    await assert.rejects(driver.n1.controller.getSnapshot({ snapshotId: 'snap' }), failsWith(Code.NOT_FOUND));
    for (const name of ['other', 'restored', 'clone']) await lifeOf(driver, name).delete();
    assert.deepEqual([volumesIn(driver.share), ownIn(driver.share)], [[], []]);
  });

  it('grows a volume, and shrinks none', async (t) => {
    const driver = await startDriver(t);
    await lifeOf(driver).create(range(8n * MIB));
    const expand = (requiredBytes: bigint, limitBytes = 0n) =>
      driver.n1.controller.controllerExpandVolume({ volumeId: 'pvc-1', ...range(requiredBytes, limitBytes) });
    const grown = await expand(16n * MIB);
    assert.equal(grown.capacityBytes, 16n * MIB);
    assert.equal(grown.nodeExpansionRequired, false);
    await driver.restart();
    assert.equal((await expand(8n * MIB)).capacityBytes, 16n * MIB);
    await assert.rejects(expand(0n, 8n * MIB), failsWith(Code.OUT_OF_RANGE, /never shrinks/));
  });

  it('does not open a directory whose records it cannot read', async (t) => {
    const driver = await startDriver(t);
    await lifeOf(driver).create();
    writeFileSync(join(driver.share, '.stowage/volumes/x.json'), '{"id":"x"}');
    await assert.rejects(driver.restart(), /x\.json is not the record of volume x; move it away/);
    assert.deepEqual(ownIn(driver.share), ['volumes/pvc-1.json', 'volumes/x.json']);
  });
});
