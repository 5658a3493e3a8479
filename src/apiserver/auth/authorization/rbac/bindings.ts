import type { ClusterRoleBinding, RoleBinding, Stored, Subject } from '../../../../kube/index.ts';
import { serviceAccountUsername } from '../../names.ts';
import type { UserInfo } from '../../user.ts';

export type AnyBinding = Stored<ClusterRoleBinding> | Stored<RoleBinding>;

/** A binding that is about a user, and the first of its subjects that is. */
export interface Match {
  readonly binding: AnyBinding;
  readonly subject: Subject;
}

/** The bindings of one scope, by what their subjects are called: a user finds his without looking at the others. */
class Scope {
  readonly #bySubject = new Map<string, Map<string, { binding: AnyBinding; index: number }>>();

  add(key: string, binding: AnyBinding): void {
    for (const [index, subject] of (binding.subjects ?? []).entries()) {
      const name = nameOf(subject, binding.metadata.namespace);
      if (name === undefined) continue;
      const bindings = this.#bySubject.get(name);
      if (!bindings) this.#bySubject.set(name, new Map([[key, { binding, index }]]));
      else if (!bindings.has(key)) bindings.set(key, { binding, index });
    }
  }

  remove(key: string, binding: AnyBinding): void {
    for (const subject of binding.subjects ?? []) {
      const name = nameOf(subject, binding.metadata.namespace);
      if (name === undefined) continue;
      const bindings = this.#bySubject.get(name);
      bindings?.delete(key);
      if (bindings?.size === 0) this.#bySubject.delete(name);
    }
  }

  of(user: UserInfo): Match[] {
    const found = new Map<string, { binding: AnyBinding; index: number }>();
    for (const name of [`User ${user.name}`, ...user.groups.map((group) => `Group ${group}`)]) {
      for (const [key, match] of this.#bySubject.get(name) ?? []) {
        const known = found.get(key);
        if (!known || match.index < known.index) found.set(key, match);
      }
    }
    return [...found.values()].map(({ binding, index }) => ({
      binding,
      subject: binding.subjects![index]!,
    }));
  }
}

/** What a subject is looked up by; a service account is the user that it logs in as. */
function nameOf(subject: Subject, bindingNamespace: string | undefined): string | undefined {
  switch (subject.kind) {
    case 'User':
    case 'Group':
      return `${subject.kind} ${subject.name}`;
    case 'ServiceAccount': {
      const namespace = subject.namespace || bindingNamespace;
      return namespace ? `User ${serviceAccountUsername(namespace, subject.name)}` : undefined;
    }
    default:
      return undefined;
  }
}

/** All bindings: those at the cluster scope under '', the others under their namespaces. */
export class Bindings {
  readonly #scopes = new Map<string, Scope>();

  change(key: string, next: AnyBinding | undefined, previous: AnyBinding | undefined): void {
    const scope = this.#scope((next ?? previous)?.metadata.namespace ?? '');
    if (previous) scope.remove(key, previous);
    if (next) scope.add(key, next);
  }

  clear(which: 'cluster' | 'namespaced'): void {
    for (const namespace of [...this.#scopes.keys()])
      if ((namespace === '') === (which === 'cluster')) this.#scopes.delete(namespace);
  }

  /** `namespace` '' asks for the cluster scope. */
  of(user: UserInfo, namespace: string): readonly Match[] {
    return this.#scopes.get(namespace)?.of(user) ?? [];
  }

  #scope(namespace: string): Scope {
    let scope = this.#scopes.get(namespace);
    if (!scope) {
      scope = new Scope();
      this.#scopes.set(namespace, scope);
    }
    return scope;
  }
}
