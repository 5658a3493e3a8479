import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, statfsSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { MIB } from './life.test-support.ts';
import { cannotMount, mountCapability, startDriver, type TestDriver } from './test-support.ts';

/** The file systems that mount-utils makes, each with a size that its mkfs takes. */
const FILE_SYSTEMS = { ext4: 32n, xfs: 320n, btrfs: 160n } as const;

function cannotMake(fsType: string): string | false {
  try {
    execFileSync(`mkfs.${fsType}`, ['-V'], { stdio: 'ignore' });
    if (!readFileSync('/proc/filesystems', 'utf8').includes(`\t${fsType}\n`))
      return `the kernel has no ${fsType}`;
    const [major = 0, minor = 0] = release().split('.').map(Number);
    const isOld = major < 6 || (major === 6 && minor < 7);
    return fsType === 'btrfs' && isOld ? 'mounting a btrfs beside its copy needs Linux 6.7' : false;
  } catch {
    return `needs mkfs.${fsType}`;
  }
}

/** A volume of that file system, on its node. */
function volumeOf(driver: TestDriver, volumeId: string, fsType: string) {
  const volumeCapability = mountCapability({ fsType });
  const path = join(driver.directory, `staging-${volumeId}`);
  return {
    path,
    async mount(sizeMib: bigint, more: object = {}) {
      await driver.n1.controller.createVolume({
        name: volumeId,
        capacityRange: { requiredBytes: sizeMib * MIB },
        volumeCapabilities: [volumeCapability],
        ...more,
      });
      await driver.n1.controller.controllerPublishVolume({ volumeId, nodeId: 'n1', volumeCapability });
      await driver.n1.node.nodeStageVolume({ volumeId, stagingTargetPath: path, volumeCapability });
    },
    async remove() {
      await driver.n1.node.nodeUnstageVolume({ volumeId, stagingTargetPath: path });
      await driver.n1.controller.controllerUnpublishVolume({ volumeId, nodeId: 'n1' });
      await driver.n1.controller.deleteVolume({ volumeId });
    },
  };
}

describe('the file systems of disks', { skip: cannotMount(), timeout: 300_000 }, () => {
  for (const [fsType, size] of Object.entries(FILE_SYSTEMS)) {
    it(`${fsType}: a snapshot is restored, larger, beside the volume that it was taken of`, {
      skip: cannotMake(fsType),
    }, async (t) => {
      const driver = await startDriver(t);
      const volume = volumeOf(driver, 'v', fsType);
      await volume.mount(size);
      writeFileSync(join(volume.path, 'file'), 'before');
      await driver.n1.controller.createSnapshot({ name: 's', sourceVolumeId: 'v' });
      writeFileSync(join(volume.path, 'file'), 'after');
      const copy = volumeOf(driver, 'copy', fsType);
      const source = { type: { case: 'snapshot' as const, value: { snapshotId: 's' } } };
      await copy.mount(2n * size, { volumeContentSource: source });
      assert.equal(readFileSync(join(copy.path, 'file'), 'utf8'), 'before');
      writeFileSync(join(copy.path, 'file'), 'its own');
      assert.equal(readFileSync(join(volume.path, 'file'), 'utf8'), 'after');
      const bytes = (path: string) => statfsSync(path).blocks * statfsSync(path).bsize;
      assert.ok(bytes(copy.path) > 1.5 * bytes(volume.path), 'the file system has grown');
      await copy.remove();
      await volume.remove();
      await driver.n1.controller.deleteSnapshot({ snapshotId: 's' });
    });
  }
});
