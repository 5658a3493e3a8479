import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TimeoutError } from '../../base/index.ts';
import { isNews, MountFailures } from './mount-failures.ts';

describe('volumes that do not come', () => {
  it('are told of once that has lasted a second, and asked for ever more seldom', () => {
    const failures = new MountFailures();
    const first = failures.add(5_000);
    assert.deepEqual([first, failures.last], [20, false]);
    failures.add(5_999);
    assert.equal(failures.last, false);
    assert.ok(failures.add(6_000) > first, 'longer each time');
    assert.equal(failures.last, true);
    failures.forget();
    assert.equal(failures.last, false);
    assert.deepEqual([failures.add(9_000), failures.last], [20, false]);
  });

  it('are no news when only the time is over', () => {
    assert.equal(isNews(new Error('error processing PVC ns/c: PVC is not bound')), true);
    assert.equal(isNews('anything'), true);
    const late = new Error('context deadline exceeded', { cause: new TimeoutError('wait', 123_000) });
    assert.equal(isNews(late), false);
  });
});
