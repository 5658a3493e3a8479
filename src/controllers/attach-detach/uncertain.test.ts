import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ActualStateOfWorld } from './actual-state-of-world.ts';

it('a volume that is as uncertain as before is no news: nothing is tried again at once', () => {
  let news = 0;
  const actual = new ActualStateOfWorld(() => news++);
  actual.markAttached('csi/disk^v', undefined, 'node-1', '');
  const before = news;
  actual.markUncertain('csi/disk^v', undefined, 'node-1');
  assert.equal(news, before + 1);
  actual.markUncertain('csi/disk^v', undefined, 'node-1');
  assert.equal(news, before + 1);
  actual.markAttached('csi/disk^v', undefined, 'node-1', '');
  assert.equal(actual.state('csi/disk^v', 'node-1'), 'attached');
  assert.ok(news > before + 1);
});
