import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  priorityClasses,
  type StatusError,
  storageClasses,
} from '../../kube/index.ts';
import { claimNamed, podNamed, startRegistry } from '../registry/testing.ts';

const DEFAULT = { 'storageclass.kubernetes.io/is-default-class': 'true' };

describe('the chain', () => {
  it('gives claims the default class unless they ask for one or for none', async () => {
    const { client } = await startRegistry();
    const make = (name: string, storageClassName?: string) =>
      client.create(persistentVolumeClaims, {
        ...claimNamed(name),
        spec: { ...claimNamed(name).spec, storageClassName },
      });
    assert.equal((await make('before')).spec?.storageClassName, undefined);
    await client.create(storageClasses, {
      metadata: { name: 'fast', annotations: DEFAULT },
      provisioner: 'p',
    });
    assert.equal((await make('a')).spec?.storageClassName, 'fast');
    assert.equal((await make('b', 'slow')).spec?.storageClassName, 'slow');
    assert.equal((await make('c', '')).spec?.storageClassName, '');
  });

  it('protects claims and volumes', async () => {
    const { client } = await startRegistry();
    const claim = await client.create(persistentVolumeClaims, claimNamed('a'));
    assert.deepEqual(claim.metadata.finalizers, ['kubernetes.io/pvc-protection']);
    const volume = await client.create(persistentVolumes, {
      metadata: { name: 'a' },
      spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/x' } },
    });
    assert.deepEqual(volume.metadata.finalizers, ['kubernetes.io/pv-protection']);
  });

  it('keeps the tolerations that a pod has', async () => {
    const { client } = await startRegistry();
    const pod = await client.create(
      pods,
      podNamed('a', { tolerations: [{ operator: 'Exists', effect: 'NoExecute' }] }),
    );
    assert.equal(pod.spec?.tolerations?.length, 1);
  });

  it('gives pods the priority of their class', async () => {
    const { client } = await startRegistry();
    await client.create(priorityClasses, { metadata: { name: 'high' }, value: 1000 });
    const pod = await client.create(pods, podNamed('a', { priorityClassName: 'high' }));
    assert.equal(pod.spec?.priority, 1000);
    const system = await client.create(pods, podNamed('b', { priorityClassName: 'system-node-critical' }));
    assert.equal(system.spec?.priority, 2_000_001_000);
    await assert.rejects(
      client.create(pods, podNamed('c', { priorityClassName: 'none' })),
      (error: StatusError) => {
        assert.equal(error.message, 'pods "c" is forbidden: no PriorityClass with name none was found');
        return error.code === 403;
      },
    );
    await assert.rejects(
      client.create(pods, podNamed('d', { priority: 7 })),
      (error: StatusError) => error.code === 403,
    );
  });
});
