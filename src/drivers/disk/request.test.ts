import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { Code, CsiStatus, csi } from '../../csi/index.ts';
import { minimumSize, mismatch, unsupported, usageOf } from './request.ts';

const MIB = 1n << 20n;
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
