import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { Client } from '../../../client/index.ts';
import {
  clusterRoleBindings,
  clusterRoles,
  localSubjectAccessReviews,
  selfSubjectAccessReviews,
  selfSubjectRulesReviews,
  subjectAccessReviews,
} from '../../../kube/index.ts';
import { createLocalClient } from '../../local-client.ts';
import { startRegistry } from '../../registry/testing.ts';
import { parseRule } from './bootstrap/rule-text.ts';
import { bootstrapPolicy, userOfNode } from './index.ts';
import { attributesOf, serveAccessReviews } from './reviews.ts';

describe('access reviews', () => {
  let admin: Client;
  let alice: Client;
  let node: Client;
  before(async () => {
    const { registry, client } = await startRegistry();
    serveAccessReviews(registry);
    await bootstrapPolicy(registry);
    admin = client;
    alice = createLocalClient(registry, { name: 'alice', groups: ['system:authenticated'] });
    node = createLocalClient(registry, { ...userOfNode('n1') });
    await client.create(clusterRoles, { metadata: { name: 'r' }, rules: [parseRule('get | core | pods')] });
    await client.create(clusterRoleBindings, {
      metadata: { name: 'b' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'r' },
      subjects: [{ kind: 'User', name: 'alice', apiGroup: 'rbac.authorization.k8s.io' }],
    });
  });
  const reason = 'RBAC: allowed by ClusterRoleBinding "b" of ClusterRole "r" to User "alice"';
  const pods = (verb: string) => ({ resourceAttributes: { verb, resource: 'pods', namespace: 'default' } });

  it('tells about others, for those who may ask', async () => {
    const ask = (spec: object, client = admin) => client.create(subjectAccessReviews, { spec } as never);
    assert.deepEqual((await ask({ user: 'alice', ...pods('get') })).status, { allowed: true, reason });
    assert.deepEqual((await ask({ user: 'alice', ...pods('list') })).status, { allowed: false });
    assert.deepEqual((await ask({ groups: ['system:masters'], ...pods('list') })).status, { allowed: true });
    assert.deepEqual(
      (
        await ask({
          user: 'x',
          groups: ['system:unauthenticated'],
          nonResourceAttributes: { verb: 'get', path: '/version' },
        })
      ).status?.allowed,
      true,
    );
    await assert.rejects(ask({ user: 'alice', ...pods('get') }, alice), { code: 403 });
  });

  it('tells everybody about himself', async () => {
    const ask = (spec: object) => alice.create(selfSubjectAccessReviews, { spec } as never);
    assert.deepEqual((await ask(pods('get'))).status, { allowed: true, reason });
    assert.deepEqual((await ask(pods('delete'))).status, { allowed: false });
  });

  it('keeps nothing', async () => {
    assert.deepEqual((await admin.list(subjectAccessReviews)).items, []);
  });

  it('lists the rules that one has in a namespace', async () => {
    const ask = (client: Client, namespace: string) =>
      client.create(selfSubjectRulesReviews, { spec: { namespace } });
    const { status } = await ask(alice, 'default');
    const own = status?.resourceRules.find(({ resources }) => resources?.includes('pods'));
    assert.deepEqual(own, { verbs: ['get'], apiGroups: [''], resources: ['pods'] });
    assert.ok(status?.nonResourceRules.some(({ nonResourceURLs }) => nonResourceURLs?.includes('/api/*')));
    assert.equal(status?.incomplete, false);
    await assert.rejects(ask(alice, ''), { code: 400, message: 'no namespace on request' });
    const ofNode = (await ask(node, 'default')).status;
    assert.deepEqual(
      [ofNode?.incomplete, ofNode?.evaluationError],
      [true, 'node authorizer does not support user rule resolution'],
    );
  });

  describe('what it refuses', () => {
    const both = { ...pods('get'), nonResourceAttributes: { verb: 'get', path: '/' } };
    const local = (spec: object, metadata: object = { namespace: 'default' }) =>
      admin.create(localSubjectAccessReviews, { metadata, spec } as never);
    const table: [what: string, attempt: () => Promise<unknown>, message: RegExp][] = [
      [
        'nobody to ask about',
        () => admin.create(subjectAccessReviews, { spec: pods('get') } as never),
        /spec.user: Invalid value: "": at least one of user or group must be specified/,
      ],
      [
        'two questions',
        () => admin.create(selfSubjectAccessReviews, { spec: both } as never),
        /spec.nonResourceAttributes: Invalid value: .*: cannot be specified in combination with resourceAttributes/,
      ],
      [
        'no question',
        () => admin.create(selfSubjectAccessReviews, { spec: {} }),
        /spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified/,
      ],
      [
        'a name',
        () => admin.create(selfSubjectAccessReviews, { metadata: { name: 'x' }, spec: pods('get') } as never),
        /metadata: Invalid value: .*: must be empty/,
      ],
      [
        'another namespace',
        () => local({ user: 'a', resourceAttributes: { verb: 'get', resource: 'pods', namespace: 'other' } }),
        /spec.resourceAttributes.namespace: Invalid value: "other": must match metadata.namespace/,
      ],
      [
        'a path in a namespace',
        () => local({ user: 'a', nonResourceAttributes: { verb: 'get', path: '/' } }),
        /spec.nonResourceAttributes: Invalid value: .*: disallowed on this kind of request/,
      ],
    ];
    for (const [what, attempt, message] of table)
      it(what, () => assert.rejects(attempt(), { code: 422, message }));
  });
});

describe('attributesOf', () => {
  const selected = (fieldSelector: object) =>
    attributesOf({ resourceAttributes: { verb: 'list', resource: 'pods', fieldSelector } });
  it('reads field selectors, and leaves out what it cannot read', () => {
    const term = { path: 'spec.nodeName', equals: true, value: 'n1' };
    const fields = ({ attributes }: ReturnType<typeof selected>) =>
      'path' in attributes ? undefined : attributes.fieldSelector;
    assert.deepEqual(fields(selected({ rawSelector: 'spec.nodeName=n1' })), [term]);
    const requirement = { key: 'spec.nodeName', operator: 'In', values: ['n1'] };
    assert.deepEqual(fields(selected({ requirements: [requirement] })), [term]);
    const partly = selected({ requirements: [requirement, { key: 'a', operator: 'Exists' }] });
    assert.deepEqual(fields(partly), [term]);
    assert.equal(partly.error, 'spec.resourceAttributes.fieldSelector partially ignored due to parse error');
    assert.equal(
      selected({ rawSelector: 'nonsense' }).error,
      'spec.resourceAttributes.fieldSelector ignored due to parse error',
    );
  });
});
