import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { Client } from '../../../client/index.ts';
import {
  clusterRoleBindings,
  clusterRoles,
  type KubeObject,
  type Resource,
  roleBindings,
  roles,
} from '../../../kube/index.ts';
import { startRegistry } from '../testing.ts';
import { rbacDefinitions } from './rbac.ts';

const GROUP = 'rbac.authorization.k8s.io';

describe('the kinds of rbac.authorization.k8s.io', () => {
  let client: Client;
  before(async () => {
    ({ client } = await startRegistry());
  });
  const metadata = { namespace: 'default', name: 'r' };
  const rule = { verbs: ['get'], apiGroups: [''], resources: ['pods'] };
  const roleRef = { apiGroup: GROUP, kind: 'ClusterRole', name: 'r' };
  const user = { kind: 'User', name: 'a', apiGroup: GROUP };
  const withRule = (change: object) => ({ rules: [{ ...rule, ...change }] });
  const withSubject = (change: object) => ({ roleRef, subjects: [{ ...user, ...change }] });

  const table: [resource: Resource, body: object, cause: string][] = [
    [roles, withRule({ verbs: [] }), 'rules[0].verbs: Required value: verbs must contain at least one value'],
    [
      roles,
      withRule({ apiGroups: [] }),
      'rules[0].apiGroups: Required value: resource rules must supply at least one api group',
    ],
    [
      roles,
      withRule({ resources: [] }),
      'rules[0].resources: Required value: resource rules must supply at least one resource',
    ],
    [
      roles,
      { rules: [{ verbs: ['get'], nonResourceURLs: ['/x'] }] },
      'rules[0].nonResourceURLs: Invalid value: ["/x"]: namespaced rules cannot apply to non-resource URLs',
    ],
    [
      clusterRoles,
      withRule({ nonResourceURLs: ['/x'] }),
      'rules[0].nonResourceURLs: Invalid value: ["/x"]: rules cannot apply to both regular resources and non-resource URLs',
    ],
    [
      clusterRoles,
      { aggregationRule: {} },
      'aggregationRule.clusterRoleSelectors: Required value: at least one clusterRoleSelector required if aggregationRule is non-nil',
    ],
    [
      clusterRoles,
      { aggregationRule: { clusterRoleSelectors: [{ matchExpressions: [{ key: 'a', operator: 'Is' }] }] } },
      'aggregationRule.clusterRoleSelectors[0].matchExpressions[0].operator: Invalid value: "Is": not a valid selector operator',
    ],
    [
      roleBindings,
      { roleRef: { ...roleRef, apiGroup: 'other' } },
      `roleRef.apiGroup: Unsupported value: "other": supported values: "${GROUP}"`,
    ],
    [
      roleBindings,
      { roleRef: { ...roleRef, kind: 'Group' } },
      'roleRef.kind: Unsupported value: "Group": supported values: "Role", "ClusterRole"',
    ],
    [
      clusterRoleBindings,
      { roleRef: { ...roleRef, kind: 'Role' } },
      'roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"',
    ],
    [roleBindings, { roleRef: { ...roleRef, name: '' } }, 'roleRef.name: Required value'],
    [
      roleBindings,
      { roleRef: { ...roleRef, name: 'a/b' } },
      'roleRef.name: Invalid value: "a/b": may not contain \'/\'',
    ],
    [roleBindings, withSubject({ name: '' }), 'subjects[0].name: Required value'],
    [
      roleBindings,
      withSubject({ apiGroup: 'x' }),
      `subjects[0].apiGroup: Unsupported value: "x": supported values: "${GROUP}"`,
    ],
    [
      roleBindings,
      withSubject({ kind: 'Robot' }),
      'subjects[0].kind: Unsupported value: "Robot": supported values: "ServiceAccount", "User", "Group"',
    ],
    [
      roleBindings,
      withSubject({ kind: 'ServiceAccount' }),
      `subjects[0].apiGroup: Unsupported value: "${GROUP}": supported values: ""`,
    ],
    [
      clusterRoleBindings,
      { roleRef, subjects: [{ kind: 'ServiceAccount', name: 'robot' }] },
      'subjects[0].namespace: Required value',
    ],
  ];
  for (const [resource, body, cause] of table)
    it(`${resource.kind}: ${cause}`, () => {
      const own = resource.namespaced ? metadata : { name: 'r' };
      return assert.rejects(client.create(resource, { metadata: own, ...body } as KubeObject), {
        code: 422,
        message: `${resource.kind}.${GROUP} "r" is invalid: ${cause}`,
      });
    });

  it('fills in the group of role and subjects, and takes names that only a path forbids', async () => {
    const made = await client.create(clusterRoleBindings, {
      metadata: { name: 'Any:Name_here' },
      roleRef: { kind: 'ClusterRole', name: 'r' } as never,
      subjects: [
        { kind: 'Group', name: 'dev' },
        { kind: 'ServiceAccount', name: 'robot', namespace: 'x' },
      ],
    });
    assert.equal(made.roleRef.apiGroup, GROUP);
    assert.deepEqual(
      made.subjects?.map(({ apiGroup }) => apiGroup),
      [GROUP, undefined],
    );
  });

  it('never changes what a binding binds', async () => {
    await client.create(roleBindings, { metadata, roleRef, subjects: [user] });
    await assert.rejects(
      client.patch(roleBindings, metadata, { type: 'merge', body: { roleRef: { name: 'other' } } }),
      {
        code: 422,
        message:
          /roleRef: Invalid value: \{"APIGroup":"rbac.authorization.k8s.io","Kind":"ClusterRole","Name":"other"\}: cannot change roleRef$/,
      },
    );
  });

  it('shows a binding as upstream does', async () => {
    const definition = rbacDefinitions.find(({ plural }) => plural === 'clusterrolebindings')!;
    const made = await client.create(clusterRoleBindings, {
      metadata: { name: 'shown' },
      roleRef,
      subjects: [
        user,
        { ...user, kind: 'Group', name: 'g' },
        { kind: 'ServiceAccount', name: 's', namespace: 'n' },
      ],
    });
    const cells = definition.columns.map(
      ({ name, cell }) => `${name}=${cell(made as never, Date.parse(made.metadata.creationTimestamp))}`,
    );
    assert.deepEqual(cells, [
      'Name=shown',
      'Role=ClusterRole/r',
      'Age=0s',
      'Users=a',
      'Groups=g',
      'ServiceAccounts=n/s',
    ]);
  });
});
