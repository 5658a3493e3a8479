import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { Client } from '../../client/index.ts';
import { events, type Pod, persistentVolumeClaims, pods } from '../../kube/index.ts';
import { startStack } from '../../testing/component-stack.ts';
import { createEphemeralVolumeController } from './index.ts';

const namespace = 'default';
const name = { namespace, name: 'web-scratch' };
const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };
const pod: Pod = {
  metadata: { namespace, name: 'web' },
  spec: {
    containers: [{ name: 'c', image: 'i' }],
    volumes: [
      { name: 'none', emptyDir: {} },
      {
        name: 'scratch',
        ephemeral: {
          volumeClaimTemplate: {
            metadata: { labels: { app: 'web' }, annotations: { 'example.com/note': 'n' } },
            spec: { ...spec, storageClassName: 'fast' },
          },
        },
      },
    ],
  },
};

async function start(test: TestContext, wrap?: (client: Client) => Client) {
  const stack = await startStack(test, { watch: [persistentVolumeClaims, events, pods], wrap });
  stack.run(createEphemeralVolumeController(stack.context));
  const claims = stack.context.informers.of(persistentVolumeClaims);
  const find = () => claims.get(name.name, namespace);
  const failure = () =>
    stack.until('an event about the pod', () =>
      [...stack.context.informers.of(events).values()].find(({ reason }) => reason === 'FailedBinding'),
    );
  return { ...stack, find, failure };
}

describe('generic ephemeral volumes', () => {
  it('gives a pod its claim, as the template says and owned by the pod', async (test) => {
    const { client, until, find } = await start(test);
    const { metadata } = await client.create(pods, pod);
    const claim = await until('the claim', find);
    assert.deepEqual(claim.metadata.ownerReferences, [
      {
        apiVersion: 'v1',
        kind: 'Pod',
        name: 'web',
        uid: metadata.uid,
        controller: true,
        blockOwnerDeletion: true,
      },
    ]);
    assert.deepEqual(claim.metadata.labels, { app: 'web' });
    assert.equal(claim.metadata.annotations?.['example.com/note'], 'n');
    assert.equal(claim.spec?.storageClassName, 'fast');
  });

  it('makes a claim again that was deleted under its pod', async (test) => {
    const { client, until, find } = await start(test);
    await client.create(pods, pod);
    const first = await until('the claim', find);
    const body = { metadata: { finalizers: null } };
    await client.patch(persistentVolumeClaims, name, { type: 'merge', body });
    await client.delete(persistentVolumeClaims, name);
    await until('another claim', () => find()?.metadata.uid !== first.metadata.uid && find());
  });

  it('never adopts a claim that it did not make, and takes its place once it is gone', async (test) => {
    const { client, until, find, failure } = await start(test);
    await client.create(persistentVolumeClaims, { metadata: name, spec });
    await client.patch(persistentVolumeClaims, name, {
      type: 'merge',
      body: { metadata: { finalizers: null } },
    });
    await until('the foreign claim', find);
    await client.create(pods, pod);
    const { message, type, involvedObject, source } = await failure();
    assert.equal(
      message,
      'ephemeral volume scratch: PVC default/web-scratch was not created for pod default/web (pod is not owner)',
    );
    assert.deepEqual([type, involvedObject?.kind], ['Warning', 'Pod']);
    assert.ok(source);
    assert.equal(find()?.metadata.ownerReferences, undefined);
    await client.delete(persistentVolumeClaims, name);
    await until('a claim of its own', () => find()?.metadata.ownerReferences?.length === 1);
  });

  it('says why a claim cannot be made, and tries again', async (test) => {
    let refusals = 1;
    const wrap = (client: Client): Client => ({
      ...client,
      async create(resource, object, options) {
        if (resource.kind === 'PersistentVolumeClaim' && refusals-- > 0) throw new Error('the disk is full');
        return client.create(resource, object, options);
      },
    });
    const { client, until, find, failure } = await start(test, wrap);
    await client.create(pods, pod);
    assert.equal(
      (await failure()).message,
      'ephemeral volume scratch: create PVC web-scratch: the disk is full',
    );
    await until('the claim', find);
  });

  it('makes none for a pod that is being deleted', async (test) => {
    const stack = await startStack(test, { watch: [persistentVolumeClaims] });
    const { client, context } = stack;
    const doomed = { ...pod, metadata: { ...pod.metadata, finalizers: ['example.com/keep'] } };
    await client.create(pods, doomed);
    await client.delete(pods, { namespace, name: 'web' }, { gracePeriodSeconds: 0 });
    const spared = structuredClone({ ...pod, metadata: { namespace, name: 'later' } });
    stack.run(createEphemeralVolumeController(context));
    await client.create(pods, spared as Pod);
    const claims = context.informers.of(persistentVolumeClaims);
    await stack.until('the claim of the other', () => claims.get('later-scratch', namespace));
    assert.equal(claims.size, 1);
  });
});
