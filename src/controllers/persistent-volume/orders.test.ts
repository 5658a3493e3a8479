import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type PersistentVolume,
  persistentVolumeClaims,
  persistentVolumes,
  type StorageClass,
  storageClasses,
} from '../../kube/index.ts';
import { claimOf, startControllers, volumeOf } from './controller.test-support.ts';
import { createPersistentVolumeController } from './index.ts';

const PROVISIONER = 'volume.kubernetes.io/storage-provisioner';
const named = (name: string) => ({ namespace: 'default', name });
const external: StorageClass = { metadata: { name: 'external' }, provisioner: 'disk.example.com' };
const provisioned = (name: string): PersistentVolume => ({
  ...volumeOf(name, {
    persistentVolumeReclaimPolicy: 'Delete',
    storageClassName: 'external',
    hostPath: undefined,
    csi: { driver: 'disk.example.com', volumeHandle: name },
  }),
  metadata: { name, annotations: { 'pv.kubernetes.io/provisioned-by': 'disk.example.com' } },
});

describe('volumes and claims that come and go in any order', () => {
  it('5-2-2 binds what was there before the controller', async (test) => {
    const stack = await startControllers(test, { startsAt: 'demand' });
    await stack.client.create(persistentVolumes, volumeOf('pv'));
    await stack.client.create(persistentVolumeClaims, claimOf('claim'));
    stack.run(createPersistentVolumeController(stack.context));
    assert.equal((await stack.bound('claim')).spec?.volumeName, 'pv');
  });

  it('5-5, 5-6 leaves a Released volume to its provisioner, and is done once that has deleted it', async (test) => {
    const stack = await startControllers(test);
    await stack.client.create(storageClasses, external);
    await stack.client.create(persistentVolumes, provisioned('pv'));
    await stack.client.create(persistentVolumeClaims, claimOf('claim', { storageClassName: 'external' }));
    await stack.bound('claim');
    await stack.client.delete(persistentVolumeClaims, named('claim'));
    await stack.until('Released', () => stack.volume('pv')?.status?.phase === 'Released');
    await stack.tearAway('pv');
    await stack.until('the end', () => !stack.volume('pv') && !stack.claim('claim'));
    assert.deepEqual(await stack.events(), []);
  });

  it('5-7 marks a claim Lost whose volume goes first, and lets it go', async (test) => {
    const stack = await startControllers(test);
    await stack.client.create(storageClasses, external);
    await stack.client.create(persistentVolumes, provisioned('pv'));
    await stack.client.create(persistentVolumeClaims, claimOf('claim', { storageClassName: 'external' }));
    await stack.bound('claim');
    await stack.tearAway('pv');
    await stack.until('Lost', () => stack.claim('claim')?.status?.phase === 'Lost');
    await stack.client.delete(persistentVolumeClaims, named('claim'));
    await stack.until('the end of the claim', () => !stack.claim('claim'));
    assert.deepEqual(await stack.events(), [
      'ClaimLost: Bound claim has lost its PersistentVolume. Data on the volume is lost!',
    ]);
  });

  it('5-8 lets a claim go that waits for its provisioner', async (test) => {
    const stack = await startControllers(test);
    await stack.client.create(storageClasses, external);
    await stack.client.create(persistentVolumeClaims, claimOf('claim', { storageClassName: 'external' }));
    await stack.until(
      'handed over',
      () => stack.claim('claim')?.metadata.annotations?.[PROVISIONER] === 'disk.example.com',
    );
    await stack.client.delete(persistentVolumeClaims, named('claim'));
    await stack.until('the end of the claim', () => !stack.claim('claim'));
    assert.match((await stack.events()).join(), /^ExternalProvisioning: Waiting for a volume to be created/);
  });

  it('binds a lost claim again when its volume is brought back', async (test) => {
    const stack = await startControllers(test);
    await stack.client.create(persistentVolumes, volumeOf('pv'));
    await stack.client.create(persistentVolumeClaims, claimOf('claim'));
    const { metadata } = await stack.bound('claim');
    await stack.tearAway('pv');
    await stack.until('Lost', () => stack.claim('claim')?.status?.phase === 'Lost');
    await stack.client.create(persistentVolumes, volumeOf('pv'));
    const back = await stack.bound('claim');
    assert.equal(back.metadata.uid, metadata.uid);
    await stack.until('the volume is Bound, too', () => stack.volume('pv')?.status?.phase === 'Bound');
    assert.equal(stack.volume('pv')?.spec?.claimRef?.uid, metadata.uid);
  });

  it('keeps a retained volume from a claim that takes the name of its own', async (test) => {
    const stack = await startControllers(test);
    await stack.client.create(persistentVolumes, volumeOf('pv'));
    await stack.client.create(persistentVolumeClaims, claimOf('claim'));
    const elder = await stack.bound('claim');
    await stack.client.delete(persistentVolumeClaims, named('claim'));
    await stack.until('the end of the claim', () => !stack.claim('claim'));
    await stack.client.create(persistentVolumeClaims, claimOf('claim'));
    await stack.until('Released', () => stack.volume('pv')?.status?.phase === 'Released');
    assert.equal(stack.volume('pv')?.spec?.claimRef?.uid, elder.metadata.uid);
    assert.equal(stack.claim('claim')?.spec?.volumeName, undefined);
    // Whoever owns the data lets it be taken, by hand.
    const body = { spec: { claimRef: null } };
    await stack.client.patch(persistentVolumes, { name: 'pv' }, { type: 'merge', body });
    const younger = await stack.bound('claim');
    assert.equal(younger.spec?.volumeName, 'pv');
    assert.notEqual(younger.metadata.uid, elder.metadata.uid);
  });

  it('gives the default class to claims that were there before it', async (test) => {
    const stack = await startControllers(test);
    await stack.client.create(persistentVolumeClaims, claimOf('open', { storageClassName: undefined }));
    await stack.client.create(persistentVolumeClaims, claimOf('none', { storageClassName: '' }));
    await stack.client.create(storageClasses, {
      ...external,
      metadata: { name: 'late', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
    });
    await stack.until('handed over', () => stack.claim('open')?.metadata.annotations?.[PROVISIONER]);
    assert.equal(stack.claim('open')?.spec?.storageClassName, 'late');
    assert.equal(stack.claim('none')?.spec?.storageClassName, '');
  });

  it('asks the provisioner of a class that was made anew', async (test) => {
    const stack = await startControllers(test);
    const asks = (provisioner: string) => () =>
      stack.claim('claim')?.metadata.annotations?.[PROVISIONER] === provisioner;
    await stack.client.create(storageClasses, external);
    await stack.client.create(persistentVolumeClaims, claimOf('claim', { storageClassName: 'external' }));
    await stack.until('the first is asked', asks('disk.example.com'));
    await stack.client.delete(storageClasses, { name: 'external' });
    await stack.client.create(storageClasses, { ...external, provisioner: 'file.example.com' });
    await stack.until('the second is asked', asks('file.example.com'));
  });
});
