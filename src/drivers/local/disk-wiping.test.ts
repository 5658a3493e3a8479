import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { jobs, type PersistentVolume, persistentVolumes } from '../../kube/index.ts';
import { deleteReleased } from './deleter.ts';
import { discover } from './discoverer.ts';
import { block, DIR2, DISK, DISK1, MOUNT, mount, options, released, step } from './released.test-support.ts';
import { CONFIG, type Entry, scene } from './test-support.ts';

describe('disks', () => {
  const withCommand = (...blockCleanerCommand: string[]) => ({
    ...CONFIG,
    storageClassMap: {
      ...CONFIG.storageClassMap,
      sc2: { ...CONFIG.storageClassMap.sc2, blockCleanerCommand },
    },
  });

  it('are wiped by the command of their class, and deleted', async (t) => {
    const s = await scene(t, DISK, withCommand('/opt/wipe', '--now'));
    await released(s);
    const wiped: number[] = [];
    await step(s, { again: (afterMs: number) => wiped.push(afterMs) });
    assert.deepEqual(s.machine.done, [`/opt/wipe --now on ${DIR2}/symlink1`]);
    assert.deepEqual(s.told, [
      `${DISK1} Normal VolumeDelete Starting cleanup of Block PV "${DISK1}", this may take a while`,
    ]);
    assert.deepEqual([await s.names(), wiped], [[DISK1], [0]]);
    await step(s);
    assert.deepEqual(await s.names(), []);
    const text = s.metrics.text();
    assert.match(
      text,
      /^local_volume_provisioner_persistentvolume_delete_total\{mode="Block",type="process"\} 1$/m,
    );
    assert.match(text, /delete_duration_seconds_count\{.*capacity="500G",cleanup_command="\/opt\/wipe"\} 1/);
    assert.match(text, /^local_volume_provisioner_persistentvolume_discovery_total\{mode="Block"\} 1$/m);
  });

  it('are not deleted when it fails', async (t) => {
    const s = await scene(t, DISK, withCommand('/opt/wipe'));
    await released(s);
    s.machine.exec = async () => ({ exitCode: 10, stdout: 'so far\n', stderr: 'one\nno such disk\n' });
    await step(s);
    await step(s);
    assert.equal(s.machine.done.length, 2, 'tried again');
    assert.deepEqual(await s.names(), [DISK1]);
    assert.match(
      s.told[1]!,
      /Error cleaning PV "local-pv-55d5adba": \/opt\/wipe on .*: exit status 10: no such disk$/,
    );
    assert.match(s.metrics.text(), /delete_failed_total\{mode="Block",type="process"\} 2/);
  });

  it('are not touched while something has them mounted', async (t) => {
    const s = await scene(t, DISK, withCommand('/opt/wipe'));
    await released(s);
    const path = `${DIR2}/symlink1`;
    s.machine.entries.set(path, { ...block, rdev: '7:1' }).set('/global', { ...mount, device: '7:1' });
    const again: number[] = [];
    const retry = { initialMs: 40, maxMs: 1000 };
    await step(s, { retry, again: (afterMs) => again.push(afterMs) });
    assert.deepEqual([s.machine.done, again], [[], [40]]);
    assert.match(s.told.at(-1)!, /\/symlink1 is still mounted at \/global$/);
    s.machine.entries.delete('/global');
    await step(s);
    assert.equal(s.machine.done.length, 1);
  });

  it('are wiped once at a time', async (t) => {
    const s = await scene(t, DISK, withCommand('/opt/wipe'));
    await released(s);
    const running = Promise.withResolvers<void>();
    s.machine.exec = async () => {
      await running.promise;
      return { exitCode: 0, stdout: '', stderr: '' };
    };
    for (let times = 0; times < 2; times++) await deleteReleased(await s.round(), options);
    running.resolve();
    await s.processes.settled();
    assert.equal(s.machine.done.length, 1);
  });

  it("are wiped by a script of ours where the machine lacks upstream's", async (t) => {
    for (const present of [false, true]) {
      const program: Record<string, Entry> = present ? { '/scripts/shred.sh': { is: 'file' } } : {};
      const s = await scene(t, { ...DISK, ...program }, withCommand('/scripts/shred.sh', '2'));
      await released(s);
      await step(s);
      const [done] = s.machine.done;
      if (present) assert.equal(done, `/scripts/shred.sh 2 on ${DIR2}/symlink1`);
      else assert.match(done!, /^\/bin\/sh -c .*shred -vzf.* \/scripts\/shred\.sh 2 on /s);
    }
  });

  it('that are a directory now are left alone', async (t) => {
    const s = await scene(t, DISK);
    await released(s);
    s.machine.entries.set(`${DIR2}/symlink1`, { is: 'directory' });
    await step(s);
    assert.deepEqual([await s.names(), s.machine.done], [[DISK1], []]);
    assert.match(s.told[0]!, /is a directory, and the volume a block device$/);
  });
});

describe('disks that Jobs wipe', () => {
  const BY_JOB = { ...CONFIG, useJobForCleaning: true, jobTolerations: [{ operator: 'Exists' }] };
  const job = { namespace: 'default', name: `cleanup-${DISK1}` };

  it('have a Job of their name, are deleted when it has succeeded, and offered again', async (t) => {
    const s = await scene(t, DISK, BY_JOB);
    await released(s);
    for (let times = 0; times < 2; times++) await step(s);
    const made = await s.client.get(jobs, job);
    const [volume] = (await s.volumes()) as [PersistentVolume];
    assert.deepEqual(made.metadata.labels, {
      'kubernetes.io/hostname': 'test-node',
      pv: DISK1,
      pvuuid: volume.metadata?.uid,
    });
    assert.equal(made.metadata.annotations?.device, `${DIR2}/symlink1`);
    const { containers, volumes, nodeSelector, tolerations, restartPolicy } = made.spec!.template.spec!;
    const [cleaner] = containers;
    assert.deepEqual(
      [cleaner?.name, cleaner?.image, cleaner?.command, cleaner?.env, cleaner?.securityContext],
      [
        'cleaner',
        'cleaner:1',
        ['/scripts/quick_reset.sh'],
        [{ name: 'LOCAL_PV_BLKDEVICE', value: `${DIR2}/symlink1` }],
        { privileged: true },
      ],
    );
    assert.deepEqual(
      cleaner?.volumeMounts?.map(({ mountPath }) => mountPath),
      [DIR2, '/dev'],
    );
    assert.deepEqual(
      volumes?.map(({ hostPath }) => hostPath?.path),
      ['/mnt/disks/dir2', '/dev'],
    );
    assert.deepEqual(
      [nodeSelector, tolerations, restartPolicy],
      [{ 'kubernetes.io/hostname': 'test-node' }, [{ operator: 'Exists' }], 'OnFailure'],
    );
    assert.deepEqual([s.told, await s.names()], [[], [DISK1]]);
    await s.client.patch(
      jobs,
      job,
      { type: 'merge', body: { status: { succeeded: 1 } } },
      { subresource: 'status' },
    );
    await step(s);
    assert.deepEqual(await s.names(), []);
    assert.match(s.metrics.text(), /persistentvolume_delete_total\{mode="Block",type="job"\} 1/);
    const gone = await s.client.get(jobs, job).catch(() => undefined);
    assert.ok(gone === undefined || gone.metadata.deletionTimestamp !== undefined);
  });

  it('need an image', async (t) => {
    const s = await scene(t, DISK, BY_JOB);
    await released(s);
    await step(s, { jobImage: undefined });
    assert.match(s.told[0]!, /cannot run cleanup job without specifying job image name/);
  });

  it('are not offered while a Job has not succeeded, though somebody has deleted the volume', async (t) => {
    const s = await scene(t, DISK, BY_JOB);
    await released(s);
    await step(s);
    await s.client.patch(
      jobs,
      job,
      { type: 'merge', body: { status: { failed: 7 } } },
      { subresource: 'status' },
    );
    await s.client.delete(persistentVolumes, { name: DISK1 });
    await s.client.patch(
      persistentVolumes,
      { name: DISK1 },
      { type: 'merge', body: { metadata: { finalizers: null } } },
    );
    assert.equal((await s.volumes()).length, 0);
    await discover(await s.round());
    assert.deepEqual(await s.names(), []);
  });

  it('leave file systems to the process', async (t) => {
    const s = await scene(t, MOUNT, BY_JOB);
    await released(s);
    await step(s);
    assert.equal((await s.client.list(jobs)).items.length, 0);
    assert.equal(s.machine.done.length, 2);
  });
});
