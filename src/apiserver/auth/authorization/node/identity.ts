import { GROUP_NODES, NODE_USER_PREFIX } from '../../names.ts';
import type { UserInfo } from '../../user.ts';

/** The node that a user is; `undefined` when he is none, '' when he says that he is one but not which. */
export function nodeNameOf(user: UserInfo): string | undefined {
  if (!user.name.startsWith(NODE_USER_PREFIX) || !user.groups.includes(GROUP_NODES)) return undefined;
  return user.name.slice(NODE_USER_PREFIX.length);
}

/** The user that a node is. */
export function userOfNode(name: string): UserInfo {
  return Object.freeze({
    name: NODE_USER_PREFIX + name,
    groups: Object.freeze([GROUP_NODES, 'system:authenticated']),
  });
}
