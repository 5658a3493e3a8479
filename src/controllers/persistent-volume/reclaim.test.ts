import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Pod } from '../../kube/index.ts';
import { type ControlPlugin, VolumeInUseError } from '../../volume/index.ts';
import { type ClaimFixture, newClaim, newVolume, type VolumeFixture } from './fixtures.ts';
import { MemoryWorld } from './memory-world.ts';

const mine = { name: 'claim', uid: 'uid-claim' };
const inTree = { 'pv.kubernetes.io/provisioned-by': 'example' };
const recycle = { phase: 'Bound', claim: mine, policy: 'Recycle' };
const remove = { phase: 'Bound', claim: mine, policy: 'Delete' };
const pod = (phase: string): Pod => ({
  metadata: { name: 'user', namespace: 'default' },
  spec: { containers: [], volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'claim' } }] },
  status: { phase },
});

interface Case {
  readonly name: string;
  readonly volume: VolumeFixture;
  readonly claim?: ClaimFixture;
  readonly pods?: readonly Pod[];
  /** What deleting or recycling comes to, call by call. @default it goes well */
  readonly outcomes?: readonly (Error | undefined)[];
  /** What becomes of the volume between the decision and the operation; null: it is deleted. */
  readonly meanwhile?: VolumeFixture | null;
  /** `null`: it is gone. */
  readonly expect: VolumeFixture | null;
  readonly events?: readonly string[];
  /** How often the plugin was called. @default 1 */
  readonly calls?: number;
}

/** The cases of upstream's recycle_test and delete_test that have a plugin, under upstream's numbers. */
const cases: readonly Case[] = [
  {
    name: '6-1 a scrubbed volume is Available',
    volume: { ...recycle, boundByController: true },
    expect: { policy: 'Recycle' },
    events: ['VolumeRecycled: Volume recycled'],
  },
  {
    name: '6-2 a scrubbed volume that its maker reserved stays reserved',
    volume: recycle,
    expect: { policy: 'Recycle', claim: { name: 'claim' } },
    events: ['VolumeRecycled: Volume recycled'],
  },
  {
    name: '6-5 a volume that cannot be scrubbed is Failed',
    volume: recycle,
    outcomes: [new Error('failed to recycle volume: no')],
    expect: { ...recycle, phase: 'Failed' },
    events: ['VolumeFailedRecycle: Recycle failed: failed to recycle volume: no'],
  },
  {
    name: '6-6 a volume that went meanwhile is not scrubbed',
    volume: recycle,
    meanwhile: null,
    expect: null,
    calls: 0,
  },
  {
    name: '6-7 a volume that is free meanwhile is not scrubbed',
    volume: { ...recycle, boundByController: true },
    meanwhile: { policy: 'Recycle' },
    expect: { policy: 'Recycle' },
    calls: 0,
  },
  {
    name: '6-8 a reserved volume that is free meanwhile is not scrubbed',
    volume: recycle,
    meanwhile: { policy: 'Recycle', claim: { name: 'claim' } },
    expect: { policy: 'Recycle', claim: { name: 'claim' } },
    calls: 0,
  },
  {
    name: '6-9 a volume whose claim was made anew is scrubbed',
    volume: recycle,
    claim: { uid: 'younger', size: '10Gi' },
    expect: { policy: 'Recycle', claim: { name: 'claim' } },
    events: ['VolumeRecycled: Volume recycled'],
  },
  ...['Running', 'Pending'].map((phase, index) => ({
    name: `6-${11 + index} a volume that a ${phase} pod names waits for it`,
    volume: { ...recycle, boundByController: true },
    pods: [pod(phase)],
    expect: { ...recycle, phase: 'Released', boundByController: true },
    events: ['VolumeFailedRecycle: Volume is used by pods: default/user'],
    calls: 0,
  })),
  {
    name: '6-13 a pod that is done holds nothing up',
    volume: { ...recycle, boundByController: true },
    pods: [pod('Succeeded')],
    expect: { policy: 'Recycle' },
    events: ['VolumeRecycled: Volume recycled'],
  },
  {
    name: '6-14 nor does a pod of the claim that took the name',
    volume: { ...recycle, boundByController: true },
    claim: { uid: 'younger', phase: 'Bound', volumeName: 'other' },
    pods: [pod('Running')],
    expect: { policy: 'Recycle' },
    events: ['VolumeRecycled: Volume recycled'],
  },
  {
    name: '7-1 a Failed volume is tried again',
    volume: { ...recycle, phase: 'Failed' },
    expect: { policy: 'Recycle', claim: { name: 'claim' } },
    events: ['VolumeRecycled: Volume recycled'],
  },
  { name: '8-1 a deleted volume is gone', volume: { ...remove, boundByController: true }, expect: null },
  { name: '8-2 so is one that its maker reserved', volume: remove, expect: null },
  {
    name: '8-5 a volume that cannot be deleted is Failed',
    volume: remove,
    outcomes: [new Error('no')],
    expect: { ...remove, phase: 'Failed' },
    events: ['VolumeFailedDelete: no'],
  },
  {
    name: 'a volume that is in use waits, and does not fail',
    volume: remove,
    outcomes: [new VolumeInUseError('wait')],
    expect: { ...remove, phase: 'Released' },
    events: ['VolumeDelete: wait'],
  },
  { name: '8-6 a volume that went meanwhile', volume: remove, meanwhile: null, expect: null, calls: 0 },
  {
    name: '8-7 a volume that is bound meanwhile is not deleted',
    volume: remove,
    claim: { uid: 'younger' },
    meanwhile: { ...remove, claim: { name: 'claim', uid: 'younger' } },
    expect: { ...remove, claim: { name: 'claim', uid: 'younger' } },
    calls: 0,
  },
  {
    name: '8-9 a volume whose claim was made anew is deleted',
    volume: remove,
    claim: { uid: 'younger', size: '10Gi' },
    expect: null,
  },
  {
    name: '8-11 the second volume made for a claim is deleted',
    volume: { ...remove, annotations: inTree },
    claim: { phase: 'Bound', volumeName: 'other', bindCompleted: true },
    expect: null,
  },
  {
    name: '8-13 a volume that is being deleted is let go once its data is deleted',
    volume: { ...remove, annotations: inTree, finalizers: ['kubernetes.io/pv-controller'], deleting: true },
    expect: null,
  },
  {
    name: 'a finalizer of others stays',
    volume: {
      ...remove,
      annotations: inTree,
      finalizers: ['kubernetes.io/pv-controller', 'example.com/keep'],
    },
    expect: {
      ...remove,
      phase: 'Released',
      annotations: inTree,
      finalizers: ['example.com/keep'],
      deleting: true,
    },
  },
  {
    name: '9-1 a Failed volume is tried again',
    volume: { ...remove, phase: 'Failed' },
    expect: null,
  },
];

function worldOf(test: Case): { world: MemoryWorld; calls: () => number } {
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
      source: () => ({ hostPath: { path: '/data' } }),
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
  for (const test of cases) {
    const expected = test.expect ? strip(newVolume('pv', test.expect)) : undefined;
    it(test.name, async () => {
      const { world, calls } = worldOf(test);
      await world.syncVolume('pv');
      assert.deepEqual(strip(world.volumes.get('pv')), expected);
      assert.deepEqual(world.messages, test.events ?? []);
      assert.equal(calls(), test.calls ?? 1);
    });

    it(`${test.name}: also after a crash at any write`, async () => {
      if (test.meanwhile !== undefined || test.outcomes) return;
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
