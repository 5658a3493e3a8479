import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { Client } from '../client/index.ts';
import { clusterRoleBindings, clusterRoles, configMaps, pods, statefulSets } from '../kube/index.ts';
import { createLocalClient } from './local-client.ts';
import { mapNamed, podNamed, startRegistry } from './registry/testing.ts';

/** What each method asks for, and how it is called. */
const CALLS: readonly [verb: string, resource: string, call: (client: Client) => Promise<unknown>][] = [
  ['create', 'configmaps', (client) => client.create(configMaps, mapNamed('made'))],
  ['get', 'configmaps', (client) => client.get(configMaps, name)],
  ['list', 'configmaps', (client) => client.list(configMaps, { namespace: 'default' })],
  ['watch', 'configmaps', (client) => first(client.watch(configMaps, { namespace: 'default' }))],
  ['update', 'configmaps', (client) => client.update(configMaps, mapNamed('map', { a: 'b' }))],
  [
    'patch',
    'configmaps',
    (client) => client.patch(configMaps, name, { type: 'merge', body: { data: { a: 'b' } } }),
  ],
  [
    'patch',
    'pods/status',
    (client) =>
      client.patch(
        pods,
        { namespace: 'default', name: 'pod' },
        { type: 'merge', body: { status: { message: 'm' } } },
        { subresource: 'status' },
      ),
  ],
  [
    'create',
    'pods/binding',
    (client) =>
      client.createSubresource(pods, { namespace: 'default', name: 'pod' }, 'binding', {
        metadata: { name: 'pod' },
        target: { kind: 'Node', name: 'n' },
      }),
  ],
  ['delete', 'configmaps', (client) => client.delete(configMaps, name)],
  [
    'deletecollection',
    'configmaps',
    (client) => client.deleteCollection(configMaps, { namespace: 'default' }),
  ],
];
const name = { namespace: 'default', name: 'map' };

async function first(events: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of events) return;
}

describe('the local client', () => {
  let admin: Client;
  let as: (user: string) => Client;
  before(async () => {
    const { registry, client } = await startRegistry();
    admin = client;
    as = (user) => createLocalClient(registry, { name: user, groups: ['system:authenticated'] });
    await admin.create(configMaps, mapNamed('map'));
    await admin.create(pods, podNamed('pod') as never);
  });

  for (const [verb, resource, call] of CALLS) {
    it(`asks whether its user may ${verb} ${resource}`, async () => {
      await assert.rejects(call(as('nobody')), {
        code: 403,
        message: new RegExp(
          `User "nobody" cannot ${verb} resource "${resource}" in API group "" in the namespace "default"$`,
        ),
      });
      const role = `${verb}-${resource.replace('/', '-')}`;
      await admin.create(clusterRoles, {
        metadata: { name: role },
        rules: [{ verbs: [verb], apiGroups: [''], resources: [resource] }],
      });
      await admin.create(clusterRoleBindings, {
        metadata: { name: role },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
        subjects: [{ kind: 'User', name: role, apiGroup: 'rbac.authorization.k8s.io' }],
      });
      await call(as(role));
    });
  }

  it('names the group of what it may not have', () =>
    assert.rejects(as('nobody').list(statefulSets), {
      message:
        'statefulsets.apps is forbidden: User "nobody" cannot list resource "statefulsets" in API group "apps" at the cluster scope',
    }));
});
