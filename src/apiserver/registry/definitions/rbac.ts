import {
  type ClusterRole,
  type ClusterRoleBinding,
  clusterRoleBindings,
  clusterRoles,
  type PolicyRule,
  type Role,
  type RoleBinding,
  type RoleRef,
  roleBindings,
  roles,
  type StatusCause,
  type Stored,
  type Subject,
} from '../../../kube/index.ts';
import type { Column, ResourceDefinition, Strategy } from '../contract.ts';
import { at, equal, invalidValue, notSupported, required, validateWith } from '../validation/index.ts';
import { isDNS1123Subdomain, isPathSegment } from '../validation/names.ts';
import { ageColumn, column, nameColumn, wideColumn } from './columns.ts';
import { change, each, fill } from './defaulting.ts';
import { defineResource } from './define.ts';
import { labelSelectorCauses } from './selector-validation.ts';

// Rules: Kubernetes 1.36, pkg/apis/rbac/validation.

const GROUP = 'rbac.authorization.k8s.io';

/** kubectl shows when a role was made, to the second, and not its age. */
function createdColumn<T extends Role | ClusterRole>(): Column<T> {
  return column<T>('Created At', (role) => role.metadata.creationTimestamp, {
    type: 'date',
    description: 'When the server created this object.',
  });
}

const roleDefinition = defineResource<Role>(roles, {
  columns: [nameColumn(), createdColumn()],
  strategy: {
    validateName: isPathSegment,
    createsOnUpdate: true,
    validate: ({ rules }) => rulesCauses(rules, true),
  },
});

const clusterRoleDefinition = defineResource<ClusterRole>(clusterRoles, {
  columns: [nameColumn(), createdColumn()],
  strategy: {
    validateName: isPathSegment,
    createsOnUpdate: true,
    validate: ({ rules, aggregationRule }) => [
      ...rulesCauses(rules, false),
      ...(aggregationRule ? aggregationCauses(aggregationRule) : []),
    ],
  },
});

function rulesCauses(rules: readonly PolicyRule[] | undefined, isNamespaced: boolean): StatusCause[] {
  return (rules ?? []).flatMap((rule, index) => ruleCauses(at('rules', index), rule, isNamespaced));
}

function ruleCauses(path: string, rule: PolicyRule, isNamespaced: boolean): StatusCause[] {
  const { verbs, apiGroups, resources, resourceNames, nonResourceURLs } = rule;
  const causes: StatusCause[] = [];
  if (!verbs?.length) causes.push(required(`${path}.verbs`, 'verbs must contain at least one value'));
  if (nonResourceURLs?.length) {
    const wrong = (why: string) => causes.push(invalidValue(`${path}.nonResourceURLs`, nonResourceURLs, why));
    if (isNamespaced) wrong('namespaced rules cannot apply to non-resource URLs');
    if (apiGroups?.length || resources?.length || resourceNames?.length)
      wrong('rules cannot apply to both regular resources and non-resource URLs');
    return causes;
  }
  if (!apiGroups?.length)
    causes.push(required(`${path}.apiGroups`, 'resource rules must supply at least one api group'));
  if (!resources?.length)
    causes.push(required(`${path}.resources`, 'resource rules must supply at least one resource'));
  return causes;
}

function aggregationCauses({
  clusterRoleSelectors,
}: NonNullable<ClusterRole['aggregationRule']>): StatusCause[] {
  const path = 'aggregationRule.clusterRoleSelectors';
  if (!clusterRoleSelectors?.length)
    return [required(path, 'at least one clusterRoleSelector required if aggregationRule is non-nil')];
  return clusterRoleSelectors.flatMap((selector, index) => labelSelectorCauses(selector, at(path, index)));
}

type Binding = RoleBinding | ClusterRoleBinding;

function bindingColumns<T extends Binding>(): readonly Column<T>[] {
  const subjects = (kind: string, nameOf: (subject: Subject) => string) => (binding: Stored<T>) =>
    (binding.subjects ?? [])
      .filter((subject) => subject.kind === kind)
      .map(nameOf)
      .join(', ');
  return [
    nameColumn(),
    column('Role', ({ roleRef }) => `${roleRef.kind}/${roleRef.name}`, {
      description: 'The role that is given to the subjects.',
    }),
    ageColumn(),
    wideColumn(
      'Users',
      subjects('User', ({ name }) => name),
    ),
    wideColumn(
      'Groups',
      subjects('Group', ({ name }) => name),
    ),
    wideColumn(
      'ServiceAccounts',
      subjects('ServiceAccount', ({ namespace, name }) => `${namespace ?? ''}/${name}`),
    ),
  ];
}

function bindingStrategy<T extends Binding>(kinds: readonly string[], isNamespaced: boolean): Strategy<T> {
  return {
    validateName: isPathSegment,
    createsOnUpdate: true,
    defaults: (binding) => {
      const withGroup = change(
        binding,
        'roleRef',
        (reference) => fill<RoleRef>(reference, { apiGroup: GROUP }) as typeof reference,
      );
      return change(
        withGroup,
        'subjects',
        (list) => each(list as readonly Subject[], defaultSubject) as typeof list,
      );
    },
    validate: ({ roleRef, subjects }) => [
      ...roleRefCauses(roleRef, kinds),
      ...(subjects ?? []).flatMap((subject, index) =>
        subjectCauses(at('subjects', index), subject, isNamespaced),
      ),
    ],
    validateUpdate: (next, previous) =>
      equal(next.roleRef, previous.roleRef)
        ? []
        : [invalidValue('roleRef', asInGo(next.roleRef), 'cannot change roleRef')],
  };
}

/** Upstream shows its internal type, whose fields have no names of JSON. */
function asInGo({ apiGroup, kind, name }: RoleRef) {
  return { APIGroup: apiGroup, Kind: kind, Name: name };
}

function defaultSubject(subject: Subject): Subject {
  return subject.kind === 'User' || subject.kind === 'Group' ? fill(subject, { apiGroup: GROUP }) : subject;
}

function roleRefCauses(
  { apiGroup = '', kind = '', name = '' }: Partial<RoleRef> = {},
  kinds: readonly string[],
): StatusCause[] {
  return [
    ...(apiGroup === GROUP ? [] : [notSupported('roleRef.apiGroup', apiGroup, [GROUP])]),
    ...(kinds.includes(kind) ? [] : [notSupported('roleRef.kind', kind, kinds)]),
    ...(name ? validateWith('roleRef.name', name, isPathSegment) : [required('roleRef.name')]),
  ];
}

function subjectCauses(path: string, subject: Subject, isNamespaced: boolean): StatusCause[] {
  const { kind, name, namespace, apiGroup = '' } = subject;
  const causes = name ? [] : [required(`${path}.name`)];
  const group = kind === 'ServiceAccount' ? '' : GROUP;
  switch (kind) {
    case 'ServiceAccount':
      if (name) causes.push(...validateWith(`${path}.name`, name, isDNS1123Subdomain));
      if (apiGroup !== group) causes.push(notSupported(`${path}.apiGroup`, apiGroup, [group]));
      if (!isNamespaced && !namespace) causes.push(required(`${path}.namespace`));
      return causes;
    case 'User':
    case 'Group':
      if (apiGroup !== group) causes.push(notSupported(`${path}.apiGroup`, apiGroup, [group]));
      return causes;
    default:
      return [...causes, notSupported(`${path}.kind`, kind, ['ServiceAccount', 'User', 'Group'])];
  }
}

const roleBindingDefinition = defineResource<RoleBinding>(roleBindings, {
  columns: bindingColumns(),
  strategy: bindingStrategy(['Role', 'ClusterRole'], true),
});

const clusterRoleBindingDefinition = defineResource<ClusterRoleBinding>(clusterRoleBindings, {
  columns: bindingColumns(),
  strategy: bindingStrategy(['ClusterRole'], false),
});

export const rbacDefinitions: readonly ResourceDefinition[] = [
  roleDefinition,
  roleBindingDefinition,
  clusterRoleDefinition,
  clusterRoleBindingDefinition,
];
