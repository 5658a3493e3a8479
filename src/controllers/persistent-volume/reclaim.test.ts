import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ControlPlugin } from '../../volume/index.ts';
import { type ReclaimCase, reclaimCases, recycle } from './cases/reclaim.cases.ts';
import { newClaim, newVolume } from './fixtures.ts';
import { MemoryWorld } from './memory-world.ts';

function worldOf(test: ReclaimCase): { world: MemoryWorld; calls: () => number } {
  let calls = 0;
  const work = async () => {
    const outcome = test.outcomes?.[calls];
    calls++;
    if (outcome) throw outcome;
  };
  const plugin: ControlPlugin = {
    name: 'example',
    canSupport: () => true,
    deleter: { delete: work },
    recycler: {
      source() {
        if (test.sourceError) throw new Error(test.sourceError);
        return { hostPath: { path: '/data' } };
      },
      minimumTimeoutSeconds: 60,
      timeoutSecondsPerGi: 30,
    },
  };
  const world = new MemoryWorld({
    volumes: [newVolume('pv', test.volume)],
    claims: test.claim && [newClaim('claim', test.claim)],
    pods: test.pods,
    plugins: [plugin],
    runRecycler: work,
  });
  const { meanwhile } = test;
  if (meanwhile !== undefined) {
    world.liveVolume = async () => {
      if (meanwhile) world.volumes.set('pv', newVolume('pv', meanwhile));
      else world.volumes.delete('pv');
      return world.volumes.get('pv');
    };
  }
  return { world, calls: () => calls };
}

const strip = (object: unknown) =>
  object &&
  JSON.parse(JSON.stringify(object), (key, value) =>
    key === 'resourceVersion' || key === 'message' ? undefined : value,
  );

describe('reclaiming by a plugin', () => {
  for (const test of reclaimCases) {
    const expected = test.expect ? strip(newVolume('pv', test.expect)) : undefined;
    it(test.name, async () => {
      const { world, calls } = worldOf(test);
      await world.syncVolume('pv');
      assert.deepEqual(strip(world.volumes.get('pv')), expected);
      assert.deepEqual(world.messages, test.events ?? []);
      assert.equal(calls(), test.calls ?? 1);
    });

    it(`${test.name}: also after a crash at any write`, async () => {
      if (test.meanwhile !== undefined || test.outcomes || test.sourceError) return;
      for (let crashAt = 0; ; crashAt++) {
        const { world } = worldOf(test);
        world.crashAt = crashAt;
        await world.syncVolume('pv').catch(() => undefined);
        if (!world.hasCrashed) break;
        world.crashAt = Number.POSITIVE_INFINITY;
        if (world.volumes.has('pv')) await world.syncVolume('pv');
        assert.deepEqual(strip(world.volumes.get('pv')), expected, `crash at write ${crashAt}`);
      }
    });
  }

  it('scrubs with a pod of the volume, for as long as its size deserves', async () => {
    for (const [size, seconds] of [
      ['500M', 60],
      ['2Gi', 60],
      ['150Gi', 4500],
    ] as const) {
      const { world } = worldOf({ name: '', volume: { ...recycle, size }, expect: null });
      await world.syncVolume('pv');
      const { metadata, spec } = world.recyclers[0]!;
      assert.deepEqual(metadata, { namespace: 'default', name: 'recycler-for-pv' });
      assert.equal(spec?.activeDeadlineSeconds, seconds);
      assert.equal(spec?.restartPolicy, 'Never');
      assert.deepEqual(spec?.volumes, [{ name: 'vol', hostPath: { path: '/data' } }]);
      assert.deepEqual(spec?.containers[0]?.volumeMounts, [{ name: 'vol', mountPath: '/scrub' }]);
    }
  });
});
