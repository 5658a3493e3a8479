import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type PersistentVolumeClaim, persistentVolumeClaims, type Stored } from '../../../kube/index.ts';
import { newClaim } from '../../fixtures.ts';
import { AssumeCache } from '../volume-binding/assume-cache.ts';
import * as f from './binder.fixtures.ts';
import { FakeCluster } from './fake-cluster.test-support.ts';

// volumebinding/passive_assume_cache_test.go under its names.

type Claim = Stored<PersistentVolumeClaim>;

const INDEX = 'test';
const claim = (name: string, version: string, indexed = ''): Claim =>
  f.atVersion(version, newClaim(name, { annotations: { test: indexed } }));

function setUp(...objects: readonly Claim[]) {
  const fake = new FakeCluster();
  const informer = fake.informers.of(persistentVolumeClaims);
  informer.addIndex(INDEX, ({ metadata }) => [metadata.annotations?.test ?? '']);
  const cache = new AssumeCache(informer);
  cache.follow();
  const put = (...given: readonly Claim[]) => fake.put(persistentVolumeClaims, ...given);
  put(...objects);
  return { cache, put, remove: (object: Claim) => fake.remove(persistentVolumeClaims, object) };
}

describe('the assume cache', () => {
  it('TestBasicCache', () => {
    const { cache, put, remove } = setUp();
    assert.equal(cache.get('default/nothere'), undefined);
    const all = Array.from({ length: 10 }, (_, index) => claim(`test-${index}`, '1'));
    put(...all);
    assert.deepEqual(cache.byIndex(INDEX, ''), all);
    all[3] = claim('test-3', '1');
    put(all[3]);
    assert.ok(cache.byIndex(INDEX, '').includes(all[3]));
    const [gone] = all.splice(7, 1);
    remove(gone!);
    assert.deepEqual(cache.byIndex(INDEX, ''), all);
  });

  it('TestPVCacheWithIndex', () => {
    const { cache, put, remove } = setUp();
    const [first, second] = ['test1', 'test2'].map((indexed) =>
      Array.from({ length: 10 }, (_, index) => claim(`${indexed}-${index}`, '1', indexed)),
    ) as [Claim[], Claim[]];
    put(...first, ...second);
    first[3] = claim('test1-3', '2', 'test1');
    put(first[3]);
    const [gone] = first.splice(7, 1);
    remove(gone!);
    assert.deepEqual(cache.byIndex(INDEX, 'test1'), first);
    assert.deepEqual(cache.byIndex(INDEX, 'test2'), second);
  });

  const assume: readonly (readonly [string, old: Claim, next: Claim, succeeds: boolean])[] = [
    ['success-same-version', claim('pvc1', '5'), claim('pvc1', '5'), true],
    ['fail-new-higher-version', claim('pvc1', '5'), claim('pvc1', '6'), false],
    ['fail-old-not-found', claim('pvc2', '5'), claim('pvc1', '5'), false],
    ['fail-new-lower-version', claim('pvc1', '5'), claim('pvc1', '4'), false],
    ['fail-new-bad-version', claim('pvc1', '5'), claim('pvc1', 'a'), false],
    ['fail-old-bad-version', claim('pvc1', 'a'), claim('pvc1', '5'), false],
  ];
  for (const [name, old, next, succeeds] of assume) {
    it(`TestAssume, ${name}`, () => {
      const { cache } = setUp(old);
      if (succeeds) cache.assume(next);
      else assert.throws(() => cache.assume(next), /out of sync/);
      assert.equal(cache.get(`default/${old.metadata.name}`), succeeds ? next : old);
    });
  }

  it('TestRestore', () => {
    const [old, next] = [claim('pvc1', '5'), claim('pvc1', '5')];
    const { cache } = setUp();
    cache.restore(claim('nothere', '1'));
    const { cache: filled } = setUp(old);
    filled.restore(old);
    assert.equal(filled.get('default/pvc1'), old);
    filled.assume(next);
    assert.equal(filled.get('default/pvc1'), next);
    filled.restore(next);
    assert.equal(filled.get('default/pvc1'), old);
  });

  it('TestConcurrentAssume', () => {
    const { cache, put } = setUp(claim('pvc1', '5'));
    const first = claim('pvc1', '5');
    cache.assume(first);
    put(claim('pvc1', '7'));
    const second = claim('pvc1', '7');
    cache.assume(second);
    // The write of the first was refused.
    cache.restore(first);
    assert.equal(cache.get('default/pvc1'), second);
  });

  it('TestAssumeUpdateCache', () => {
    const old = claim('test-pvc0', '1');
    const { cache, put } = setUp(old);
    const next = f.selected(old, 'test-node');
    cache.assume(next);
    put(old);
    assert.equal(cache.get('default/test-pvc0'), next);
  });
});
