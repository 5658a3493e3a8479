import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { Client } from '../../client/index.ts';
import { clusterRoleBindings, clusterRoles, type PolicyRule, roleBindings, roles } from '../../kube/index.ts';
import { createLocalClient } from '../local-client.ts';
import { startRegistry } from '../registry/testing.ts';

const GROUP = 'rbac.authorization.k8s.io';
const rule = (verbs: string[], resources: string[], apiGroups = ['']): PolicyRule => ({
  verbs,
  apiGroups,
  resources,
});
const MANAGE = rule(
  ['create', 'update', 'patch', 'get'],
  ['roles', 'rolebindings', 'clusterroles', 'clusterrolebindings'],
  [GROUP],
);

describe('handing on what one has not got', () => {
  let admin: Client;
  let alice: Client;
  beforeEach(async () => {
    const { registry, client } = await startRegistry();
    admin = client;
    alice = createLocalClient(registry, { name: 'alice', groups: ['dev', 'system:authenticated'] });
    await give('manager', [MANAGE, rule(['get', 'list'], ['pods'])]);
    await admin.create(clusterRoles, {
      metadata: { name: 'secret-reader' },
      rules: [rule(['get'], ['secrets'])],
    });
  });
  const give = async (name: string, rules: PolicyRule[]) => {
    await admin.create(clusterRoles, { metadata: { name }, rules });
    await admin.create(clusterRoleBindings, {
      metadata: { name },
      roleRef: { apiGroup: GROUP, kind: 'ClusterRole', name },
      subjects: [{ kind: 'User', name: 'alice', apiGroup: GROUP }],
    });
  };
  const role = (name: string, ...rules: PolicyRule[]) => ({
    metadata: { namespace: 'default', name },
    rules,
  });
  const binding = (name: string, kind: string, roleName: string) => ({
    metadata: { namespace: 'default', name },
    roleRef: { apiGroup: GROUP, kind, name: roleName },
    subjects: [{ kind: 'User', name: 'bob', apiGroup: GROUP }],
  });
  const refusal = (message: string) => ({ name: 'StatusError', code: 403, message });

  it('makes a role of what one holds, and no other', async () => {
    await alice.create(roles, role('held', rule(['get'], ['pods'])));
    await assert.rejects(
      alice.create(roles, role('more', rule(['get', 'delete', 'create'], ['pods', 'secrets']))),
      refusal(
        'roles.rbac.authorization.k8s.io "more" is forbidden: user "alice" (groups=["dev" "system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n' +
          '{APIGroups:[""], Resources:["pods"], Verbs:["delete" "create"]}\n' +
          '{APIGroups:[""], Resources:["secrets"], Verbs:["get" "delete" "create"]}',
      ),
    );
  });

  it('does not let a role grow beyond oneself, by update, patch or apply', async () => {
    await alice.create(roles, role('held', rule(['get'], ['pods'])));
    const name = { namespace: 'default', name: 'held' };
    const more = [rule(['*'], ['*'], ['*'])];
    const held = await alice.get(roles, name);
    for (const attempt of [
      alice.update(roles, { ...held, rules: more }),
      alice.patch(roles, name, { type: 'merge', body: { rules: more } }),
      alice.patch(
        roles,
        name,
        { type: 'apply', body: { apiVersion: `${GROUP}/v1`, kind: 'Role', ...role('held', ...more) } },
        { fieldManager: 'alice', force: true },
      ),
    ])
      await assert.rejects(attempt, /attempting to grant RBAC permissions not currently held/);
    assert.deepEqual((await admin.get(roles, name)).rules, held.rules);
  });

  it('lets ownership of a greater role change: the garbage collector works so', async () => {
    await admin.create(roles, role('great', rule(['*'], ['*'], ['*'])));
    const body = { metadata: { finalizers: ['example.com/x'] } };
    await alice.patch(roles, { namespace: 'default', name: 'great' }, { type: 'merge', body });
  });

  it('lets who may escalate', async () => {
    await give('escalator', [rule(['escalate'], ['roles'], [GROUP])]);
    await alice.create(roles, role('more', rule(['delete'], ['secrets'])));
    await assert.rejects(
      alice.create(clusterRoles, { metadata: { name: 'x' }, rules: [rule(['delete'], ['secrets'])] }),
      {
        code: 403,
      },
    );
  });

  it('lets nobody gather rules who does not hold them all', async () => {
    const aggregationRule = { clusterRoleSelectors: [{ matchLabels: { gather: 'yes' } }] };
    const refused = (name: string) =>
      refusal(
        `clusterroles.rbac.authorization.k8s.io "${name}" is forbidden: must have cluster-admin privileges to use the aggregationRule`,
      );
    await assert.rejects(
      alice.create(clusterRoles, { metadata: { name: 'all' }, rules: [], aggregationRule }),
      refused('all'),
    );
    await alice.create(clusterRoles, { metadata: { name: 'own' }, rules: [rule(['get'], ['pods'])] });
    await assert.rejects(
      alice.patch(clusterRoles, { name: 'own' }, { type: 'merge', body: { aggregationRule } }),
      refused('own'),
    );
    // Nor may he take such a rule away.
    await admin.create(clusterRoles, { metadata: { name: 'gathered' }, rules: [], aggregationRule });
    await assert.rejects(
      alice.patch(clusterRoles, { name: 'gathered' }, { type: 'merge', body: { aggregationRule: null } }),
      refused('gathered'),
    );
    await give('escalator', [rule(['escalate'], ['clusterroles'], [GROUP])]);
    await alice.create(clusterRoles, { metadata: { name: 'all' }, rules: [], aggregationRule });
  });

  it('binds a role whose rules one holds, and no other', async () => {
    await alice.create(roleBindings, binding('fine', 'ClusterRole', 'manager'));
    await assert.rejects(
      alice.create(roleBindings, binding('more', 'ClusterRole', 'secret-reader')),
      refusal(
        'rolebindings.rbac.authorization.k8s.io "more" is forbidden: user "alice" (groups=["dev" "system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n' +
          '{APIGroups:[""], Resources:["secrets"], Verbs:["get"]}',
      ),
    );
  });

  it('does not bind a role that is not there', async () => {
    await assert.rejects(alice.create(roleBindings, binding('b', 'Role', 'none')), {
      code: 404,
      message: 'rolebindings.rbac.authorization.k8s.io "none" not found',
    });
  });

  it('lets who may bind, by name and in the namespace', async () => {
    await give('binder', [
      { ...rule(['bind'], ['clusterroles'], [GROUP]), resourceNames: ['secret-reader'] },
    ]);
    await alice.create(roleBindings, binding('fine', 'ClusterRole', 'secret-reader'));
    await admin.create(clusterRoles, { metadata: { name: 'all' }, rules: [rule(['*'], ['*'], ['*'])] });
    await assert.rejects(alice.create(roleBindings, binding('more', 'ClusterRole', 'all')), { code: 403 });
  });
});
