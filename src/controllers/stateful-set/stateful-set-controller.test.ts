import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { rfc3339 } from '../../base/index.ts';
import {
  controllerRevisions,
  persistentVolumeClaims,
  pods,
  type StatefulSet,
  statefulSets,
} from '../../kube/index.ts';
import { startStack } from '../../testing/component-stack.ts';
import { createStatefulSetController } from './index.ts';

const watch = [statefulSets, pods, persistentVolumeClaims, controllerRevisions];

async function world(test: TestContext) {
  const stack = await startStack(test, { watch });
  const { client, until, context } = stack;
  const stop = stack.run(createStatefulSetController(context));
  const podInformer = context.informers.of(pods);
  const sets = context.informers.of(statefulSets);
  return {
    ...stack,
    stop,
    sets,
    podNames: () => [...podInformer.values()].map(({ metadata }) => metadata.name).sort(),
    claimNames: () =>
      [...context.informers.of(persistentVolumeClaims).values()].map(({ metadata }) => metadata.name).sort(),
    pod: (name: string) => podInformer.get(name, 'default'),
    createSet: (spec: Partial<NonNullable<StatefulSet['spec']>> = {}) =>
      client.create<StatefulSet>(statefulSets, {
        metadata: { name: 'web', namespace: 'default' },
        spec: {
          replicas: 2,
          serviceName: 'nginx',
          selector: { matchLabels: { app: 'web' } },
          template: {
            metadata: { labels: { app: 'web' } },
            spec: { containers: [{ name: 'c', image: 'one' }] },
          },
          volumeClaimTemplates: [
            {
              metadata: { name: 'data' },
              spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
            },
          ],
          ...spec,
        },
      }),
    patchSet: (body: object) =>
      client.patch(statefulSets, { namespace: 'default', name: 'web' }, { type: 'merge', body }),
    /** Waits for the pod and lets it run. */
    async ready(name: string) {
      await until(`pod ${name}`, () => podInformer.get(name, 'default'));
      const condition = {
        type: 'Ready',
        status: 'True',
        lastTransitionTime: rfc3339(context.clock.now() - 5_000),
      };
      await client.patch(
        pods,
        { namespace: 'default', name },
        { type: 'merge', body: { status: { phase: 'Running', conditions: [condition] } } },
        { subresource: 'status' },
      );
    },
    deletePod: (name: string) =>
      client.delete(pods, { namespace: 'default', name }, { gracePeriodSeconds: 0 }),
  };
}

describe('StatefulSet controller', () => {
  it('makes claims and pods in order and tells of it', async (test) => {
    const w = await world(test);
    await w.createSet();
    await w.until('the first pod', () => w.podNames().length > 0);
    assert.deepEqual(w.podNames(), ['web-0']);
    await w.ready('web-0');
    await w.ready('web-1');
    await w.until('a full status', () => w.sets.get('web', 'default')?.status?.availableReplicas === 2);
    assert.deepEqual(w.claimNames(), ['data-web-0', 'data-web-1']);
    assert.deepEqual(
      (await w.events()).sort(),
      [
        'SuccessfulCreate: Create Claim data-web-0 Pod web-0 in StatefulSet web success',
        'SuccessfulCreate: Create Claim data-web-1 Pod web-1 in StatefulSet web success',
        'SuccessfulCreate: Create Pod web-0 in StatefulSet web successful',
        'SuccessfulCreate: Create Pod web-1 in StatefulSet web successful',
      ].sort(),
    );
    const { status } = w.sets.get('web', 'default')!;
    assert.equal(status?.currentRevision, status?.updateRevision);
    assert.equal(status?.currentReplicas, 2);
    assert.equal(status?.observedGeneration, 1);
  });

  it('makes a deleted pod anew, with the same claim', async (test) => {
    const w = await world(test);
    await w.createSet({ replicas: 1 });
    await w.ready('web-0');
    const before = w.pod('web-0')!.metadata.uid;
    await w.deletePod('web-0');
    await w.until('a successor', () => w.pod('web-0') && w.pod('web-0')?.metadata.uid !== before);
    assert.deepEqual(w.pod('web-0')?.spec?.volumes?.[0]?.persistentVolumeClaim?.claimName, 'data-web-0');
    assert.deepEqual(w.claimNames(), ['data-web-0']);
  });

  it('rolls out a new template from the highest pod, and back', async (test) => {
    const w = await world(test);
    await w.createSet();
    await w.ready('web-0');
    await w.ready('web-1');
    const first = w.sets.get('web', 'default')!.status!.currentRevision;
    const roll = async (image: string) => {
      await w.patchSet({ spec: { template: { spec: { containers: [{ name: 'c', image }] } } } });
      for (const name of ['web-1', 'web-0']) {
        // The API server waits for a node to end the pod; nobody is there to run it.
        await w.until(`${name} deleted`, () => w.pod(name)?.metadata.deletionTimestamp || !w.pod(name));
        if (w.pod(name)?.metadata.deletionTimestamp) await w.deletePod(name);
        await w.until(`${name} at ${image}`, () => w.pod(name)?.spec?.containers[0]?.image === image);
        await w.ready(name);
      }
      await w.until('the rollout done', () => {
        const status = w.sets.get('web', 'default')?.status;
        return status?.currentRevision === status?.updateRevision && status?.updatedReplicas === 2;
      });
    };
    await roll('two');
    assert.notEqual(w.sets.get('web', 'default')!.status!.currentRevision, first);
    await roll('one');
    assert.equal(w.sets.get('web', 'default')!.status!.currentRevision, first);
    assert.equal(w.context.informers.of(controllerRevisions).size, 2);
  });

  it('scales down from the highest and keeps the claim', async (test) => {
    const w = await world(test);
    await w.createSet({ podManagementPolicy: 'Parallel' });
    await w.ready('web-0');
    await w.ready('web-1');
    await w.patchSet({ spec: { replicas: 1 } });
    await w.until('web-1 deleted', () => w.pod('web-1')?.metadata.deletionTimestamp || !w.pod('web-1'));
    assert.deepEqual(w.claimNames(), ['data-web-0', 'data-web-1']);
    assert.equal(w.pod('web-0')?.metadata.deletionTimestamp, undefined);
  });

  it('adopts an orphan of its name and lets go of one that its selector leaves', async (test) => {
    const w = await world(test);
    const orphan = await w.client.create(pods, {
      metadata: { name: 'web-0', namespace: 'default', labels: { app: 'web' } },
      spec: { containers: [{ name: 'c', image: 'one' }] },
    });
    const set = await w.createSet({ replicas: 1, volumeClaimTemplates: undefined });
    await w.until(
      'the adoption',
      () => w.pod('web-0')?.metadata.ownerReferences?.[0]?.uid === set.metadata.uid,
    );
    assert.equal(w.pod('web-0')?.metadata.uid, orphan.metadata.uid);
    await w.client.patch(
      pods,
      { namespace: 'default', name: 'web-0' },
      { type: 'merge', body: { metadata: { labels: { app: 'other' } } } },
    );
    await w.until('the release', () => w.pod('web-0') && !w.pod('web-0')?.metadata.ownerReferences);
  });

  it('owns the claims that are to go with it', async (test) => {
    const w = await world(test);
    const set = await w.createSet({
      replicas: 1,
      persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Delete', whenScaled: 'Retain' },
    });
    await w.ready('web-0');
    const claims = w.context.informers.of(persistentVolumeClaims);
    const owners = () => claims.get('data-web-0', 'default')?.metadata.ownerReferences;
    await w.until('the owner', () => owners()?.[0]?.uid === set.metadata.uid);
    await w.patchSet({
      spec: { persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' } },
    });
    await w.until('no owner', () => owners() === undefined);
  });

  it('leaves a claim to another controller, and says so', async (test) => {
    const w = await world(test);
    const keeper = { apiVersion: 'example.com/v1', kind: 'Keeper', name: 'k', uid: 'u', controller: true };
    await w.client.create(persistentVolumeClaims, {
      metadata: { name: 'data-web-0', namespace: 'default', ownerReferences: [keeper] },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    });
    await w.createSet({
      replicas: 1,
      persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Delete', whenScaled: 'Retain' },
    });
    await w.ready('web-0');
    await w.until('a full status', () => w.sets.get('web', 'default')?.status?.availableReplicas === 1);
    assert.ok(
      (await w.events()).includes(
        'ConflictingController: PersistentVolumeClaim data-web-0 has a conflicting OwnerReference that acts as a manging controller, the retention policy is ignored for this claim',
      ),
    );
    const claim = w.context.informers.of(persistentVolumeClaims).get('data-web-0', 'default');
    assert.deepEqual(claim?.metadata.ownerReferences, [keeper]);
  });

  it('says why a pod cannot be made, and makes it as soon as it can', async (test) => {
    const w = await world(test);
    const claim = {
      metadata: { name: 'data-web-0', namespace: 'default', finalizers: ['example.com/held'] },
    };
    const resources = { requests: { storage: '1Gi' } };
    await w.client.create(persistentVolumeClaims, {
      ...claim,
      spec: { accessModes: ['ReadWriteOnce'], resources },
    });
    await w.client.delete(persistentVolumeClaims, { namespace: 'default', name: 'data-web-0' });
    await w.createSet({ replicas: 1 });
    const sets = w.sets;
    await w.until('the status', () => sets.get('web', 'default')?.status?.updateRevision);
    assert.ok(
      (await w.events()).includes(
        'FailedCreate: Create Pod web-0 in StatefulSet web failed error: pvc data-web-0 is being deleted',
      ),
    );
    assert.deepEqual(w.podNames(), []);
    await w.client.patch(
      persistentVolumeClaims,
      { namespace: 'default', name: 'data-web-0' },
      { type: 'merge', body: { metadata: { finalizers: null } } },
    );
    await w.until('the pod', () => w.pod('web-0'));
  });
});
