import type { FieldTerm, KubeObject, PolicyRule, Resource, RoleRef, Stored } from '../../../kube/index.ts';
import type { UserInfo } from '../user.ts';

/** What a request wants to do: with a resource, or with a plain path. */
export type Attributes = ResourceAttributes | PathAttributes;

export interface ResourceAttributes {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string;
  /** Absent or '' at the cluster scope. */
  readonly namespace?: string;
  readonly name?: string;
  /** What a list or watch is restricted to: some may read no more than that. */
  readonly fieldSelector?: readonly FieldTerm[];
}

export interface PathAttributes {
  readonly verb: string;
  readonly path: string;
}

export interface Decision {
  readonly allowed: boolean;
  /** Why, where there is something to say. */
  readonly reason: string;
}

/** The rules that hold for a user, as far as they can be told. */
export interface RuleList {
  readonly rules: readonly PolicyRule[];
  /** Not everything that the user may do follows from rules. */
  readonly incomplete: boolean;
  /** What could not be looked up: '' when nothing. */
  readonly error: string;
}

/** Decides what users may do. Synchronous, and cheap enough for every request of every component. */
export interface Authorizer {
  decide(user: UserInfo, attributes: Attributes): Decision;
  /** In one namespace, with what holds at the cluster scope. */
  rulesFor(user: UserInfo, namespace: string): RuleList;
}

/** The roles alone: what somebody may hand on is decided by what he holds by role. */
export interface RoleRules {
  rulesFor(user: UserInfo, namespace: string): RuleList;
  /**
   * The rules of a role; `namespace` is the binding's.
   * @returns the reason when there is no such role.
   */
  rulesOfRole(reference: RoleRef, namespace: string): readonly PolicyRule[] | string;
}

/** Whom the API server asks: the node authorizer, then the roles. */
export interface Authorization {
  readonly authorizer: Authorizer;
  readonly rbac: RoleRules;
}

/** Takes every present object of a resource and then every change, in order. */
export interface Follower<T extends KubeObject> {
  /** Forget everything: all present objects follow. */
  reset(): void;
  /** `next` is absent for a deletion, `previous` for a new object. */
  change(key: string, next: Stored<T> | undefined, previous: Stored<T> | undefined): void;
}

/** What authorizers read: objects as readers see them. */
export interface ObjectSource {
  get<T extends KubeObject>(
    resource: Resource<T>,
    namespace: string | undefined,
    name: string,
  ): Stored<T> | undefined;
  /** The present objects at once; changes before the write that makes them is acknowledged. */
  follow<T extends KubeObject>(resource: Resource<T>, follower: Follower<T>): void;
}

export const NO_OPINION: Decision = Object.freeze({ allowed: false, reason: '' });
export const ALLOWED: Decision = Object.freeze({ allowed: true, reason: '' });
