import {
  type ClusterRole,
  clusterRoleBindings,
  clusterRoles,
  forbidden,
  type KubeObject,
  notFound,
  type PolicyRule,
  type RoleBinding,
  roleBindings,
  roles,
  type Stored,
} from '../../kube/index.ts';
import { compactRules, describeRule, quotedList, uncovered } from '../auth/authorization/index.ts';
import { GROUP_MASTERS } from '../auth/names.ts';
import { equal } from '../registry/validation/index.ts';
import type { AdmissionPlugin, AdmissionRequest } from './contract.ts';

/**
 * Nobody hands on what he has not got himself: a role may only hold rules that its writer holds, and a binding may only
 * bind a role whose rules its writer holds, unless he may `escalate` or `bind` (pkg/registry/rbac, policybased
 * storage). Upstream has it between storage and admission; it comes after all other mutation, before validation.
 */
export const roleEscalation: AdmissionPlugin = {
  name: 'RoleEscalation',
  operations: ['CREATE', 'UPDATE'],
  resources: [roles, clusterRoles, roleBindings, clusterRoleBindings],
  mutate(object, request) {
    const { user, previous } = request;
    if (user.groups.includes(GROUP_MASTERS)) return object;
    if (previous && changesOnlyOwnership(object, previous)) return object;
    const isRole =
      request.resource.plural === roles.plural || request.resource.plural === clusterRoles.plural;
    if (isRole) checkRole(object as ClusterRole, request);
    else checkBinding(object as RoleBinding, request);
    return object;
  },
};

function checkRole(role: ClusterRole, request: AdmissionRequest): void {
  const { resource, namespace, name, user, authorization, operation } = request;
  // A create is not about a name yet.
  const asked = operation === 'CREATE' ? undefined : name;
  const attributes = { verb: 'escalate', group: resource.group, resource: resource.plural };
  if (authorization.authorizer.decide(user, { ...attributes, namespace, name: asked }).allowed) return;
  checkHeld(role.rules ?? [], request);
  // It can gather anything, and takes back what somebody has tightened by hand.
  const aggregates = gathers(role) || gathers(request.previous as ClusterRole | undefined);
  if (!aggregates) return;
  const { rules } = authorization.rbac.rulesFor(user, namespace ?? '');
  if (uncovered(rules, FULL_AUTHORITY).length > 0)
    throw forbidden(resource, name, 'must have cluster-admin privileges to use the aggregationRule');
}

const FULL_AUTHORITY: readonly PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
];

const gathers = (role: ClusterRole | undefined): boolean =>
  (role?.aggregationRule?.clusterRoleSelectors?.length ?? 0) > 0;

function checkBinding({ roleRef }: RoleBinding, request: AdmissionRequest): void {
  const { namespace = '', user, authorization } = request;
  const bound = roleRef.kind === 'ClusterRole' ? clusterRoles : roles;
  const attributes = {
    verb: 'bind',
    group: roleRef.apiGroup ?? '',
    resource: bound.plural,
    name: roleRef.name,
  };
  const isKnown = roleRef.kind === 'ClusterRole' || roleRef.kind === 'Role';
  if (isKnown && authorization.authorizer.decide(user, { ...attributes, namespace }).allowed) return;
  const rules = authorization.rbac.rulesOfRole(roleRef, namespace);
  if (typeof rules === 'string') {
    if (!isKnown) throw forbidden(request.resource, request.name, rules);
    // Upstream looks the role up under the name of what is asked for: the binding.
    throw notFound(request.resource, roleRef.name);
  }
  checkHeld(rules, request);
}

function checkHeld(
  wanted: readonly PolicyRule[],
  { user, namespace = '', authorization, ...request }: AdmissionRequest,
): void {
  const { rules, error } = authorization.rbac.rulesFor(user, namespace);
  const missing = uncovered(rules, wanted);
  if (missing.length === 0) return;
  const lines = [...new Set(compactRules(missing).map(describeRule))].sort();
  const unknown = error === '' ? '' : `; resolution errors: [${error}]`;
  throw forbidden(
    request.resource,
    request.name,
    `user ${JSON.stringify(user.name)} (groups=${quotedList(user.groups)}) is attempting to grant RBAC permissions not currently held:\n${lines.join('\n')}${unknown}`,
  );
}

/** The garbage collector may do its work on roles that it could not write. */
function changesOnlyOwnership(next: KubeObject, previous: Stored<KubeObject>): boolean {
  const { ownerReferences, finalizers, managedFields } = previous.metadata;
  const metadata = { ...next.metadata, ownerReferences, finalizers, managedFields };
  return equal({ ...next, metadata }, previous);
}
