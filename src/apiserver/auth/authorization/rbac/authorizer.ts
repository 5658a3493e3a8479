import {
  clusterRoleBindings,
  clusterRoles,
  type PolicyRule,
  type RoleRef,
  roleBindings,
  roles,
} from '../../../../kube/index.ts';
import type { UserInfo } from '../../user.ts';
import {
  type Attributes,
  type Authorizer,
  type Decision,
  NO_OPINION,
  type ObjectSource,
  type RuleList,
} from '../contract.ts';
import { Bindings, type Match } from './bindings.ts';
import { describeMatch } from './describe.ts';
import { Memory } from './memory.ts';
import { ruleAllows } from './rule.ts';

/** What a binding gives to a user: the rules of its role, or why they are not known. */
interface Grant {
  readonly match: Match;
  readonly rules: readonly PolicyRule[];
  readonly error?: string;
}

/** What is known of one user until a role or a binding changes. */
interface Known {
  readonly cluster: readonly Grant[];
  readonly namespaces: Map<string, readonly Grant[]>;
  /** What he may do everywhere and with every name. */
  readonly allowed: Memory;
}

/** More is an attack on the memory, not a user at work. */
const MAX_NAMESPACES_REMEMBERED = 1024;

/** Role based access control: what the roles bound to a user allow (plugin/pkg/auth/authorizer/rbac). */
export class RbacAuthorizer implements Authorizer {
  readonly #source: ObjectSource;
  readonly #bindings = new Bindings();
  #known = new WeakMap<UserInfo, Known>();

  constructor(source: ObjectSource) {
    this.#source = source;
    const forget = () => {
      this.#known = new WeakMap();
    };
    source.follow(clusterRoleBindings, {
      reset: () => this.#bindings.clear('cluster'),
      change: (key, next, previous) => {
        this.#bindings.change(key, next, previous);
        forget();
      },
    });
    source.follow(roleBindings, {
      reset: () => this.#bindings.clear('namespaced'),
      change: (key, next, previous) => {
        this.#bindings.change(key, next, previous);
        forget();
      },
    });
    source.follow(clusterRoles, { reset: forget, change: forget });
    source.follow(roles, { reset: forget, change: forget });
  }

  decide(user: UserInfo, attributes: Attributes): Decision {
    const known = this.#of(user);
    const isPath = 'path' in attributes;
    if (!isPath) {
      const remembered = known.allowed.get(attributes);
      if (remembered) return remembered;
    }
    const errors: string[] = [];
    for (const grant of known.cluster) {
      const rule = ruleThatAllows(grant, attributes, errors);
      if (!rule) continue;
      const decision = allowedBy(grant);
      if (!isPath && !rule.resourceNames?.length) known.allowed.set(attributes, decision);
      return decision;
    }
    const namespace = isPath ? '' : (attributes.namespace ?? '');
    if (namespace !== '') {
      for (const grant of this.#inNamespace(user, known, namespace))
        if (ruleThatAllows(grant, attributes, errors)) return allowedBy(grant);
    }
    return errors.length === 0 ? NO_OPINION : { allowed: false, reason: `RBAC: ${aggregate(errors)}` };
  }

  rulesFor(user: UserInfo, namespace: string): RuleList {
    const known = this.#of(user);
    const grants = [...known.cluster, ...(namespace === '' ? [] : this.#inNamespace(user, known, namespace))];
    const errors = grants.flatMap(({ error }) => error ?? []);
    return {
      rules: grants.flatMap(({ rules }) => rules),
      incomplete: false,
      error: aggregate(errors),
    };
  }

  /**
   * The rules of a role; `namespace` is the binding's.
   * @returns the reason when there is no such role.
   */
  rulesOfRole(reference: RoleRef, namespace: string): readonly PolicyRule[] | string {
    const { kind, name } = reference;
    if (kind !== 'Role' && kind !== 'ClusterRole')
      return `unsupported role reference kind: ${JSON.stringify(kind)}`;
    const role =
      kind === 'Role'
        ? this.#source.get(roles, namespace, name)
        : this.#source.get(clusterRoles, undefined, name);
    return (
      role?.rules ??
      (role ? [] : `${kind.toLowerCase()}.rbac.authorization.k8s.io ${JSON.stringify(name)} not found`)
    );
  }

  #of(user: UserInfo): Known {
    let known = this.#known.get(user);
    if (!known) {
      known = { cluster: this.#grants(user, ''), namespaces: new Map(), allowed: new Memory() };
      this.#known.set(user, known);
    }
    return known;
  }

  #inNamespace(user: UserInfo, { namespaces }: Known, namespace: string): readonly Grant[] {
    let grants = namespaces.get(namespace);
    if (!grants) {
      grants = this.#grants(user, namespace);
      if (namespaces.size >= MAX_NAMESPACES_REMEMBERED) namespaces.clear();
      namespaces.set(namespace, grants);
    }
    return grants;
  }

  #grants(user: UserInfo, namespace: string): readonly Grant[] {
    return this.#bindings.of(user, namespace).map((match) => {
      const rules = this.rulesOfRole(match.binding.roleRef, namespace);
      return typeof rules === 'string' ? { match, rules: [], error: rules } : { match, rules };
    });
  }
}

function ruleThatAllows(grant: Grant, attributes: Attributes, errors: string[]): PolicyRule | undefined {
  if (grant.error !== undefined) errors.push(grant.error);
  return grant.rules.find((rule) => ruleAllows(rule, attributes));
}

function allowedBy({ match }: Grant): Decision {
  return { allowed: true, reason: `RBAC: allowed by ${describeMatch(match)}` };
}

/** As apimachinery's Aggregate prints several errors. */
function aggregate(errors: readonly string[]): string {
  const distinct = [...new Set(errors)];
  return distinct.length > 1 ? `[${distinct.join(', ')}]` : (distinct[0] ?? '');
}
