import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  claimClass,
  compareQuantity,
  fromLabelSelector,
  hasAccessModes,
  isBoundToClaim,
  matchesSelector,
  type Node,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Stored,
  volumeClass,
  volumeModeOf,
  volumeReaches,
} from '../../kube/index.ts';
import { findBestMatch, type MatchOptions } from './find-best-match.ts';
import { newClaim, newVolume } from './fixtures.ts';
import { VolumeIndex } from './volume-index.ts';

type Volume = Stored<PersistentVolume>;
type Claim = Stored<PersistentVolumeClaim>;

function indexOf(volumes: readonly Volume[]): VolumeIndex {
  const index = new VolumeIndex();
  for (const volume of volumes) index.set(volume);
  return index;
}

/** The rule spelled out, one pass over every volume. */
function naive(volumes: readonly Volume[], claim: Claim, options: MatchOptions): Volume | undefined {
  const fits = (volume: Volume) =>
    compareQuantity(volume.spec?.capacity?.storage, claim.spec?.resources?.requests?.storage) >= 0 &&
    volumeModeOf(volume) === volumeModeOf(claim) &&
    volume.metadata.deletionTimestamp === undefined &&
    hasAccessModes(volume, claim);
  const uidFirst = (volume: Volume) => (volume.spec?.claimRef?.uid ? 0 : 1);
  const byName = (a: Volume, b: Volume) => (a.metadata.name < b.metadata.name ? -1 : 1);
  const reserved = volumes
    .filter((volume) => fits(volume) && isBoundToClaim(volume, claim))
    .sort((a, b) => uidFirst(a) - uidFirst(b) || byName(a, b))[0];
  if (reserved) return options.node && !volumeReaches(reserved, options.node) ? undefined : reserved;
  if (options.delayBinding) return undefined;
  const modes = (volume: Volume) => [...new Set(volume.spec?.accessModes)].sort();
  return volumes
    .filter(
      (volume) =>
        fits(volume) &&
        volume.spec?.claimRef === undefined &&
        volume.status?.phase === 'Available' &&
        volumeClass(volume) === claimClass(claim) &&
        (!claim.spec?.selector ||
          matchesSelector(fromLabelSelector(claim.spec.selector), volume.metadata.labels)) &&
        (!options.node || volumeReaches(volume, options.node)),
    )
    .sort(
      (a, b) =>
        modes(a).length - modes(b).length ||
        (modes(a).join() === modes(b).join() ? 0 : modes(a).join() < modes(b).join() ? -1 : 1) ||
        compareQuantity(a.spec?.capacity?.storage, b.spec?.capacity?.storage) ||
        byName(a, b),
    )[0];
}

const sizes = ['1Gi', '1073741824', '2Gi', '1500M', '10Gi', '5'];
const accessModes = fc.subarray(['ReadWriteOnce', 'ReadOnlyMany', 'ReadWriteMany'], { minLength: 1 });
const volumeArbitrary = fc.record({
  size: fc.constantFrom(...sizes),
  className: fc.constantFrom('', 'gold'),
  accessModes,
  phase: fc.constantFrom('Available', 'Available', 'Released'),
  volumeMode: fc.constantFrom(undefined, 'Filesystem', 'Block'),
  claim: fc.constantFrom(undefined, undefined, undefined, 'claim', 'other'),
  uid: fc.constantFrom('', 'uid-claim', 'uid-elder'),
  labels: fc.constantFrom(undefined, { tier: 'a' }),
  zone: fc.constantFrom(undefined, 'z1', 'z2'),
  deleting: fc.constantFrom(false, false, true),
});

describe('findBestMatch', () => {
  it('finds what a search through all volumes finds', () => {
    fc.assert(
      fc.property(
        fc.array(volumeArbitrary, { maxLength: 25 }),
        fc.record({
          size: fc.constantFrom(...sizes),
          className: fc.constantFrom('', 'gold'),
          accessModes,
          volumeMode: fc.constantFrom(undefined, 'Block'),
          selector: fc.constantFrom(undefined, { matchLabels: { tier: 'a' } }),
        }),
        fc.record({ delayBinding: fc.boolean(), zone: fc.constantFrom(undefined, 'z1') }),
        (given, wanted, { delayBinding, zone }) => {
          const volumes = given.map((volume, index) =>
            newVolume(`v${index}`, {
              ...volume,
              claim: volume.claim && { name: volume.claim, uid: volume.uid },
            }),
          );
          const claim = newClaim('claim', wanted);
          const node: Node | undefined = zone && { metadata: { name: 'n', labels: { zone } } };
          const options = { delayBinding, node };
          assert.equal(
            findBestMatch(indexOf(volumes), claim, options)?.metadata.name,
            naive(volumes, claim, options)?.metadata.name,
          );
        },
      ),
      { numRuns: 10_000 },
    );
  });

  it('gives back what it held before when volumes come and go', () => {
    const index = indexOf([newVolume('small', { size: '1Gi' }), newVolume('large', { size: '5Gi' })]);
    const claim = newClaim('claim', { size: '1Gi' });
    assert.equal(findBestMatch(index, claim)?.metadata.name, 'small');
    index.set(newVolume('small', { size: '1Gi', claim: { name: 'other', uid: 'x' }, phase: 'Bound' }));
    assert.equal(findBestMatch(index, claim)?.metadata.name, 'large');
    index.delete('large');
    assert.equal(findBestMatch(index, claim), undefined);
    index.set(newVolume('small', { size: '1Gi' }));
    assert.equal(findBestMatch(index, claim)?.metadata.name, 'small');
  });

  it('stays fast among 100,000 volumes', () => {
    const index = new VolumeIndex();
    for (let i = 0; i < 100_000; i++) index.set(newVolume(`v${i}`, { size: `${(i * 7919) % 100_000}Mi` }));
    let steps = 0;
    const claim = newClaim('claim', { size: '50000Mi' });
    for (const volume of index.freeFor(claim, '', 50_000n * (1n << 20n) * 1_000_000_000n)) {
      assert.equal(volume.spec?.capacity?.storage, '50000Mi');
      if (++steps === 1) break;
    }
    assert.equal(steps, 1);
  });
});
