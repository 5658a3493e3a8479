import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type ClusterRole,
  clusterRoleBindings,
  clusterRoles,
  type PolicyRule,
  roleBindings,
  roles,
} from '../../../../kube/index.ts';
import { startRegistry } from '../../../registry/testing.ts';
import { bootstrapPolicy } from './index.ts';
import { defaultClusterRoleBindings, defaultClusterRoles, defaultRoles } from './policy.ts';
import { isProtected, reconciledBinding, reconciledRole } from './reconcile.ts';
import { parseRule } from './rule-text.ts';

describe('the default policy', () => {
  const rulesOf = (name: string) =>
    defaultClusterRoles().find(({ metadata }) => metadata?.name === name)?.rules ?? [];
  const verbsOn = (rules: readonly PolicyRule[], resource: string) =>
    new Set(rules.filter(({ resources }) => resources?.includes(resource)).flatMap(({ verbs }) => verbs));

  it('has each role once, and a role for each binding', () => {
    const names = defaultClusterRoles().map(({ metadata }) => metadata!.name!);
    assert.equal(new Set(names).size, names.length);
    for (const { roleRef } of defaultClusterRoleBindings())
      assert.ok(names.includes(roleRef.name), roleRef.name);
    assert.ok(defaultRoles().length > 0);
  });

  it('lets viewers write nothing and read no secret, and editors hand out no roles', () => {
    const view = rulesOf('system:aggregate-to-view');
    for (const { verbs } of view) for (const verb of verbs) assert.match(verb, /^(get|list|watch)$/);
    assert.equal(verbsOn(view, 'secrets').size, 0);
    const edit = rulesOf('system:aggregate-to-edit');
    assert.ok(verbsOn(edit, 'secrets').has('create'));
    assert.equal(verbsOn(edit, 'rolebindings').size, 0);
    assert.ok(verbsOn(rulesOf('system:aggregate-to-admin'), 'rolebindings').has('create'));
  });

  it('gives everything to cluster-admin only', () => {
    const all = defaultClusterRoles().filter(({ rules }) =>
      rules?.some(({ verbs, resources }) => verbs.includes('*') && resources?.includes('*')),
    );
    assert.deepEqual(
      all.map(({ metadata }) => metadata?.name),
      ['cluster-admin'],
    );
  });

  it('is made once, comes back where it is lacking, and leaves alone what an administrator added', async () => {
    const { registry, client } = await startRegistry();
    await bootstrapPolicy(registry);
    const before = registry.revision();
    await bootstrapPolicy(registry);
    assert.equal(registry.revision(), before, 'a second start writes nothing');

    const name = { name: 'system:kube-dns' };
    const more = parseRule('delete | core | pods');
    await client.patch(clusterRoles, name, { type: 'merge', body: { rules: [more] } });
    await client.patch(clusterRoleBindings, name, { type: 'merge', body: { subjects: null } });
    await client.delete(clusterRoles, { name: 'view' });
    const protect = { metadata: { annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'false' } } };
    await client.patch(
      clusterRoles,
      { name: 'system:heapster' },
      { type: 'merge', body: { ...protect, rules: null } },
    );
    await bootstrapPolicy(registry);

    const { rules } = await client.get(clusterRoles, name);
    assert.deepEqual(rules?.[0], more);
    assert.equal(rules?.length, 5, 'what it lacked, a verb and a resource each');
    assert.equal((await client.get(clusterRoleBindings, name)).subjects?.length, 1);
    assert.ok(await client.get(clusterRoles, { name: 'view' }));
    assert.equal((await client.get(clusterRoles, { name: 'system:heapster' })).rules, undefined);
  });

  it('makes a binding to another role anew', async () => {
    const { registry, client } = await startRegistry();
    await client.create(clusterRoleBindings, {
      metadata: { name: 'cluster-admin' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
    });
    await bootstrapPolicy(registry);
    const made = await client.get(clusterRoleBindings, { name: 'cluster-admin' });
    assert.equal(made.roleRef.name, 'cluster-admin');
    assert.ok(
      (await client.list(roles)).items.length > 0 && (await client.list(roleBindings)).items.length > 0,
    );
  });
});

describe('reconciliation', () => {
  const metadata = { name: 'r', labels: { a: 'ours' } };
  it('keeps labels that are there', () => {
    const present = { metadata: { name: 'r', labels: { a: 'theirs' } } };
    assert.equal(reconciledRole(present, { metadata }), present);
    const bare: ClusterRole = { metadata: { name: 'r' } };
    assert.deepEqual(reconciledRole(bare, { metadata }).metadata?.labels, { a: 'ours' });
  });
  it('adds selectors and subjects that are missing', () => {
    const selector = { matchLabels: { x: 'y' } };
    const next = reconciledRole(
      { metadata },
      { metadata, aggregationRule: { clusterRoleSelectors: [selector] } },
    );
    assert.deepEqual(next.aggregationRule?.clusterRoleSelectors, [selector]);
    const roleRef = { apiGroup: 'g', kind: 'Role', name: 'r' };
    const [a, b] = ['a', 'b'].map((name) => ({ kind: 'User', name })) as [never, never];
    const bound = reconciledBinding(
      { metadata, roleRef, subjects: [a] },
      { metadata, roleRef, subjects: [a, b] },
    );
    assert.deepEqual(bound.subjects, [a, b]);
  });
  it('heeds the annotation', () => {
    const annotations = (value: string) => ({
      metadata: { annotations: { 'rbac.authorization.kubernetes.io/autoupdate': value } },
    });
    assert.equal(isProtected(annotations('false')), true);
    assert.equal(isProtected(annotations('true')), false);
    assert.equal(isProtected({}), false);
  });
});

describe('parseRule', () => {
  it('reads resources, names and paths', () => {
    assert.deepEqual(parseRule('read | core,apps | pods pods/log'), {
      verbs: ['get', 'list', 'watch'],
      apiGroups: ['', 'apps'],
      resources: ['pods', 'pods/log'],
    });
    assert.deepEqual(parseRule('get | core | secrets | a b').resourceNames, ['a', 'b']);
    assert.deepEqual(parseRule('get | /x /y/*'), { verbs: ['get'], nonResourceURLs: ['/x', '/y/*'] });
  });
  it('refuses what is no rule', () => {
    for (const text of ['', 'get', 'get | core | pods | a | b'])
      assert.throws(() => parseRule(text), /not a rule/);
  });
});
