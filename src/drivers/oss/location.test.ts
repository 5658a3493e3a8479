import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isBucketName, isPrefix, newLocation, parseVolumeId, volumeIdOf } from './location.ts';

describe('the handle of a volume', () => {
  const cases: [handle: string, location: { bucket: string; prefix: string } | undefined][] = [
    ['data', { bucket: 'data', prefix: '' }],
    ['my.data-1', { bucket: 'my.data-1', prefix: '' }],
    ['data/a', { bucket: 'data', prefix: 'a' }],
    ['data/team-a/pvc_1', { bucket: 'data', prefix: 'team-a/pvc_1' }],
    ['data/.hidden', { bucket: 'data', prefix: '.hidden' }],
    ...[
      ...['', '/', 'data/', '/data', 'ab', 'A', 'Data', 'da..ta', '-data', 'data-', 'da_ta', 'x'.repeat(64)],
      ...['data/..', 'data/../other', 'data/a/..', 'data/./a', 'data//a', 'data/a/', 'data/a b', 'data/a\n'],
      ...['data\n', 'data/a?b', 'data/a#b', 'data/a%2fb', `data/${'x'.repeat(513)}`],
    ].map((handle): [string, undefined] => [handle, undefined]),
  ];
  for (const [handle, location] of cases) {
    it(`${JSON.stringify(handle.slice(0, 40))} is ${location ? JSON.stringify(location) : 'none'}`, () => {
      assert.deepEqual(parseVolumeId(handle), location);
      if (location) assert.equal(volumeIdOf(location), handle);
    });
  }
});

describe('where a volume is made', () => {
  const hash = (name: string, within: object) => newLocation(name, within);
  it('is a bucket of its own, called as it is where that is the name of a bucket', () => {
    assert.deepEqual(newLocation('pvc-1', {}), { bucket: 'pvc-1', prefix: '' });
    assert.match(newLocation('Claim 1', {}).bucket, /^vol-[0-9a-f]{40}$/);
    assert.notEqual(hash('Claim', {}).bucket, hash('claim', {}).bucket);
  });
  it('is a prefix in the bucket of the class, below the one of the class', () => {
    assert.deepEqual(newLocation('pvc-1', { bucket: 'all' }), { bucket: 'all', prefix: 'pvc-1' });
    assert.deepEqual(newLocation('pvc-1', { bucket: 'all', prefix: 'a/b' }), {
      bucket: 'all',
      prefix: 'a/b/pvc-1',
    });
    assert.match(newLocation('../x', { bucket: 'all' }).prefix, /^vol-[0-9a-f]{40}$/);
  });
  it('is always somewhere that its handle leads back to, and nowhere else for another name', () => {
    const names = fc.tuple(
      fc.string({ minLength: 1, maxLength: 128 }),
      fc.string({ minLength: 1, maxLength: 128 }),
    );
    fc.assert(
      fc.property(
        names,
        fc.constantFrom({}, { bucket: 'all' }, { bucket: 'all', prefix: 'a' }),
        ([a, b], within) => {
          const [one, other] = [newLocation(a, within), newLocation(b, within)];
          assert.ok(isBucketName(one.bucket) && (one.prefix === '' || isPrefix(one.prefix)));
          assert.deepEqual(parseVolumeId(volumeIdOf(one)), one);
          assert.equal(volumeIdOf(one) === volumeIdOf(other), a === b);
        },
      ),
    );
  });
});
