import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Lister } from '../../client/index.ts';
import type { PersistentVolume, Stored } from '../../kube/index.ts';
import { newVolume } from './fixtures.ts';
import { Latest } from './latest.ts';

const at = (resourceVersion: string, uid = 'u'): Stored<PersistentVolume> => {
  const volume = newVolume('pv');
  return { ...volume, metadata: { ...volume.metadata, uid, resourceVersion } };
};

describe('Latest', () => {
  const table: [
    string,
    Stored<PersistentVolume>,
    Stored<PersistentVolume> | undefined,
    string | undefined,
  ][] = [
    ['what was written, until the cache has it', at('10'), at('9'), '10'],
    ['what the cache has when it is as new', at('10'), at('10'), '10'],
    ['what the cache has when it is newer', at('10'), at('11'), '11'],
    ['nothing when the object is gone', at('10'), undefined, undefined],
    ['the successor of an object that is gone', at('10'), at('9', 'other'), '9'],
    ['what the cache has when versions cannot be compared', at('b'), at('a'), 'a'],
  ];
  for (const [name, written, cached, expected] of table) {
    it(`is ${name}`, () => {
      const lister = { byKey: () => cached } as unknown as Lister<Stored<PersistentVolume>>;
      const latest = new Latest<PersistentVolume>(lister);
      latest.wrote(written);
      assert.equal(latest.byKey('pv')?.metadata.resourceVersion, expected);
    });
  }
});
