import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import fc from 'fast-check';
import { systemClock } from '../../base/index.ts';
import { createLinuxHost, type Host } from '../../host/index.ts';
import { diskFormat } from './disk-format.ts';
import { skipReason, temporaryDirectory } from './disk-image.test-support.ts';
import { formatAndMount, type MountError } from './index.ts';
import { IMAGE_BYTES, imageOf, SIGNATURES } from './signatures.test-support.ts';

const host = createLinuxHost({ clock: systemClock });
const checksum = (path: string, but?: { readonly offset: number; readonly size: number }) => {
  const content = readFileSync(path);
  if (but) content.fill(0, but.offset, but.offset + but.size);
  return createHash('sha256').update(content).digest('hex');
};
/** When an ext4 was last written to (s_wtime): fsck notes the present second, also when it gives up. */
const WRITTEN_AT = { offset: 1024 + 0x30, size: 4 };
const kindOf = (kind: MountError['kind']) => (error: MountError) => error.kind === kind;

/** The real disks, but for what would change them: that is noted. */
function watched(): { host: Pick<Host, 'disks' | 'mounts'>; done: string[] } {
  const done: string[] = [];
  const note = (what: string) => async () => {
    done.push(what);
    return 'clean' as const;
  };
  const disks = { ...host.disks, format: note('format') as never, check: note('check') };
  return { host: { disks, mounts: { ...host.mounts, mount: note('mount') as never } }, done };
}

describe('a device that holds anything', () => {
  it('is seen as what it is, whatever signature it has', async (test) => {
    const directory = temporaryDirectory(test);
    for (const [index, signature] of SIGNATURES.entries()) {
      const path = join(directory, `image-${index}`);
      writeFileSync(path, imageOf(signature));
      const { type, partitionTable } = (await host.disks.signature(path)) ?? {};
      assert.equal(partitionTable ? `PTTYPE ${partitionTable}` : type, signature.name);
      assert.notEqual(await diskFormat(host, path), undefined);
    }
  });

  it('is never formatted, whatever is asked for', async (test) => {
    const directory = temporaryDirectory(test);
    const path = join(directory, 'image');
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...SIGNATURES),
        fc.constantFrom('ext2', 'ext3', 'ext4', 'xfs', 'btrfs', 'ntfs', '', undefined),
        fc.subarray(['ro', 'rw', 'noatime', 'nouuid', 'discard']),
        fc.subarray(['-F', '-f', '-L', 'label', '--']),
        async (signature, fsType, options, formatOptions) => {
          writeFileSync(path, imageOf(signature));
          const { host: watchedHost, done } = watched();
          await formatAndMount(watchedHost, { device: path, target: '/t', fsType, options, formatOptions });
          assert.deepEqual(done, options.includes('ro') ? ['mount'] : ['check', 'mount']);
          assert.deepEqual(readFileSync(path), imageOf(signature));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('and a blank one is seen as blank', async (test) => {
    const path = join(temporaryDirectory(test), 'image');
    writeFileSync(path, Buffer.alloc(IMAGE_BYTES));
    assert.equal(await diskFormat(host, path), undefined);
  });

  it('is left as it is when it cannot be looked at', async (test) => {
    const { host: watchedHost, done } = watched();
    const device = join(temporaryDirectory(test), 'absent');
    await assert.rejects(
      formatAndMount(watchedHost, { device, target: '/t' }),
      kindOf('GetDiskFormatFailed'),
    );
    assert.deepEqual(done, []);
  });
});

describe('real tools on real devices', { skip: skipReason }, () => {
  const blank = (test: TestContext) => {
    const path = join(temporaryDirectory(test), 'image');
    writeFileSync(path, Buffer.alloc(IMAGE_BYTES));
    return path;
  };

  it('leave a file system that fsck cannot mend as it is', async (test) => {
    const path = blank(test);
    await host.disks.format(path, 'ext4', ['-O', '^metadata_csum,^has_journal']);
    writeFileSync(path, withBrokenRoot(readFileSync(path)));
    const before = checksum(path, WRITTEN_AT);
    const mounts = { ...host.mounts, mount: async () => assert.fail('it must not be mounted') };
    await assert.rejects(
      formatAndMount({ disks: host.disks, mounts }, { device: path, target: '/t' }),
      kindOf('HasFilesystemErrors'),
    );
    assert.equal(checksum(path, WRITTEN_AT), before);
  });

  it('do not format a device that may only be read', async (test) => {
    const path = blank(test);
    const before = checksum(path);
    const device = await host.loops.attach(path, { readOnly: true });
    test.after(() => host.loops.detach(device));
    await assert.rejects(formatAndMount(host, { device, target: '/t' }), kindOf('FormatFailed'));
    assert.equal(checksum(path), before);
  });
});

/** An ext4 that is marked as broken, whose root directory is none: no question that fsck -a answers by itself. */
function withBrokenRoot(image: Buffer): Buffer {
  const superblock = image.subarray(1024);
  const blockSize = 1024 << superblock.readUInt32LE(0x18);
  const inodeSize = superblock.readUInt16LE(0x58);
  const descriptors = image.subarray(Math.max(2048, blockSize));
  const root = descriptors.readUInt32LE(8) * blockSize + inodeSize;
  superblock.writeUInt16LE(2, 0x3a);
  image.fill(0xff, root, root + inodeSize);
  return image;
}
