import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import {
  clusterRoleBindings,
  clusterRoles,
  namespaces,
  roleBindings,
  roles,
} from '../../../../kube/index.ts';
import { type Fixture, startRegistry } from '../../../registry/testing.ts';
import { parseRule } from '../bootstrap/rule-text.ts';
import type { Decision } from '../contract.ts';

const GROUP = 'rbac.authorization.k8s.io';
const alice = { name: 'alice', groups: ['dev', 'system:authenticated'] };
const robot = { name: 'system:serviceaccount:build:robot', groups: ['system:serviceaccounts'] };
const pods = { group: '', resource: 'pods' };

describe('the RBAC authorizer', () => {
  let fixture: Fixture;
  beforeEach(async () => {
    fixture = await startRegistry();
    const { client } = fixture;
    for (const name of ['build', 'other']) await client.create(namespaces, { metadata: { name } });
    await client.create(clusterRoles, {
      metadata: { name: 'reader' },
      rules: [parseRule('get,list | core | pods'), parseRule('get | /metrics')],
    });
  });
  const decide = (user: typeof alice, attributes: object): Decision =>
    fixture.registry.authorization.authorizer.decide(user, attributes as never);
  const bindEverywhere = (name: string, subject: object, role = 'reader') =>
    fixture.client.create(clusterRoleBindings, {
      metadata: { name },
      roleRef: { apiGroup: GROUP, kind: 'ClusterRole', name: role },
      subjects: [subject as never],
    });
  const bindIn = (namespace: string, name: string, subject: object, roleRef: object) =>
    fixture.client.create(roleBindings, {
      metadata: { namespace, name },
      roleRef: { apiGroup: GROUP, ...roleRef } as never,
      subjects: [subject as never],
    });

  it('allows nothing without a binding, and says nothing', () => {
    assert.deepEqual(decide(alice, { verb: 'get', ...pods }), { allowed: false, reason: '' });
  });

  it('allows by user, group and service account, and says by which binding', async () => {
    await bindEverywhere('for-alice', { kind: 'User', name: 'alice', apiGroup: GROUP });
    assert.deepEqual(decide(alice, { verb: 'get', ...pods, namespace: 'other', name: 'p' }), {
      allowed: true,
      reason: 'RBAC: allowed by ClusterRoleBinding "for-alice" of ClusterRole "reader" to User "alice"',
    });
    assert.equal(decide(alice, { verb: 'get', path: '/metrics' }).allowed, true);
    assert.equal(decide(alice, { verb: 'delete', ...pods }).allowed, false);
    const bob = { name: 'bob', groups: ['dev'] };
    assert.equal(decide(bob, { verb: 'get', ...pods }).allowed, false);
    await bindEverywhere('for-dev', { kind: 'Group', name: 'dev', apiGroup: GROUP });
    assert.equal(decide(bob, { verb: 'get', ...pods }).allowed, true);
    await bindEverywhere('for-robot', { kind: 'ServiceAccount', name: 'robot', namespace: 'build' });
    assert.equal(
      decide(robot, { verb: 'get', ...pods }).reason,
      'RBAC: allowed by ClusterRoleBinding "for-robot" of ClusterRole "reader" to ServiceAccount "robot/build"',
    );
  });

  it('keeps a RoleBinding in its namespace; its service accounts are of there unless they say otherwise', async () => {
    await bindIn(
      'build',
      'here',
      { kind: 'ServiceAccount', name: 'robot' },
      { kind: 'ClusterRole', name: 'reader' },
    );
    assert.deepEqual(decide(robot, { verb: 'list', ...pods, namespace: 'build' }), {
      allowed: true,
      reason:
        'RBAC: allowed by RoleBinding "here/build" of ClusterRole "reader" to ServiceAccount "robot/build"',
    });
    assert.equal(decide(robot, { verb: 'list', ...pods, namespace: 'other' }).allowed, false);
    assert.equal(decide(robot, { verb: 'list', ...pods }).allowed, false);
    // Paths are not in a namespace.
    assert.equal(decide(robot, { verb: 'get', path: '/metrics' }).allowed, false);
  });

  it('forgets what it knew when a role or a binding changes or goes', async () => {
    const ask = () => decide(alice, { verb: 'get', ...pods, namespace: 'build' }).allowed;
    await bindEverywhere('b', { kind: 'User', name: 'alice', apiGroup: GROUP });
    assert.equal(ask(), true);
    await fixture.client.patch(
      clusterRoles,
      { name: 'reader' },
      { type: 'merge', body: { rules: [parseRule('list | core | pods')] } },
    );
    assert.equal(ask(), false);
    await bindIn('build', 'b', { kind: 'User', name: 'alice' }, { kind: 'Role', name: 'local' });
    await fixture.client.create(roles, {
      metadata: { namespace: 'build', name: 'local' },
      rules: [parseRule('get | core | pods')],
    });
    assert.equal(ask(), true);
    await fixture.client.delete(roleBindings, { namespace: 'build', name: 'b' });
    assert.equal(ask(), false);
  });

  it('keeps a decision for all names apart from those for some', async () => {
    await fixture.client.create(clusterRoles, {
      metadata: { name: 'one' },
      rules: [parseRule('get | core | secrets | mine')],
    });
    await bindEverywhere('b', { kind: 'User', name: 'alice', apiGroup: GROUP }, 'one');
    const ask = (name?: string) =>
      decide(alice, { verb: 'get', group: '', resource: 'secrets', name }).allowed;
    assert.deepEqual([ask('mine'), ask('yours'), ask(undefined), ask('mine')], [true, false, false, true]);
  });

  it('says which role it did not find, once', async () => {
    for (const name of ['one', 'two'])
      await bindEverywhere(name, { kind: 'User', name: 'alice', apiGroup: GROUP }, 'gone');
    assert.deepEqual(decide(alice, { verb: 'get', ...pods }), {
      allowed: false,
      reason: 'RBAC: clusterrole.rbac.authorization.k8s.io "gone" not found',
    });
    await bindIn('build', 'b', { kind: 'User', name: 'alice' }, { kind: 'Role', name: 'lost' });
    assert.equal(
      decide(alice, { verb: 'get', ...pods, namespace: 'build' }).reason,
      'RBAC: [clusterrole.rbac.authorization.k8s.io "gone" not found, role.rbac.authorization.k8s.io "lost" not found]',
    );
  });

  it('lists the rules of a user in a namespace', async () => {
    await bindEverywhere('b', { kind: 'Group', name: 'dev', apiGroup: GROUP });
    await fixture.client.create(roles, {
      metadata: { namespace: 'build', name: 'local' },
      rules: [parseRule('delete | core | pods')],
    });
    await bindIn('build', 'b', { kind: 'User', name: 'alice' }, { kind: 'Role', name: 'local' });
    const { rules, incomplete, error } = fixture.registry.authorization.authorizer.rulesFor(alice, 'build');
    assert.deepEqual(
      rules.map(({ verbs }) => verbs),
      [['get', 'list'], ['get'], ['delete']],
    );
    assert.deepEqual([incomplete, error], [false, '']);
  });

  it('passes system:masters whatever the roles say', () => {
    assert.equal(decide({ name: 'root', groups: ['system:masters'] }, { verb: '*', ...pods }).allowed, true);
  });
});
