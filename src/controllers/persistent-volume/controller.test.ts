import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  events,
  type PersistentVolumeClaim,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  type StorageClass,
  storageClasses,
} from '../../kube/index.ts';
import { claimOf, startControllers, volumeOf } from './controller.test-support.ts';

describe('persistent volume controller on a real registry', () => {
  it('5-2 binds a claim to a volume made by hand, whichever comes first', async (test) => {
    const stack = await startControllers(test);
    await stack.client.create(persistentVolumes, volumeOf('before'));
    await stack.client.create(persistentVolumeClaims, claimOf('one'));
    const first = await stack.bound('one');
    assert.equal(first.spec?.volumeName, 'before');
    assert.deepEqual(first.status?.capacity, { storage: '1Gi' });

    await stack.client.create(persistentVolumeClaims, claimOf('two'));
    await stack.client.create(persistentVolumes, volumeOf('after'));
    const second = await stack.bound('two');
    assert.equal(second.spec?.volumeName, 'after');
    const bound = await stack.client.get(persistentVolumes, { name: 'after' });
    assert.equal(bound.status?.phase, 'Bound');
    assert.equal(bound.spec?.claimRef?.uid, second.metadata.uid);
    const steps = stack.context.trace.ended('default/one').map(({ step, outcome }) => `${step} ${outcome}`);
    assert.deepEqual(steps, ['claim ok', 'bind ok']);
  });

  it('binds 300 claims to 300 volumes, one to one, with the fewest writes', async (test) => {
    const stack = await startControllers(test);
    const names = Array.from({ length: 300 }, (_, index) => index);
    await Promise.all(names.map((index) => stack.client.create(persistentVolumes, volumeOf(`pv-${index}`))));
    await stack.until('all are Available', () =>
      [...stack.context.informers.of(persistentVolumes).values()].every(
        ({ status }) => status?.phase === 'Available',
      ),
    );
    stack.writes.length = 0;
    await Promise.all(
      names.map((index) => stack.client.create(persistentVolumeClaims, claimOf(`c-${index}`))),
    );
    await stack.until('all are Bound', () => {
      const all = [...stack.context.informers.of(persistentVolumeClaims).values()];
      return all.length === 300 && all.every(({ status }) => status?.phase === 'Bound');
    });
    const taken = [...stack.context.informers.of(persistentVolumeClaims).values()].map(
      ({ spec }) => spec?.volumeName,
    );
    assert.equal(new Set(taken).size, 300);
    const specWrites = stack.writes.filter((kind) => kind === 'PersistentVolume').length;
    assert.equal(specWrites, 300, 'no volume was bound twice, or for nothing');
  });

  it('releases a volume whose claim went while it was being bound', async (test) => {
    const stack = await startControllers(test);
    const [reached, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    stack.hooks.beforeUpdate = ({ kind, metadata, spec }: PersistentVolumeClaim) => {
      if (kind !== 'PersistentVolumeClaim' || !spec?.volumeName || metadata?.deletionTimestamp)
        return undefined;
      reached.resolve();
      return released.promise;
    };
    await stack.client.create(persistentVolumes, volumeOf('pv'));
    await stack.client.create(persistentVolumeClaims, claimOf('one'));
    await reached.promise;
    const phase = () => stack.volume('pv')?.status?.phase;
    await stack.until('Bound', () => phase() === 'Bound');
    await stack.client.delete(persistentVolumeClaims, { namespace: 'default', name: 'one' });
    await stack.until(
      'the end of the claim',
      () => stack.context.informers.of(persistentVolumeClaims).size === 0,
    );
    released.resolve();
    await stack.until('Released', () => phase() === 'Released');
  });

  it('lets claims go on when the class or the volume that they need appears', async (test) => {
    const stack = await startControllers(test);
    await stack.client.create(persistentVolumeClaims, claimOf('typed', { storageClassName: 'late' }));
    await stack.client.create(persistentVolumeClaims, claimOf('named', { volumeName: 'mine' }));
    const late: StorageClass = { metadata: { name: 'late' }, provisioner: 'disk.example.com' };
    await stack.client.create(storageClasses, late);
    await stack.client.create(persistentVolumes, volumeOf('mine'));
    await stack.bound('named');
    await stack.until('typed is handed over', () => {
      const found = stack.claim('typed');
      return found?.metadata.annotations?.['volume.kubernetes.io/storage-provisioner'] === 'disk.example.com';
    });
  });

  it('5-3, 5-4 marks a volume Released when its claim goes, and a claim Lost when its volume goes', async (test) => {
    const stack = await startControllers(test);
    await stack.client.create(persistentVolumes, volumeOf('pv'));
    await stack.client.create(persistentVolumeClaims, claimOf('gone'));
    await stack.bound('gone');
    await stack.client.delete(persistentVolumeClaims, { namespace: 'default', name: 'gone' });
    await stack.until('pv is Released', () => stack.volume('pv')?.status?.phase === 'Released');
    await stack.client.create(persistentVolumeClaims, claimOf('lost'));
    await stack.client.create(persistentVolumes, volumeOf('pv-2'));
    await stack.bound('lost');
    const doomed = await stack.client.delete(persistentVolumes, { name: 'pv-2' });
    assert.deepEqual(doomed.metadata.finalizers, ['kubernetes.io/pv-protection']);
    await stack.client.update(persistentVolumes, {
      ...doomed,
      metadata: { ...doomed.metadata, finalizers: undefined },
    });
    await stack.until('lost is Lost', () => stack.claim('lost')?.status?.phase === 'Lost');
    await stack.until('ClaimLost is told', () =>
      [...stack.context.informers.of(events).values()].some(({ reason }) => reason === 'ClaimLost'),
    );
  });

  it('keeps a claim while a pod on a node uses it', async (test) => {
    const stack = await startControllers(test);
    const name = { namespace: 'default', name: 'data' };
    await stack.client.create(persistentVolumeClaims, claimOf('data'));
    await stack.until('data is protected', () =>
      stack.claim('data')?.metadata.finalizers?.includes('kubernetes.io/pvc-protection'),
    );
    await stack.client.create(pods, {
      metadata: { name: 'pod', namespace: 'default' },
      spec: {
        nodeName: 'n1',
        containers: [{ name: 'c', image: 'i' }],
        volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }],
      },
    });
    await stack.client.delete(persistentVolumeClaims, name);
    // A claim that nobody uses, deleted later, goes at once.
    await stack.client.create(persistentVolumeClaims, claimOf('free'));
    await stack.client.delete(persistentVolumeClaims, { namespace: 'default', name: 'free' });
    await stack.until('free is gone', () => stack.claim('free') === undefined);
    assert.ok((await stack.client.get(persistentVolumeClaims, name)).metadata.deletionTimestamp);
    await stack.client.delete(pods, { namespace: 'default', name: 'pod' }, { gracePeriodSeconds: 0 });
    await stack.until('data is gone', () => stack.claim('data') === undefined);
  });
});
