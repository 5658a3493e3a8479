import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { Code, CsiStatus, csi } from '../../csi/index.ts';
import {
  checkParameters,
  minimumSize,
  mismatch,
  sizeFits,
  unsupported,
  usageOf,
  volumeSize,
} from './request.ts';

const MIB = 1n << 20n;
const GIB = 1n << 30n;
const Mode = csi.VolumeCapability_AccessMode_Mode;

function capability(
  accessType: 'mount' | 'block',
  { fsType = '', mountFlags = [] as string[], mode = Mode.SINGLE_NODE_WRITER } = {},
): csi.VolumeCapability {
  return create(csi.VolumeCapabilitySchema, {
    accessMode: { mode },
    accessType:
      accessType === 'mount'
        ? { case: 'mount', value: { fsType, mountFlags } }
        : { case: 'block', value: {} },
  });
}

const failsWith = (code: Code) => (error: unknown) => error instanceof CsiStatus && error.code === code;

describe('volumeSize', () => {
  const cases: [what: string, required: bigint, limit: bigint, minimum: bigint, size: bigint | 'none'][] = [
    ['nothing asked: the default', 0n, 0n, MIB, GIB],
    ['whole MiB stay', 5n * MIB, 0n, MIB, 5n * MIB],
    ['others go up', 5n * MIB + 1n, 0n, MIB, 6n * MIB],
    ['one byte', 1n, 0n, MIB, MIB],
    ['up to the limit', 5n * MIB + 1n, 6n * MIB, MIB, 6n * MIB],
    ['no whole MiB in between', 5n * MIB + 1n, 5n * MIB + 2n, MIB, 'none'],
    ['a limit alone below the default', 0n, 10n * MIB, MIB, 10n * MIB],
    ['a limit alone goes down', 0n, 10n * MIB + 5n, MIB, 10n * MIB],
    ['a limit alone above the default', 0n, 5n * GIB, MIB, GIB],
    ['a limit below the unit', 0n, MIB - 1n, MIB, 'none'],
    ['the file system needs more', MIB, 0n, 300n * MIB, 300n * MIB],
    ['the file system needs more than the limit', MIB, 10n * MIB, 300n * MIB, 'none'],
    ['more than the limit', 2n * GIB, GIB, MIB, 'none'],
    ['negative', -1n, 0n, MIB, 'none'],
  ];
  for (const [what, requiredBytes, limitBytes, minimum, size] of cases) {
    it(what, () => {
      const make = () => volumeSize({ requiredBytes, limitBytes }, minimum);
      if (size === 'none') assert.throws(make, failsWith(Code.OUT_OF_RANGE));
      else assert.equal(make(), size);
    });
  }

  it('no range at all: the default', () => assert.equal(volumeSize(undefined), GIB));

  it('always fits its own request, and fails only when nothing would', () => {
    const bytes = fc.bigInt({ min: 0n, max: 4n * GIB });
    fc.assert(
      fc.property(bytes, bytes, (requiredBytes, limitBytes) => {
        const range = { requiredBytes, limitBytes };
        const top = limitBytes - (limitBytes % MIB);
        const possible = limitBytes === 0n || (top >= MIB && top >= requiredBytes);
        if (!possible) assert.throws(() => volumeSize(range), failsWith(Code.OUT_OF_RANGE));
        else {
          const size = volumeSize(range);
          assert.ok(sizeFits(size, range) && size % MIB === 0n && size > 0n);
        }
      }),
    );
  });
});

describe('sizeFits', () => {
  const cases: [size: bigint, required: bigint, limit: bigint, fits: boolean][] = [
    [10n, 10n, 10n, true],
    [10n, 0n, 0n, true],
    [10n, 11n, 0n, false],
    [10n, 5n, 9n, false],
    [10n, 5n, 0n, true],
  ];
  for (const [size, requiredBytes, limitBytes, fits] of cases) {
    it(`${size} ${fits ? 'fits' : 'does not fit'} ${requiredBytes}..${limitBytes || ''}`, () =>
      assert.equal(sizeFits(size, { requiredBytes, limitBytes }), fits));
  }
});

describe('unsupported', () => {
  const cases: [what: string, capability: csi.VolumeCapability, why: RegExp | undefined][] = [
    ['one writer', capability('mount'), undefined],
    ['one node, many writers', capability('block', { mode: Mode.SINGLE_NODE_MULTI_WRITER }), undefined],
    ['one writer only', capability('mount', { mode: Mode.SINGLE_NODE_SINGLE_WRITER }), undefined],
    ['a reader', capability('mount', { mode: Mode.SINGLE_NODE_READER_ONLY }), undefined],
    ['many nodes', capability('mount', { mode: Mode.MULTI_NODE_MULTI_WRITER }), /MULTI_NODE_MULTI_WRITER/],
    ['many readers', capability('mount', { mode: Mode.MULTI_NODE_READER_ONLY }), /one node at a time/],
    ['no mode', capability('mount', { mode: Mode.UNKNOWN }), /UNKNOWN/],
    ['a mode to come', capability('mount', { mode: 99 as 0 }), /access mode 99/],
    ['xfs', capability('mount', { fsType: 'xfs' }), undefined],
    ['another file system', capability('mount', { fsType: 'ntfs' }), /"ntfs": use one of ext4/],
    ['a name of Object', capability('mount', { fsType: 'constructor' }), /file system "constructor"/],
    ['mount options', capability('mount', { mountFlags: ['noatime', 'discard'] }), undefined],
    ['bind', capability('mount', { mountFlags: ['bind'] }), /mount option "bind"/],
    ['hidden bind', capability('mount', { mountFlags: ['noatime,rbind'] }), /mount option "rbind"/],
    ['loop', capability('mount', { mountFlags: ['loop=/dev/loop0'] }), /mount option/],
  ];
  for (const [what, asked, why] of cases) {
    it(`${what}: ${why ? 'no' : 'yes'}`, () => {
      const answer = unsupported(asked);
      if (why) assert.match(answer ?? '', why);
      else assert.equal(answer, undefined);
    });
  }
});

describe('usageOf', () => {
  it('is ext4 when no file system is asked for', () =>
    assert.deepEqual(usageOf([capability('mount')]), { accessType: 'mount', fsType: 'ext4' }));
  it('is the file system that any of them names', () =>
    assert.deepEqual(usageOf([capability('mount'), capability('mount', { fsType: 'xfs' })]), {
      accessType: 'mount',
      fsType: 'xfs',
    }));
  it('is the raw device', () => assert.deepEqual(usageOf([capability('block')]), { accessType: 'block' }));
  for (const [what, list] of [
    ['both at once', [capability('mount'), capability('block')]],
    ['two file systems', [capability('mount', { fsType: 'ext4' }), capability('mount', { fsType: 'xfs' })]],
    ['one that cannot be served', [capability('mount'), capability('mount', { fsType: 'ntfs' })]],
  ] as const) {
    it(`refuses ${what}`, () => assert.throws(() => usageOf(list), failsWith(Code.INVALID_ARGUMENT)));
  }
});

describe('mismatch', () => {
  const volume = { id: 'v', accessType: 'block' as const };
  it('a raw volume is never mounted: that could format it', () =>
    assert.match(mismatch(volume, capability('mount')) ?? '', /it was made as block/));
  it('a raw volume is published raw', () => assert.equal(mismatch(volume, capability('block')), undefined));
});

describe('minimumSize', () => {
  for (const [fsType, size] of [
    ['ext4', MIB],
    ['xfs', 300n * MIB],
    ['btrfs', 128n * MIB],
  ] as const) {
    it(fsType, () => assert.equal(minimumSize({ accessType: 'mount', fsType }), size));
  }
  it('raw block', () => assert.equal(minimumSize({ accessType: 'block' }), MIB));
});

describe('checkParameters', () => {
  it('leaves out what sidecars add', () => checkParameters({ 'csi.storage.k8s.io/pvc/name': 'a' }));
  it('refuses what the driver does not know', () =>
    assert.throws(() => checkParameters({ type: 'fast' }), /unknown parameters.*type/));
});
