import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { deployments, leases, type StatusError, statefulSets } from '../../kube/index.ts';
import { type Fixture, startRegistry } from './testing.ts';

let fixture: Fixture;
beforeEach(async () => {
  fixture = await startRegistry();
});

const name = { namespace: 'default', name: 'w' };
const spec = {
  replicas: 2,
  selector: {
    matchLabels: { app: 'x' },
    matchExpressions: [{ key: 'b', operator: 'In', values: ['2', '1'] }],
  },
  template: {
    metadata: { labels: { app: 'x', b: '1' } },
    spec: { containers: [{ name: 'c', image: 'i' }] },
  },
};

describe('the scale of a workload', () => {
  for (const resource of [deployments, statefulSets] as const) {
    it(`of ${resource.plural} shows and sets its replicas`, async () => {
      const { client } = fixture;
      const made = await client.create(resource as typeof deployments, { metadata: name, spec });
      const scale = await client.get(resource as typeof deployments, name, { subresource: 'scale' });
      const { uid, resourceVersion, creationTimestamp } = made.metadata;
      assert.deepEqual(scale, {
        kind: 'Scale',
        apiVersion: 'autoscaling/v1',
        metadata: { ...name, uid, resourceVersion, creationTimestamp },
        spec: { replicas: 2 },
        status: { replicas: 0, selector: 'app=x,b in (1,2)' },
      });
      const patched = await client.patch(
        resource as typeof deployments,
        name,
        { type: 'merge', body: { spec: { replicas: 5 } } },
        { subresource: 'scale' },
      );
      assert.equal(patched.kind, 'Scale');
      assert.equal(patched.spec?.replicas, 5);
      const after = await client.get(resource as typeof deployments, name);
      assert.equal(after.spec?.replicas, 5);
      assert.equal(after.metadata.generation, 2);
      // The first Scale is of an older version now.
      await assert.rejects(
        client.update(
          resource as typeof deployments,
          { ...scale, spec: { replicas: 1 } as never },
          { subresource: 'scale' },
        ),
        (error: StatusError) => error.code === 409,
      );
      await assert.rejects(
        client.patch(
          resource as typeof deployments,
          name,
          { type: 'merge', body: { spec: { replicas: -1 } } },
          { subresource: 'scale' },
        ),
        (error: StatusError) => {
          assert.equal(
            error.message,
            'Scale.autoscaling "w" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0',
          );
          return error.code === 422;
        },
      );
    });
  }
});

describe('a PUT of what is not there', () => {
  it('makes the kinds that upstream makes so, and no others', async () => {
    const { client } = fixture;
    const lease = await client.update(leases, { metadata: name, spec: { holderIdentity: 'me' } });
    assert.equal(lease.spec?.holderIdentity, 'me');
    await assert.rejects(
      client.update(deployments, { metadata: name, spec }),
      (error: StatusError) => error.code === 404,
    );
  });
});
