import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { finalizerCases } from './cases/finalizers.cases.ts';
import { releaseCases } from './cases/release.cases.ts';
import { newClaim, newVolume } from './fixtures.ts';
import { MemoryWorld } from './memory-world.ts';

const strip = (object: unknown) =>
  JSON.parse(JSON.stringify(object), (key, value) =>
    key === 'resourceVersion' || key === 'message' ? undefined : value,
  );

describe('syncVolume', () => {
  for (const test of [...releaseCases, ...finalizerCases]) {
    const world = () =>
      new MemoryWorld({
        volumes: [newVolume('pv', test.volume)],
        claims: test.claim && [newClaim('claim', test.claim)],
        uncached: test.uncached && [newClaim('claim', test.uncached)],
      });
    const expected = strip(newVolume('pv', test.expect ?? test.volume));

    it(test.name, async () => {
      const one = world();
      await one.syncVolume('pv');
      assert.deepEqual(strip(one.volumes.get('pv')), expected);
      assert.deepEqual(one.messages, test.events ?? []);
      assert.deepEqual(one.wokenClaims, test.wakes ? ['default/claim'] : []);
      one.writes = 0;
      await one.syncVolume('pv');
      assert.equal(one.writes, 0, 'a second sync writes nothing');
    });

    it(`${test.name}: also after a crash at any write`, async () => {
      for (let crashAt = 0; ; crashAt++) {
        const one = world();
        one.crashAt = crashAt;
        const crashed = await one.syncVolume('pv').then(
          () => false,
          () => true,
        );
        if (!crashed) break;
        one.crashAt = Number.POSITIVE_INFINITY;
        await one.syncVolume('pv');
        assert.deepEqual(strip(one.volumes.get('pv')), expected);
      }
    });
  }
});
