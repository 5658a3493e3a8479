import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { FakeClock, Metrics } from '../../base/index.ts';
import type { Client } from '../../client/index.ts';
import { nodes, type PersistentVolume, persistentVolumeClaims, persistentVolumes } from '../../kube/index.ts';
import { startStack } from '../../testing/component-stack.ts';
import { createNodeCleanup } from './index.ts';

const HOST = 'kubernetes.io/hostname';
const NAMESPACE = 'default';

/** Two nodes, and the clean-up of class `fast`, by a clock of the test's. */
async function start(test: TestContext, wrap?: (client: Client) => Client) {
  const clock = new FakeClock();
  const watch = [nodes, persistentVolumes, persistentVolumeClaims];
  const stack = await startStack(test, { watch: watch as never, clock, wrap });
  const { client, context } = stack;
  const metrics = new Metrics();
  for (const name of ['gone', 'stays'])
    await client.create(nodes, { metadata: { name, labels: { [HOST]: name } } });
  const cleanup = createNodeCleanup(context, { storageClassNames: ['fast'], metrics });
  const volumes = context.informers.of(persistentVolumes);
  const claims = context.informers.of(persistentVolumeClaims);
  // Nobody uses any: the test plays the controllers that protect them.
  const unprotected = { type: 'merge', body: { metadata: { finalizers: null } } } as const;
  /** A volume of a node; bound to a claim of its name unless it is said how else it is. */
  const addVolume = async (name: string, node: string, more: { className?: string; phase?: string } = {}) => {
    const { className: storageClassName = 'fast', phase = 'Bound' } = more;
    const accessModes = ['ReadWriteOnce'];
    const claim =
      phase === 'Bound'
        ? await client.create(persistentVolumeClaims, {
            metadata: { namespace: NAMESPACE, name },
            spec: {
              accessModes,
              storageClassName,
              volumeName: name,
              resources: { requests: { storage: '1Gi' } },
            },
          })
        : undefined;
    await client.create(persistentVolumes, {
      metadata: { name },
      spec: {
        accessModes,
        storageClassName,
        persistentVolumeReclaimPolicy: 'Delete',
        capacity: { storage: '1Gi' },
        local: { path: `/mnt/${name}` },
        claimRef: claim && { namespace: NAMESPACE, name, uid: claim.metadata.uid },
        nodeAffinity: {
          required: {
            nodeSelectorTerms: [{ matchExpressions: [{ key: HOST, operator: 'In', values: [node] }] }],
          },
        },
      },
    } as PersistentVolume);
    await client.patch(persistentVolumes, { name }, unprotected);
    if (claim) await client.patch(persistentVolumeClaims, { namespace: NAMESPACE, name }, unprotected);
    const setPhase = (to: string) =>
      client.patch(
        persistentVolumes,
        { name },
        { type: 'merge', body: { status: { phase: to } } },
        { subresource: 'status' },
      );
    await setPhase(phase);
    await stack.until(`${name} to be ${phase}`, () => volumes.get(name)?.status?.phase === phase);
    return setPhase;
  };
  /** Lets time pass by seconds until something is so. */
  const pass = async (what: string, look: () => boolean) => {
    for (let seconds = 0; !look(); seconds++) {
      assert.ok(seconds < 1_000, what);
      await clock.advance(1_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const removeNode = async (name: string) => {
    await client.delete(nodes, { name });
    await stack.until(`${name} to be gone`, () => !context.informers.of(nodes).get(name));
  };
  return { ...stack, clock, metrics, cleanup, volumes, claims, addVolume, pass, removeNode };
}

describe('clean-up after nodes that are gone', { timeout: 300_000 }, () => {
  it('deletes claims after a minute, then their volumes; those of other nodes and classes stay', async (test) => {
    const { run, cleanup, addVolume, removeNode, clock, claims, volumes, pass, events, metrics } =
      await start(test);
    const release = await addVolume('lost', 'gone');
    await addVolume('other-node', 'stays');
    await addVolume('other-class', 'gone', { className: 'slow' });
    await addVolume('free', 'gone', { phase: 'Available' });
    run(cleanup);
    await clock.advance(120_000);
    assert.equal(claims.size, 3, 'nothing is done while the node is there');
    await removeNode('gone');
    await clock.advance(59_000);
    assert.equal(claims.size, 3, 'it may come back');
    await pass('the claim to be deleted', () => !claims.byKey(`${NAMESPACE}/lost`));
    await pass('the free volume to be deleted', () => !volumes.get('free'));
    assert.ok(volumes.get('lost'), 'it is bound still');
    await release('Released');
    await pass('the lost volume to be deleted', () => !volumes.get('lost'));
    assert.deepEqual([...claims.values()].map(({ metadata }) => metadata.name).sort(), [
      'other-class',
      'other-node',
    ]);
    assert.deepEqual([...volumes.values()].map(({ metadata }) => metadata.name).sort(), [
      'other-class',
      'other-node',
    ]);
    assert.deepEqual(await events(), [
      "ReferencedNodeDeleted: PVC is tied to a deleted Node. PVC will be cleaned up in 1m0s if the Node doesn't come back",
    ]);
    const text = metrics.text();
    for (const line of [
      'local_volume_node_cleanup_persistentvolumeclaim_delete_total 1',
      'local_volume_node_cleanup_persistentvolume_delete_total{phase="Available"} 1',
      'local_volume_node_cleanup_persistentvolume_delete_total{phase="Released"} 1',
    ])
      assert.ok(text.split('\n').includes(line), `${line}\n${text}`);
  });

  it('leaves the claims of a node alone that comes back in time', async (test) => {
    const { run, cleanup, client, addVolume, removeNode, clock, claims, context, until } = await start(test);
    await addVolume('lost', 'gone');
    run(cleanup);
    await clock.advance(1_000);
    await removeNode('gone');
    await clock.advance(30_000);
    await client.create(nodes, { metadata: { name: 'gone', labels: { [HOST]: 'gone' } } });
    await until('the node to be back', () => context.informers.of(nodes).get('gone') !== undefined);
    await clock.advance(120_000);
    assert.ok(claims.byKey(`${NAMESPACE}/lost`));
  });

  it('finds at its start what has gone before, and tries again what fails', async (test) => {
    let refusals = 1;
    const { run, cleanup, addVolume, removeNode, claims, pass, metrics } = await start(test, (client) => {
      const deleteOne: Client['delete'] = (resource, name, options) =>
        (resource as unknown) === persistentVolumeClaims && refusals-- > 0
          ? Promise.reject(new Error('not now'))
          : client.delete(resource, name, options);
      return Object.assign(Object.create(client) as Client, { delete: deleteOne });
    });
    await addVolume('lost', 'gone');
    await removeNode('gone');
    run(cleanup);
    await pass('the claim to be deleted', () => !claims.byKey(`${NAMESPACE}/lost`));
    assert.match(metrics.text(), /^local_volume_node_cleanup_persistentvolumeclaim_delete_failed_total 1$/m);
  });

  it('leaves a claim alone that has the name, and is another', async (test) => {
    const { run, cleanup, client, addVolume, removeNode, pass, claims, until } = await start(test);
    await addVolume('lost', 'gone');
    await addVolume('neighbour', 'gone');
    const name = { namespace: NAMESPACE, name: 'lost' };
    await client.delete(persistentVolumeClaims, name);
    const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };
    const again = await client.create(persistentVolumeClaims, {
      metadata: name,
      spec: { ...spec, storageClassName: 'fast', volumeName: 'lost' },
    });
    await until(
      'the new claim',
      () => claims.byKey(`${NAMESPACE}/lost`)?.metadata.uid === again.metadata.uid,
    );
    run(cleanup);
    await removeNode('gone');
    await pass('its neighbour to be deleted', () => !claims.byKey(`${NAMESPACE}/neighbour`));
    const { metadata } = await client.get(persistentVolumeClaims, name);
    assert.equal(metadata.uid, again.metadata.uid);
    assert.equal(metadata.deletionTimestamp, undefined);
  });
});
