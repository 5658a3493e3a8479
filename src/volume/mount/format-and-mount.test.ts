import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { DiskSignature, Host, MountRequest } from '../../host/index.ts';
import { formatAndMount, MountError, type MountErrorKind } from './index.ts';

interface FakeDisk {
  signature?: DiskSignature | Error;
  check?: Error;
  format?: Error;
  mount?: Error;
}

/** A host that notes what is done to its one disk. */
function fakeHost(disk: FakeDisk) {
  const done: string[] = [];
  const mounted: MountRequest[] = [];
  const host = {
    disks: {
      async signature() {
        done.push('probe');
        if (disk.signature instanceof Error) throw disk.signature;
        return disk.signature;
      },
      async format(_device: string, fsType: string) {
        done.push(`mkfs.${fsType}`);
        if (disk.format) throw disk.format;
      },
      async check() {
        done.push('fsck');
        if (disk.check) throw disk.check;
        return 'clean' as const;
      },
    },
    mounts: {
      async mount(request: MountRequest) {
        done.push('mount');
        if (disk.mount) throw disk.mount;
        mounted.push(request);
      },
    },
  };
  return { host: host as unknown as Pick<Host, 'disks' | 'mounts'>, done, mounted };
}

const at = { device: '/dev/loop0', target: '/mnt' };
const isMountError = (kind: MountErrorKind, text: RegExp) => (error: unknown) =>
  error instanceof MountError && error.kind === kind && text.test(error.message);

describe('formatAndMount', () => {
  it('makes a file system on a blank device, then mounts it', async () => {
    const { host, done, mounted } = fakeHost({});
    await formatAndMount(host, { ...at, options: ['noatime'] });
    assert.deepEqual(done, ['probe', 'mkfs.ext4', 'mount']);
    assert.deepEqual(mounted, [
      { source: '/dev/loop0', target: '/mnt', fsType: 'ext4', options: ['noatime', 'defaults'] },
    ]);
  });

  it('checks a file system that is there, and keeps it', async () => {
    const { host, done } = fakeHost({ signature: { type: 'xfs' } });
    await formatAndMount(host, { ...at, fsType: 'xfs' });
    assert.deepEqual(done, ['probe', 'fsck', 'mount']);
  });

  it('neither makes nor checks a file system when it may only read', async () => {
    const blank = fakeHost({});
    await assert.rejects(
      formatAndMount(blank.host, { ...at, options: ['ro'] }),
      isMountError('UnformattedReadOnly', /cannot mount unformatted disk \/dev\/loop0 .* read-only mode/),
    );
    assert.deepEqual(blank.done, ['probe']);
    const formatted = fakeHost({ signature: { type: 'ext4' } });
    await formatAndMount(formatted.host, { ...at, options: ['ro'] });
    assert.deepEqual(formatted.done, ['probe', 'mount']);
  });

  it('does nothing to a device that cannot be probed', async () => {
    const { host, done } = fakeHost({ signature: new Error('ambivalent result') });
    await assert.rejects(
      formatAndMount(host, at),
      isMountError('GetDiskFormatFailed', /failed to get disk format of disk \/dev\/loop0: ambivalent/),
    );
    assert.deepEqual(done, ['probe']);
  });

  it('does not mount what fsck could not mend, or what could not be formatted', async () => {
    const broken = fakeHost({ signature: { type: 'ext4' }, check: new Error('UNEXPECTED INCONSISTENCY') });
    await assert.rejects(
      formatAndMount(broken.host, at),
      isMountError(
        'HasFilesystemErrors',
        /'fsck' found errors on device \/dev\/loop0 but could not correct them/,
      ),
    );
    const full = fakeHost({ format: new Error('No space left on device') });
    await assert.rejects(
      formatAndMount(full.host, at),
      isMountError(
        'FormatFailed',
        /format of disk "\/dev\/loop0" failed: type:\("ext4"\) target:\("\/mnt"\)/,
      ),
    );
    assert.ok(!broken.done.includes('mount') && !full.done.includes('mount'));
  });

  it('says so when a mount failed because the device holds something else', async () => {
    const { host } = fakeHost({ signature: { type: 'btrfs' }, mount: new Error('wrong fs type') });
    await assert.rejects(
      formatAndMount(host, at),
      isMountError('FilesystemMismatch', /wrong fs type \(the device holds btrfs, ext4 was asked for\)/),
    );
  });

  it('never formats a device with any signature at all', async () => {
    const text = fc.option(fc.string({ minLength: 1 }), { nil: undefined });
    const signature = fc.record({ type: text, partitionTable: text });
    const fsType = fc.constantFrom('ext3', 'ext4', 'xfs', 'btrfs', undefined);
    await fc.assert(
      fc.asyncProperty(
        signature,
        fsType,
        fc.subarray(['ro', 'noatime']),
        fc.boolean(),
        async (found, wanted, options, mountFails) => {
          const { host, done } = fakeHost({
            signature: found,
            mount: mountFails ? new Error('no') : undefined,
          });
          await formatAndMount(host, { ...at, fsType: wanted, options }).catch(() => undefined);
          assert.ok(!done.some((step) => step.startsWith('mkfs')), JSON.stringify(found));
        },
      ),
    );
  });
});
