import { NODE_RULES } from './bootstrap/index.ts';
import { chainOf } from './chain.ts';
import type { Authorization, ObjectSource } from './contract.ts';
import { NodeAuthorizer } from './node/authorizer.ts';
import { RbacAuthorizer } from './rbac/authorizer.ts';

export { bootstrapPolicy, EVENTS, type ExtraRole } from './bootstrap/index.ts';
export { withSelector } from './collection.ts';
export type {
  Attributes,
  Authorization,
  Authorizer,
  Decision,
  Follower,
  ObjectSource,
  ResourceAttributes,
  RuleList,
} from './contract.ts';
export { forbiddenFor } from './forbidden.ts';
export { nodeNameOf, userOfNode } from './node/identity.ts';
export { type ReferenceKind, referencesOfSpec } from './node/references.ts';
export { compactRules, describeRule, quotedList, uncovered } from './rbac/covers.ts';
export { serveAccessReviews } from './reviews.ts';

export function createAuthorization(source: ObjectSource): Authorization {
  const rbac = new RbacAuthorizer(source);
  return { authorizer: chainOf([new NodeAuthorizer(source, NODE_RULES), rbac]), rbac };
}
