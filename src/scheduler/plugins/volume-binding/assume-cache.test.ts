import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Informer, InformerHandler } from '../../../client/index.ts';
import type { PersistentVolume, Stored } from '../../../kube/index.ts';
import { newVolume } from '../../fixtures.ts';
import { AssumeCache } from './assume-cache.ts';

type Volume = Stored<PersistentVolume>;

const version = (resourceVersion: string, phase = 'Available'): Volume => {
  const volume = newVolume('v', { phase });
  return { ...volume, metadata: { ...volume.metadata, resourceVersion } };
};

function setUp(first: Volume) {
  let current: Volume | undefined = first;
  const handlers: InformerHandler<Volume>[] = [];
  const informer = {
    byKey: () => current,
    byIndex: () => (current ? [current] : []),
    on: (handler: InformerHandler<Volume>) => {
      handlers.push(handler);
      return () => undefined;
    },
  } as unknown as Informer<PersistentVolume>;
  const cache = new AssumeCache(informer);
  cache.follow();
  const arrives = (next: Volume | undefined) => {
    const before = current!;
    current = next;
    for (const handler of handlers) {
      if (next) handler.updated?.(next, before);
      else handler.deleted?.(before);
    }
  };
  const phase = () => cache.get('v')?.status?.phase;
  return { cache, arrives, phase };
}

describe('AssumeCache', () => {
  it('gives the assumed version until a newer one arrives', () => {
    const { cache, arrives, phase } = setUp(version('5'));
    cache.assume(version('5', 'Assumed'));
    assert.equal(phase(), 'Assumed');
    assert.equal(cache.byIndex('any', 'value')[0]?.status?.phase, 'Assumed');
    assert.equal(cache.fromServer('v')?.status?.phase, 'Available');
    arrives(version('5'));
    assert.equal(phase(), 'Assumed', 'the same version again is no news');
    arrives(version('6', 'Bound'));
    assert.equal(phase(), 'Bound');
  });

  it('assumes nothing that was made from another version', () => {
    const { cache, arrives } = setUp(version('5'));
    assert.throws(() => cache.assume(version('4')), { message: '"v" is out of sync (stored: 5, assume: 4)' });
    arrives(undefined);
    assert.throws(() => cache.assume(version('5')), {
      message: '"v" is out of sync (stored: none, assume: 5)',
    });
  });

  it('restores what the server has, unless the assumption is another one by now', () => {
    const { cache, arrives, phase } = setUp(version('5'));
    const first = version('5', 'First');
    cache.assume(first);
    cache.restore(first);
    assert.equal(phase(), 'Available');
    cache.assume(first);
    arrives(version('6'));
    cache.assume(version('6', 'Second'));
    cache.restore(first);
    assert.equal(phase(), 'Second');
  });

  it('knows nothing of an object that is gone', () => {
    const { cache, arrives, phase } = setUp(version('5'));
    cache.assume(version('5', 'Assumed'));
    arrives(undefined);
    assert.equal(phase(), undefined);
  });
});
