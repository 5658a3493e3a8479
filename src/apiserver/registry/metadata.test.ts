import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { configMaps, storageClasses } from '../../kube/index.ts';
import { type Fixture, mapNamed, startRegistry } from './testing.ts';

let fixture: Fixture;
before(async () => {
  fixture = await startRegistry();
});

describe("the system's part of metadata", () => {
  it("is not the client's: another time of creation and a namespace where none can be are passed over", async () => {
    const { client } = fixture;
    const created = await client.create(storageClasses, {
      provisioner: 'p',
      metadata: { name: 'of-the-cluster', namespace: 'default' },
    });
    assert.equal(created.metadata.namespace, undefined);
    const updated = await client.update(storageClasses, {
      ...created,
      metadata: {
        ...created.metadata,
        namespace: 'other',
        creationTimestamp: '2020-01-01T00:00:00Z',
        labels: { a: 'b' },
      },
    });
    assert.equal(updated.metadata.namespace, undefined);
    assert.equal(updated.metadata.creationTimestamp, created.metadata.creationTimestamp);
    assert.deepEqual(updated.metadata.labels, { a: 'b' });
  });

  it('names an owner once, and warns', async () => {
    const said: string[] = [];
    const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'o', uid: 'u' };
    const map = { metadata: { ...mapNamed('owned').metadata, ownerReferences: [owner, owner] } };
    const context = { user: { name: 'u', groups: [] }, warn: (message: string) => said.push(message) };
    const { object } = await fixture.registry.create(configMaps, map, context);
    assert.deepEqual(object.metadata.ownerReferences, [owner]);
    const body = { metadata: { ownerReferences: [owner, { ...owner, uid: 'v' }, { ...owner, uid: 'v' }] } };
    const patched = await fixture.registry.patch(
      configMaps,
      { namespace: 'default', name: 'owned' },
      { type: 'merge', body },
      context,
    );
    assert.deepEqual(
      patched.object.metadata.ownerReferences?.map(({ uid }) => uid),
      ['u', 'v'],
    );
    assert.match(said[0]!, /contains duplicate entries; .* observed: u$/);
    assert.match(said[1]!, /contains duplicate entries after mutating admission happens; .* observed: v$/);
    assert.equal(said.length, 2);
  });
});
