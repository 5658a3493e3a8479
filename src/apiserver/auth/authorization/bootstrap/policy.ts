import type {
  ClusterRole,
  ClusterRoleBinding,
  PolicyRule,
  Role,
  RoleBinding,
  Subject,
} from '../../../../kube/index.ts';
import { CLUSTER_ROLE_BINDINGS, NAMESPACE_ROLE_BINDINGS } from './bindings.ts';
import { AGGREGATED_ROLES, CLUSTER_ROLES } from './cluster-roles.ts';
import { CONTROLLER_ROLES } from './controller-roles.ts';
import { NAMESPACE_ROLES } from './namespace-roles.ts';
import { parseRule, type RuleText } from './rule-text.ts';

const GROUP = 'rbac.authorization.k8s.io';
const ANNOTATIONS = { 'rbac.authorization.kubernetes.io/autoupdate': 'true' };
const BOOTSTRAPPING = { 'kubernetes.io/bootstrapping': 'rbac-defaults' };

/** The rules of the role system:node. */
export const NODE_RULES: readonly PolicyRule[] = CLUSTER_ROLES['system:node']!.map(parseRule);

/** Every cluster role that a cluster has from the start. */
export function defaultClusterRoles(): readonly ClusterRole[] {
  return [
    ...Object.entries(CLUSTER_ROLES).map(([name, rules]) => clusterRole(name, rules)),
    ...Object.entries(AGGREGATED_ROLES).map(([part, rules]) =>
      clusterRole(`system:aggregate-to-${part}`, rules, aggregateTo(part)),
    ),
    // Each takes in what is labelled for it, so that admin has what edit has, and edit what view has.
    aggregated('admin', {}),
    aggregated('edit', aggregateTo('admin')),
    aggregated('view', aggregateTo('edit')),
    ...Object.entries(CONTROLLER_ROLES).map(([name, rules]) =>
      clusterRole(`system:controller:${name}`, rules),
    ),
  ];
}

export function defaultClusterRoleBindings(): readonly ClusterRoleBinding[] {
  return [
    ...Object.entries(CLUSTER_ROLE_BINDINGS).map(([name, subjects]) => clusterRoleBinding(name, subjects)),
    ...Object.keys(CONTROLLER_ROLES).map((name) =>
      clusterRoleBinding(`system:controller:${name}`, [`ServiceAccount kube-system/${name}`]),
    ),
  ];
}

export function defaultRoles(): readonly Role[] {
  return Object.entries(NAMESPACE_ROLES).flatMap(([namespace, roles]) =>
    Object.entries(roles).map(([name, rules]) => ({
      metadata: { namespace, ...metadataOf(name) },
      rules: rules.map(parseRule),
    })),
  );
}

export function defaultRoleBindings(): readonly RoleBinding[] {
  return NAMESPACE_ROLE_BINDINGS.map(([namespace, name, role, subjects]) => ({
    metadata: { namespace, ...metadataOf(name) },
    roleRef: { apiGroup: GROUP, kind: 'Role', name: role },
    subjects: subjects.map(parseSubject),
  }));
}

/** A cluster role of rule texts, kept up to date at every start. */
export function clusterRole(
  name: string,
  rules: readonly RuleText[],
  labels: Readonly<Record<string, string>> = {},
): ClusterRole {
  return { metadata: metadataOf(name, labels), rules: rules.map(parseRule) };
}

/** Binds the cluster role of the same name to `Kind NAME`s. */
export function clusterRoleBinding(name: string, subjects: readonly string[]): ClusterRoleBinding {
  return {
    metadata: metadataOf(name),
    roleRef: { apiGroup: GROUP, kind: 'ClusterRole', name },
    ...(subjects.length > 0 ? { subjects: subjects.map(parseSubject) } : {}),
  };
}

function aggregated(name: string, labels: Readonly<Record<string, string>>): ClusterRole {
  return {
    metadata: metadataOf(name, labels),
    aggregationRule: { clusterRoleSelectors: [{ matchLabels: aggregateTo(name) }] },
  };
}

function aggregateTo(role: string): Readonly<Record<string, string>> {
  return { [`${GROUP}/aggregate-to-${role}`]: 'true' };
}

function metadataOf(name: string, labels: Readonly<Record<string, string>> = {}) {
  return { name, labels: { ...BOOTSTRAPPING, ...labels }, annotations: ANNOTATIONS };
}

function parseSubject(text: string): Subject {
  const space = text.indexOf(' ');
  const kind = text.slice(0, space);
  const name = text.slice(space + 1);
  if (kind !== 'ServiceAccount') return { apiGroup: GROUP, kind, name };
  const [namespace, account] = name.split('/') as [string, string];
  return { kind, name: account, namespace };
}
