import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { persistentVolumeClaims, persistentVolumes, volumeAttributesClasses } from '../../kube/index.ts';
import { startStack } from '../../testing/component-stack.ts';
import { createAttributesClassProtection } from './attributes-class-protection.ts';

const claim = (name: string, volumeAttributesClassName: string) => ({
  metadata: { namespace: 'default', name },
  spec: {
    accessModes: ['ReadWriteOnce'],
    resources: { requests: { storage: '1Gi' } },
    volumeAttributesClassName,
  },
});

describe('an attributes class that is deleted', () => {
  it('stays until no claim and no volume has it', async (test) => {
    const { client, context, run, until } = await startStack(test, { watch: [volumeAttributesClasses] });
    const classes = context.informers.of(volumeAttributesClasses);
    for (const name of ['free', 'used']) {
      await client.create(volumeAttributesClasses, {
        metadata: { name },
        driverName: 'd',
        parameters: { a: 'b' },
      });
    }
    await client.create(persistentVolumeClaims, claim('c', 'used'));
    const volume = await client.create(persistentVolumes, {
      metadata: { name: 'v' },
      spec: {
        capacity: { storage: '1Gi' },
        accessModes: ['ReadWriteOnce'],
        csi: { driver: 'd', volumeHandle: 'h' },
        volumeAttributesClassName: 'used',
      },
    });
    run(createAttributesClassProtection(context));
    await client.delete(volumeAttributesClasses, { name: 'used' });
    await client.delete(volumeAttributesClasses, { name: 'free' });
    await until('the free one goes', () => !classes.get('free'));
    const { metadata } = await client.get(volumeAttributesClasses, { name: 'used' });
    assert.deepEqual(metadata.finalizers, ['kubernetes.io/vac-protection']);
    assert.ok(metadata.deletionTimestamp);
    await client.update(persistentVolumes, {
      ...volume,
      spec: { ...volume.spec, volumeAttributesClassName: 'other' },
    });
    const name = { namespace: 'default', name: 'c' };
    await client.patch(persistentVolumeClaims, name, {
      type: 'merge',
      body: { metadata: { finalizers: null } },
    });
    assert.ok(await client.get(volumeAttributesClasses, { name: 'used' }));
    await client.delete(persistentVolumeClaims, name);
    await until('the used one goes', () => !classes.get('used'));
  });
});
