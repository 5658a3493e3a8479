import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { capacityStep, roundDown } from './capacity.ts';
import { matchesName } from './match-name.ts';
import { mountName, provisionerName, volumeName } from './names.ts';
import { mountPathOf } from './paths.ts';

describe('the name of a local volume', () => {
  // Source: TestDiscoverVolumes_*.
  const cases: [file: string, className: string, name: string][] = [
    ['mount1', 'sc1', 'local-pv-aaaafef5'],
    ['symlink2', 'sc1', 'local-pv-23645a36'],
    ['mount2', 'sc1', 'local-pv-79412c38'],
    ['mount3', 'sc1', 'local-pv-f34b8003'],
    ['symlink3', 'sc1', 'local-pv-4d24d329'],
    ['symlink1', 'sc2', 'local-pv-55d5adba'],
    ['symlink2', 'sc2', 'local-pv-226458a3'],
    ['mount1', 'sc2', 'local-pv-a7aafa3c'],
  ];
  for (const [file, className, name] of cases)
    it(`${file} of ${className}: ${name}`, () =>
      assert.equal(volumeName(file, 'test-node', className), name));
});

describe('the name of the provisioner', () => {
  const node = { metadata: { name: 'n', uid: 'u' } };
  it('tells a node from a later one of its name', () =>
    assert.equal(provisionerName(node, false), 'local-volume-provisioner-n-u'));
  it('or does not', () => assert.equal(provisionerName(node, true), 'local-volume-provisioner-n'));
});

it("the volume of a Job's directory has upstream's name", () => {
  // Source: TestGenerateMountName.
  assert.equal(mountName('', ''), 'mount-811c9dc5');
  assert.equal(mountName('/mnt/fast-disks', '/mnt/fast-disks'), 'mount-9fb367d5');
});

describe('the capacity of a volume', () => {
  const [KIB, MIB, GIB, TIB] = [2n ** 10n, 2n ** 20n, 2n ** 30n, 2n ** 40n];
  // Source: TestRoundDownCapacityPretty.
  const cases: [bytes: bigint, rounded: bigint][] = [
    [100n * KIB, 100n * KIB],
    [10n * MIB, 10n * MIB],
    [100n * MIB, 100n * MIB],
    [10n * GIB, 10n * GIB],
    [10n * TIB, 10n * TIB],
    [9n * GIB + 999n * MIB, 9n * GIB + 999n * MIB],
    [10n * GIB + 5n, 10n * GIB],
    [10n * MIB + 5n, 10n * MIB],
    [10000n * MIB - 1n, 9999n * MIB],
    [13n * GIB - 1n, 12n * GIB],
    [63n * MIB - 10n, 62n * MIB],
    [12345n, 12345n],
    [10000n * GIB - 1n, 9999n * GIB],
    [3n * TIB + 2n * GIB + MIB, 3n * TIB + 2n * GIB],
  ];
  for (const [bytes, rounded] of cases)
    it(`${bytes}: ${rounded}`, () => assert.equal(roundDown(bytes), rounded));

  // Source: TestCapacityBreakDown.
  const steps: [bytes: bigint, step: string][] = [
    [0n, '0G'],
    [1n, '500G'],
    [500n * GIB, '500G'],
    [500n * GIB + 1n, '1000G'],
    [1200n * GIB, '1500G'],
  ];
  for (const [bytes, step] of steps)
    it(`${bytes} is of step ${step}`, () => assert.equal(capacityStep(bytes), step));
});

describe('a pattern of names', () => {
  // Source: the table of filepath.Match's test in Go.
  const cases: [pattern: string, name: string, matches: boolean | undefined][] = [
    ['abc', 'abc', true],
    ['*', 'abc', true],
    ['*c', 'abc', true],
    ['a*', 'a', true],
    ['a*', 'abc', true],
    ['a*', 'ab/c', false],
    ['a*b*c*d*e*/f', 'axbxcxdxexxx/f', true],
    ['ab[c]', 'abc', true],
    ['ab[b-d]', 'abc', true],
    ['ab[e-g]', 'abc', false],
    ['ab[^c]', 'abc', false],
    ['ab[^b-d]', 'abc', false],
    ['ab[^e-g]', 'abc', true],
    ['a\\*b', 'a*b', true],
    ['a\\*b', 'ab', false],
    ['a?b', 'a☺b', true],
    ['a[^a]b', 'a☺b', true],
    ['a???b', 'a☺b', false],
    ['[a-ζ]*', 'α', true],
    ['*[a-ζ]', 'A', false],
    ['a?b', 'a/b', false],
    ['[\\]a]', ']', true],
    ['[\\-]', '-', true],
    ['[x\\-]', 'x', true],
    ['[x\\-]', 'z', false],
    ['[\\-x]', 'a', false],
    ['[]a]', ']', undefined],
    ['[-]', '-', undefined],
    ['[x-]', 'x', undefined],
    ['[-x]', 'x', undefined],
    ['\\', 'a', undefined],
    ['[a-b-c]', 'a', undefined],
    ['[', 'a', undefined],
    ['[^', 'a', undefined],
    ['[^bc', 'a', undefined],
    ['a[', 'a', undefined],
    ['*x', 'xxx', true],
    ['.*', '.hidden', true],
    ['nvme(.)', 'nvmex', false],
  ];
  for (const [pattern, name, matches] of cases)
    it(`${pattern} and ${name}: ${matches}`, () => assert.equal(matchesName(pattern, name), matches));
});

describe('where the provisioner has a volume', () => {
  const config = {
    hostDir: '/mnt/disks',
    mountDir: '/discovery',
    blockCleanerCommand: ['/c'] as [string],
    volumeMode: 'Block' as const,
    namePattern: '*',
    selector: [],
  };
  const of = (path: string) => mountPathOf({ metadata: { name: 'v' }, spec: { local: { path } } }, config);
  it('is directly in the directory of the class', () => {
    assert.equal(of('/mnt/disks/a'), '/discovery/a');
    assert.equal(of('/mnt/disks//a/'), '/discovery/a');
    assert.equal(of('/mnt/disks/..a'), '/discovery/..a');
  });
  for (const path of [
    '/mnt/disks',
    '/mnt/disks-other/a',
    '/mnt/disks/../x',
    '/etc',
    '/mnt',
    '/mnt/disks/a/b',
  ])
    it(`never elsewhere: ${path}`, () =>
      assert.throws(
        () => of(path),
        /^Error: Unexpected error pv "v" mountPath .* but mount dir is \/discovery$/,
      ));
});
