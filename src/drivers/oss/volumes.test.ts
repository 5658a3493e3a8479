import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '../../base/index.ts';
import { Code, CsiStatus } from '../../csi/index.ts';
import type { Location } from './location.ts';
import { type ObjectStore, startObjectStore } from './object-store.test-support.ts';
import { recordKey } from './record.ts';
import { S3 } from './s3/index.ts';
import { Volumes } from './volumes.ts';

const record = { name: 'pvc-1', capacityBytes: '5', context: { mounter: 's3fs' } };
const own: Location = { bucket: 'pvc-1', prefix: '' };
const shared: Location = { bucket: 'all', prefix: 'team/pvc-1' };

const withCode = (code: Code, words: RegExp) => (error: unknown) =>
  error instanceof CsiStatus && error.code === code && words.test(error.details);

describe('volumes in an object store', () => {
  let store: ObjectStore;
  let volumes: Volumes;
  before(async () => {
    store = await startObjectStore();
    volumes = new Volumes(store.s3);
  });
  after(() => store?.close());

  it('one in a bucket of its own is the bucket', async () => {
    assert.equal(await volumes.exists(own), false);
    assert.equal(await volumes.create(own, record), undefined);
    assert.deepEqual(await store.keys('pvc-1'), ['.stowage.json']);
    assert.equal(await volumes.exists(own), true);
    assert.deepEqual(await volumes.create(own, record), record);
    await store.s3.write('pvc-1', 'a/b', 'x', 'text/plain');
    await volumes.delete(own);
    assert.equal(await store.keys('pvc-1'), undefined);
    assert.equal(await volumes.exists(own), false);
    await volumes.delete(own);
  });

  it('one in a bucket with others is a prefix; the bucket, and the others, stay', async () => {
    await volumes.create(shared, record);
    const other = { bucket: 'all', prefix: 'team/pvc-10' };
    await volumes.create(other, { ...record, name: 'pvc-10' });
    assert.deepEqual(await store.keys('all'), [
      ...['.stowage/team/pvc-1.json', '.stowage/team/pvc-10.json', 'team/pvc-1/', 'team/pvc-10/'],
    ]);
    await store.s3.write('all', 'team/pvc-1/file', 'x', 'text/plain');
    await store.s3.write('all', 'team/pvc-10/file', 'x', 'text/plain');
    await volumes.delete(shared);
    assert.deepEqual(await store.keys('all'), [
      '.stowage/team/pvc-10.json',
      'team/pvc-10/',
      'team/pvc-10/file',
    ]);
    assert.equal(await volumes.exists(shared), false);
    assert.equal(await volumes.exists(other), true);
    await volumes.delete(shared);
    await volumes.delete(other);
    assert.deepEqual(await store.keys('all'), []);
  });

  it('two that are made at once in a bucket that is not there yet both come into it', async () => {
    // Both have asked whether it is there before either makes it.
    const asked = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
    const makes = asked.map(({ resolve }, index) => {
      const together: typeof fetch = async (input, init) => {
        if ((init?.method ?? (input as Request).method) === 'PUT') {
          resolve();
          await Promise.all(asked.map(({ promise }) => promise));
        }
        return fetch(input, init);
      };
      const s3 = new S3(store.account, { fetch: together, clock: systemClock });
      const name = `pvc-${index}`;
      return new Volumes(s3).create({ bucket: 'new', prefix: name }, { ...record, name });
    });
    assert.deepEqual(await Promise.all(makes), [undefined, undefined]);
    assert.deepEqual(await store.keys('new'), [
      ...['.stowage/pvc-0.json', '.stowage/pvc-1.json', 'pvc-0/', 'pvc-1/'],
    ]);
  });

  it('one whose pod has removed everything, its directory too, is still there', async () => {
    await volumes.create(shared, record);
    await store.s3.delete('all', ['team/pvc-1/']);
    assert.equal(await volumes.exists(shared), true);
    assert.deepEqual(await volumes.create(shared, record), record);
    assert.deepEqual(await store.keys('all'), ['.stowage/team/pvc-1.json', 'team/pvc-1/']);
    await volumes.delete(shared);
  });

  it('one of more objects than a request can name is deleted all the same', async () => {
    await volumes.create(own, record);
    // What a list gives at once, is asked for a page at a time here.
    const paged = new Volumes(
      Object.assign(Object.create(store.s3) as S3, {
        list: (bucket: string, prefix: string, limit = 3) =>
          store.s3.list(bucket, prefix, Math.min(limit, 3)),
        delete: (bucket: string, keys: readonly string[]) => store.s3.delete(bucket, keys),
        read: (bucket: string, key: string) => store.s3.read(bucket, key),
        deleteBucket: (bucket: string) => store.s3.deleteBucket(bucket),
      }),
    );
    for (let index = 0; index < 10; index++) await store.s3.write('pvc-1', `f${index}`, '', 'text/plain');
    await paged.delete(own);
    assert.equal(await store.keys('pvc-1'), undefined);
  });

  for (const [what, location] of [
    ['a bucket', { bucket: 'foreign', prefix: '' }],
    ['a prefix', { bucket: 'foreign', prefix: 'team' }],
  ] as const) {
    it(`${what} that somebody else has filled is neither taken nor deleted`, async () => {
      await store.s3.createBucket('foreign').catch(() => undefined);
      await store.s3.write('foreign', 'team/precious', 'x', 'text/plain');
      await assert.rejects(
        volumes.create(location, record),
        withCode(Code.ALREADY_EXISTS, /was not made by this driver/),
      );
      await assert.rejects(volumes.delete(location), withCode(Code.FAILED_PRECONDITION, /is left as it is/));
      assert.deepEqual(await store.keys('foreign'), ['team/precious']);
      assert.equal(await volumes.exists(location), true);
    });
  }

  it('a record that a pod has overwritten is one still: of nothing in particular', async () => {
    await volumes.create(own, record);
    await store.s3.write('pvc-1', recordKey(own), '{"name":1}', 'text/plain');
    assert.deepEqual(await volumes.record(own), {});
    await volumes.delete(own);
    assert.equal(await store.keys('pvc-1'), undefined);
  });
});

describe('a driver that dies, or whose requests fail, at any request', () => {
  let store: ObjectStore;
  before(async () => {
    store = await startObjectStore();
  });
  after(() => store?.close());

  /** Lets so many requests through. The next does nothing, or is done but its answer is lost; all later ones do nothing. */
  function failingAfter(count: number, isDone: boolean): { volumes: Volumes; failed: () => boolean } {
    let sent = 0;
    const limited: typeof fetch = async (input, init) => {
      if (sent++ < count) return fetch(input, init);
      if (sent === count + 1 && isDone) await (await fetch(input, init)).text();
      throw new TypeError('fetch failed');
    };
    const s3 = new S3(store.account, { fetch: limited, clock: systemClock });
    return { volumes: new Volumes(s3), failed: () => sent > count };
  }

  for (const [what, location] of Object.entries({ own, shared })) {
    it(`leaves nothing that the same call does not finish (${what})`, async () => {
      const whole = new Volumes(store.s3);
      let steps = 0;
      for (const isDone of [false, true]) {
        for (let count = 0; ; count++) {
          const { volumes, failed } = failingAfter(count, isDone);
          await volumes.create(location, record).catch(() => undefined);
          await whole.create(location, record);
          assert.deepEqual(await whole.record(location), record);
          await store.s3.write(
            location.bucket,
            location.prefix === '' ? 'f' : `${location.prefix}/f`,
            'x',
            'text/plain',
          );
          const ending = failingAfter(count, isDone);
          await ending.volumes.delete(location).catch(() => undefined);
          await whole.delete(location);
          assert.deepEqual(await store.keys(location.bucket), location === own ? undefined : []);
          if (!failed() && !ending.failed()) break;
          steps++;
        }
      }
      assert.ok(steps > 8, `${steps} steps`);
    });
  }
});
