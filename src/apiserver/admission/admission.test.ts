import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  nodes,
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

  it('gives pods the zone and region of their node, when they are bound or made with one', async () => {
    const { client } = await startRegistry();
    const zone = 'topology.kubernetes.io/zone';
    const labels = { [zone]: 'z', 'topology.kubernetes.io/region': 'r' };
    await client.create(nodes, { metadata: { name: 'n', labels: { ...labels, rack: '7' } } });
    const own = {
      ...podNamed('bound'),
      metadata: { namespace: 'default', name: 'bound', labels: { [zone]: 'mine' } },
    };
    const waiting = await client.create(pods, own);
    assert.deepEqual(waiting.metadata.labels, { [zone]: 'mine' });
    const bind = (name: string, node: string, more?: object) =>
      client.createSubresource(pods, { namespace: 'default', name }, 'binding', {
        metadata: { name, ...more },
        target: { kind: 'Node', name: node },
      });
    await bind('bound', 'n', { labels: { a: 'b', [zone]: 'theirs' } });
    const bound = await client.get(pods, { namespace: 'default', name: 'bound' });
    assert.deepEqual(bound.metadata.labels, { a: 'b', ...labels });
    assert.deepEqual(
      (await client.create(pods, podNamed('made', { nodeName: 'n' }))).metadata.labels,
      labels,
    );
    await client.create(pods, podNamed('elsewhere'));
    await bind('elsewhere', 'unknown');
    const elsewhere = await client.get(pods, { namespace: 'default', name: 'elsewhere' });
    assert.deepEqual(elsewhere.metadata.labels ?? {}, {});
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
