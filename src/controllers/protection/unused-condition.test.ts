import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { persistentVolumeClaims, pods } from '../../kube/index.ts';
import { startStack } from '../../testing/component-stack.ts';
import { createClaimProtection } from './claim-protection.ts';

const namespace = 'default';
const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };

describe('the condition Unused of a claim', () => {
  it('says whether a pod refers to it, on a node or not', async (test) => {
    const { client, context, run, until } = await startStack(test, { watch: [persistentVolumeClaims] });
    run(createClaimProtection(context, { tellUnused: true }));
    await client.create(persistentVolumeClaims, { metadata: { namespace, name: 'data' }, spec });
    const claims = context.informers.of(persistentVolumeClaims);
    const told = (status: string) =>
      until(`Unused=${status}`, () => {
        const condition = claims.get('data', namespace)?.status?.conditions?.[0];
        return condition?.status === status && condition;
      });
    const free = await told('True');
    assert.deepEqual(
      [free.type, free.reason, free.message],
      ['Unused', 'NoPodsUsingPVC', 'No pods are currently referencing this PVC'],
    );
    assert.ok(free.lastTransitionTime);
    const pod = { namespace, name: 'pod' };
    await client.create(pods, {
      metadata: pod,
      spec: {
        containers: [{ name: 'c', image: 'i' }],
        volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }],
      },
    });
    const used = await told('False');
    assert.deepEqual([used.reason, used.message], ['PodUsingPVC', 'A pod is currently referencing this PVC']);
    await client.delete(pods, pod, { gracePeriodSeconds: 0 });
    await told('True');
    const names = claims.get('data', namespace)?.status?.conditions?.map(({ type }) => type);
    assert.deepEqual(names, ['Unused']);
  });
});
