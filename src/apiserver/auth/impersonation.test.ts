import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PolicyRule } from '../../kube/index.ts';
import { type Authorizer, NO_OPINION } from './authorization/contract.ts';
import { ruleAllows } from './authorization/rbac/rule.ts';
import { impersonate, wantedUser } from './impersonation.ts';
import type { UserInfo } from './user.ts';

const holding = (...rules: PolicyRule[]): Authorizer => ({
  decide: (_user, attributes) =>
    rules.some((rule) => ruleAllows(rule, attributes)) ? { allowed: true, reason: '' } : NO_OPINION,
  rulesFor: () => ({ rules, incomplete: false, error: '' }),
});
const rule = (verbs: string[], resources: string[], group = '', names: string[] = []): PolicyRule => ({
  verbs,
  apiGroups: [group],
  resources,
  resourceNames: names,
});
const operator: UserInfo = { name: 'operator', groups: ['system:authenticated'] };
const LIST_PODS = { verb: 'list', group: '', resource: 'pods', namespace: 'default' };
const act = (authorizer: Authorizer, wanted: Partial<UserInfo>) =>
  impersonate(authorizer, operator, { name: '', groups: [], ...wanted }, LIST_PODS);

describe('wantedUser', () => {
  it('reads user, uid, groups and extras', () => {
    assert.deepEqual(
      wantedUser({
        'impersonate-user': ['jane'],
        'impersonate-uid': ['u1'],
        'impersonate-group': ['a', 'b'],
        'impersonate-extra-example.com%2fscope': ['x', 'y'],
        accept: ['*/*'],
      }),
      { name: 'jane', uid: 'u1', groups: ['a', 'b'], extra: { 'example.com/scope': ['x', 'y'] } },
    );
  });
  it('is nobody without such headers, and a bad request without a name', () => {
    assert.equal(wantedUser({ accept: ['*/*'] }), undefined);
    for (const headers of [
      { 'impersonate-group': ['a'] },
      { 'impersonate-uid': ['a'] },
      { 'impersonate-extra-a': ['b'] },
    ])
      assert.throws(() => wantedUser(headers), { code: 400, message: /without impersonating a user name$/ });
  });
});

describe('impersonate', () => {
  const anybody = holding(rule(['impersonate'], ['users', 'groups', 'serviceaccounts']));
  const table: [what: string, wanted: Partial<UserInfo>, groups: string[]][] = [
    ['a user is authenticated', { name: 'jane' }, ['system:authenticated']],
    ['groups that are named', { name: 'jane', groups: ['a'] }, ['a', 'system:authenticated']],
    [
      'a service account has the groups of its kind',
      { name: 'system:serviceaccount:build:robot' },
      ['system:serviceaccounts', 'system:serviceaccounts:build', 'system:authenticated'],
    ],
    ['anonymous is not authenticated', { name: 'system:anonymous' }, ['system:unauthenticated']],
    [
      'whoever is unauthenticated stays so',
      { name: 'jane', groups: ['system:unauthenticated'] },
      ['system:unauthenticated'],
    ],
    ['a node by the verb of old is of no group', { name: 'system:node:n1' }, ['system:authenticated']],
  ];
  for (const [what, wanted, groups] of table)
    it(what, () => assert.deepEqual(act(anybody, wanted).groups, groups));

  it('needs every part, and names the first that it may not be', () => {
    const users = holding(rule(['impersonate'], ['users'], '', ['jane']));
    assert.equal(act(users, { name: 'jane' }).name, 'jane');
    const refused = (wanted: Partial<UserInfo>, authorizer: Authorizer, message: string) =>
      assert.throws(() => act(authorizer, wanted), { code: 403, message });
    // The first mode that could have allowed it speaks: may the operator do this as somebody else at all?
    refused(
      { name: 'joe' },
      users,
      'pods is forbidden: User "operator" cannot impersonate-on:user-info:list resource "pods" in API group "" in the namespace "default"',
    );
    const onLists = rule(['impersonate-on:user-info:list'], ['pods']);
    refused(
      { name: 'joe' },
      holding(onLists),
      'users.authentication.k8s.io "joe" is forbidden: User "operator" cannot impersonate:user-info resource "users" in API group "authentication.k8s.io" at the cluster scope',
    );
  });

  it('lets the constrained verbs act for what they say only', () => {
    const identity = 'authentication.k8s.io';
    const constrained = holding(
      rule(['impersonate-on:user-info:list'], ['pods']),
      rule(['impersonate:user-info'], ['users', 'groups', 'uids', 'userextras/scope'], identity),
    );
    const wanted = { name: 'jane', uid: 'u', groups: ['a'], extra: { scope: ['x'] } };
    assert.deepEqual(act(constrained, wanted), { ...wanted, groups: ['a', 'system:authenticated'] });
    assert.throws(
      () => impersonate(constrained, operator, { ...wanted }, { ...LIST_PODS, verb: 'delete' }),
      /cannot impersonate-on:user-info:delete/,
    );
    assert.throws(() => act(constrained, { name: 'jane', groups: ['system:masters'] }), {
      code: 403,
      message: /impersonating the system:masters group is not allowed$/,
    });
  });

  it('makes a node a node in the constrained way', () => {
    const nodes = holding(
      rule(['impersonate-on:arbitrary-node:list'], ['pods']),
      rule(['impersonate:arbitrary-node'], ['nodes'], 'authentication.k8s.io', ['n1']),
    );
    assert.deepEqual(act(nodes, { name: 'system:node:n1' }).groups, ['system:nodes', 'system:authenticated']);
    assert.throws(() => act(nodes, { name: 'system:node:n2' }), { code: 403 });
  });
});
