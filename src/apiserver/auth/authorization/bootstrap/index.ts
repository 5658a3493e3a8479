import {
  clusterRoleBindings,
  clusterRoles,
  isNotFound,
  type KubeObject,
  type Resource,
  type RoleRef,
  roleBindings,
  roles,
  type Stored,
} from '../../../../kube/index.ts';
import type { Registry, RequestContext } from '../../../registry/contract.ts';
import {
  clusterRole,
  clusterRoleBinding,
  defaultClusterRoleBindings,
  defaultClusterRoles,
  defaultRoleBindings,
  defaultRoles,
} from './policy.ts';
import { isProtected, reconciledBinding, reconciledRole } from './reconcile.ts';
import type { RuleText } from './rule-text.ts';

export { NODE_RULES } from './policy.ts';
export { EVENTS, type RuleText } from './rule-text.ts';

/** A cluster role beyond upstream's, and who has it: `Kind NAME`s. */
export interface ExtraRole {
  readonly name: string;
  readonly rules: readonly RuleText[];
  readonly subjects: readonly string[];
}

const BOOTSTRAP: RequestContext = { user: { name: 'system:apiserver', groups: ['system:masters'] } };

/** Makes the roles and bindings that every cluster has, or gives those that are there what they lack. */
export async function bootstrapPolicy(registry: Registry, extra: readonly ExtraRole[] = []): Promise<void> {
  const ensureAll = <T extends KubeObject>(
    resource: Resource<T>,
    wanted: readonly T[],
    reconcile: (present: T, wanted: T) => T,
  ) => wanted.map((object) => ensure(registry, resource, object, reconcile));
  await Promise.all([
    ...ensureAll(
      clusterRoles,
      [...defaultClusterRoles(), ...extra.map(({ name, rules }) => clusterRole(name, rules))],
      reconciledRole,
    ),
    ...ensureAll(
      clusterRoleBindings,
      [
        ...defaultClusterRoleBindings(),
        ...extra.map(({ name, subjects }) => clusterRoleBinding(name, subjects)),
      ],
      reconciledBinding,
    ),
    ...ensureAll(roles, defaultRoles(), reconciledRole),
    ...ensureAll(roleBindings, defaultRoleBindings(), reconciledBinding),
  ]);
}

async function ensure<T extends KubeObject>(
  registry: Registry,
  resource: Resource<T>,
  wanted: T,
  reconcile: (present: T, wanted: T) => T,
): Promise<void> {
  const present = find(registry, resource, wanted);
  if (!present) {
    await registry.create(resource, wanted, BOOTSTRAP);
    return;
  }
  if (isProtected(present)) return;
  const name = { namespace: wanted.metadata?.namespace, name: wanted.metadata?.name ?? '' };
  if (roleNameOf(present) !== roleNameOf(wanted)) {
    // What a binding binds cannot be changed.
    await registry.delete(resource, name, {}, BOOTSTRAP);
    await registry.create(resource, wanted, BOOTSTRAP);
    return;
  }
  const next = reconcile(present, wanted);
  if (next !== present) await registry.update(resource, name, next, BOOTSTRAP);
}

function find<T extends KubeObject>(
  registry: Registry,
  resource: Resource<T>,
  { metadata }: T,
): Stored<T> | undefined {
  try {
    return registry.get(resource, { namespace: metadata?.namespace, name: metadata?.name ?? '' }).object;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

function roleNameOf(object: KubeObject): string {
  const { roleRef } = object as { roleRef?: RoleRef };
  return roleRef ? `${roleRef.kind} ${roleRef.name}` : '';
}
