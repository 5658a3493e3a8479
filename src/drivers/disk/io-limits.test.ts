import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Code, CsiError, CsiStatus } from '../../csi/index.ts';
import { controlsOf, isIoLimits, limitsOf } from './io-limits.ts';
import { cannotMount, host, mountCapability, startDriver } from './test-support.ts';

describe('I/O limits', () => {
  it('are quantities, in whole bytes or operations; names that sidecars add are none', () => {
    const limits = limitsOf({
      readBytesPerSecond: '20Mi',
      writeIops: '1k',
      'csi.storage.k8s.io/pvc/name': 'c',
    });
    assert.deepEqual(limits, { readBytesPerSecond: '20971520', writeIops: '1000' });
    assert.equal(isIoLimits(limits), true);
    assert.deepEqual(limitsOf({}), {});
  });

  it('are nothing else', () => {
    const cases: [Record<string, string>, RegExp][] = [
      [{ colour: 'blue' }, /unknown mutable parameter "colour": use readBytesPerSecond, /],
      [{ toString: '1' }, /unknown mutable parameter "toString"/],
      [{ readIops: '0' }, /readIops: "0" is no quantity above zero/],
      [{ readIops: '-5' }, /no quantity above zero/],
      [{ readIops: 'many' }, /no quantity above zero/],
      [{ readIops: '1e30' }, /no quantity above zero/],
    ];
    for (const [parameters, text] of cases)
      assert.throws(
        () => limitsOf(parameters),
        (error) =>
          error instanceof CsiStatus && error.code === Code.INVALID_ARGUMENT && text.test(error.message),
      );
    assert.equal(isIoLimits({ readIops: 0 }), false);
    assert.equal(isIoLimits({ colour: '1' }), false);
    assert.equal(isIoLimits(null), false);
  });

  it('go to the control group of the process: the unified one, or blkio of version 1', () => {
    const lines = (groups: string) =>
      controlsOf(groups).map((control) => control.lines('7:1', { writeBytesPerSecond: '10' }));
    assert.deepEqual(lines('0::/system.slice/x.service\n'), [
      [['/sys/fs/cgroup/system.slice/x.service/io.max', '7:1 rbps=max wbps=10 riops=max wiops=max']],
    ]);
    const throttle = '/sys/fs/cgroup/blkio/a/blkio.throttle.';
    assert.deepEqual(lines('8:pids:/\n7:blkio:/a\n0::/\n'), [
      [['/sys/fs/cgroup/io.max', '7:1 rbps=max wbps=10 riops=max wiops=max']],
      [
        [`${throttle}read_bps_device`, '7:1 0'],
        [`${throttle}write_bps_device`, '7:1 10'],
        [`${throttle}read_iops_device`, '7:1 0'],
        [`${throttle}write_iops_device`, '7:1 0'],
      ],
    ]);
    assert.deepEqual(lines(''), []);
  });
});

/** The files of the control group that this process is in. */
const control = controlsOf(readFileSync('/proc/self/cgroup', 'utf8')).find((one) =>
  existsSync(one.lines('', {})[0]?.[0] ?? ''),
);
const said = () =>
  control!
    .lines('', {})
    .map(([file]) => readFileSync(file, 'utf8'))
    .join('');

describe('ControllerModifyVolume', {
  skip: cannotMount() || (!control && 'needs an io controller in the control group of the process'),
}, () => {
  it('holds the device to the limits, keeps them over a restart, and gives it back without', async (t) => {
    const driver = await startDriver(t);
    const volumeCapability = mountCapability();
    const volumeId = 'v';
    const controller = () => driver.n1.controller;
    await controller().createVolume({
      name: volumeId,
      volumeCapabilities: [volumeCapability],
      mutableParameters: { writeBytesPerSecond: '1234567' },
    });
    const publish = () => controller().controllerPublishVolume({ volumeId, nodeId: 'n1', volumeCapability });
    const { publishContext } = await publish();
    const number = (await host.files.stat(publishContext.device!))!.rdev!;
    const lines = () =>
      said()
        .split('\n')
        .filter((line) => line.startsWith(`${number} `))
        .join('\n');
    assert.match(lines(), /\b1234567\b/);

    await controller().controllerModifyVolume({ volumeId, mutableParameters: { readIops: '4321' } });
    assert.match(lines(), /\b4321\b/);
    assert.doesNotMatch(lines(), /1234567/, 'what is not said is not limited any more');
    await assert.rejects(
      controller().controllerModifyVolume({ volumeId, mutableParameters: { colour: 'blue' } }),
      (error) => error instanceof CsiError && error.code === Code.INVALID_ARGUMENT,
    );
    await assert.rejects(
      controller().controllerModifyVolume({ volumeId: 'absent', mutableParameters: { readIops: '1' } }),
      (error) => error instanceof CsiError && error.code === Code.NOT_FOUND,
    );

    await driver.restart('crash');
    assert.match(readFileSync(join(driver.pool, 'v.json'), 'utf8'), /"readIops":"4321"/);
    await controller().controllerUnpublishVolume({ volumeId, nodeId: 'n1' });
    assert.equal(lines(), '', 'whoever has the device next is not held to them');
  });
});
