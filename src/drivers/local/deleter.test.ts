import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Client } from '../../client/index.ts';
import { persistentVolumes } from '../../kube/index.ts';
import { deleteReleased } from './deleter.ts';
import { DIR1, MOUNT, MOUNT1, options, released, setPhase, step } from './released.test-support.ts';
import { scene } from './test-support.ts';

describe('what becomes of local volumes', () => {
  for (const [phase, isDeleted] of [
    ['Pending', false],
    ['Available', false],
    ['Bound', false],
    ['Failed', false],
    ['Released', true],
  ] as const)
    it(`that are ${phase}`, async (t) => {
      const s = await scene(t, MOUNT);
      await released(s);
      await setPhase(s, MOUNT1, phase);
      await step(s);
      await step(s);
      assert.deepEqual(await s.names(), isDeleted ? [] : [MOUNT1]);
      assert.deepEqual(
        s.machine.done,
        isDeleted ? [`remove ${DIR1}/mount1/data`, `remove ${DIR1}/mount1/lost+found`] : [],
      );
    });

  it('that are to be kept: nothing', async (t) => {
    const s = await scene(t, MOUNT);
    await released(s, { persistentVolumeReclaimPolicy: 'Retain' });
    await step(s);
    assert.deepEqual([await s.names(), s.machine.done, s.told], [[MOUNT1], [], []]);
  });

  it('that are to be recycled: nothing, and that is told', async (t) => {
    const s = await scene(t, MOUNT);
    await released(s, { persistentVolumeReclaimPolicy: 'Recycle' });
    await step(s);
    assert.deepEqual(
      [await s.names(), s.machine.done, s.told],
      [
        [MOUNT1],
        [],
        [
          `${MOUNT1} Warning VolumeUnsupportedReclaimPolicy Volume has unsupported PersistentVolumeReclaimPolicy: Recycle`,
        ],
      ],
    );
  });

  it('that are being deleted: nothing', async (t) => {
    const s = await scene(t, MOUNT);
    await released(s);
    await s.client.delete(persistentVolumes, { name: MOUNT1 });
    assert.equal((await s.volumes()).length, 1, 'its finalizer is there');
    await step(s);
    assert.deepEqual(s.machine.done, []);
  });

  it('that the cache takes for given back, and somebody has taken again: nothing', async (t) => {
    const s = await scene(t, MOUNT);
    await released(s);
    const before = await s.round();
    await setPhase(s, MOUNT1, 'Bound');
    await deleteReleased(before, options);
    await s.processes.settled();
    assert.deepEqual([await s.names(), s.machine.done], [[MOUNT1], []]);
  });

  it('that could not be deleted: deleted later, and not wiped twice', async (t) => {
    const s = await scene(t, MOUNT);
    await released(s);
    await step(s);
    const failing = {
      ...s.client,
      get: s.client.get.bind(s.client),
      delete: async () => {
        throw new Error('API failed');
      },
    } as unknown as Client;
    await step(s, {}, failing);
    assert.deepEqual(await s.names(), [MOUNT1]);
    assert.deepEqual(s.told, [
      `${MOUNT1} Warning VolumeFailedDelete Error cleaning PV "${MOUNT1}": Error deleting PV "${MOUNT1}": API failed`,
    ]);
    await step(s);
    assert.deepEqual([await s.names(), s.machine.done.length], [[], 2]);
  });

  it('whose class is not configured any more: nothing, and that is told', async (t) => {
    const s = await scene(t, MOUNT);
    await released(s);
    const round = await s.round();
    await deleteReleased({ ...round, config: { ...round.config, storageClassMap: {} } }, options);
    assert.deepEqual(s.told, [
      `${MOUNT1} Warning VolumeFailedDelete Error cleaning PV "${MOUNT1}": Unknown storage class name sc1`,
    ]);
    assert.deepEqual(s.machine.done, []);
  });

  it('that lie outside of their directory: nothing, whoever says they are ours', async (t) => {
    const s = await scene(t, { ...MOUNT, '/etc/passwd': { is: 'file' } });
    await released(s);
    const round = await s.round();
    const [volume] = round.own;
    const moved = { ...volume!, spec: { ...volume!.spec, local: { path: '/mnt/disks/dir1/../../../etc' } } };
    await deleteReleased({ ...round, own: [moved] }, options);
    await s.processes.settled();
    assert.deepEqual(s.machine.done, []);
    assert.match(s.told[0]!, /Unexpected error pv "local-pv-aaaafef5" mountPath \/etc but mount dir is/);
  });
});

describe('wiping that fails', () => {
  it('is told, left for a period, and done again', async (t) => {
    const s = await scene(t, MOUNT);
    await released(s);
    s.machine.removeTree = async (path) => {
      if (path.endsWith('data')) throw new Error('remove data: EIO');
    };
    await step(s);
    assert.deepEqual(s.told, [
      `${MOUNT1} Warning VolumeFailedDelete Error cleaning PV "${MOUNT1}": remove data: EIO`,
    ]);
    assert.deepEqual(s.machine.done, [`remove ${DIR1}/mount1/lost+found`], 'the rest is gone');
    s.machine.removeTree = async () => {};
    await step(s, { retry: { initialMs: 3_600_000, maxMs: 3_600_000 } });
    assert.equal(s.machine.done.length, 1, 'not yet');
    await step(s);
    await step(s);
    assert.deepEqual(await s.names(), []);
    assert.deepEqual(s.processes.counts(), { running: 0, succeeded: 1, failed: 1 });
  });
});
