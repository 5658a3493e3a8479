import { type StatusError, statusFailure } from '../../kube/index.ts';
import type { UserInfo } from '../registry/contract.ts';
import { GROUP_MASTERS } from './authenticate.ts';

/** What a request wants to do: with a resource, or with a plain path. */
export type Attributes = ResourceAttributes | PathAttributes;

export interface ResourceAttributes {
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
}

export interface PathAttributes {
  readonly verb: string;
  readonly path: string;
}

/** Paths that anybody may read, as the bootstrap role system:public-info-viewer has them. */
const PUBLIC_PATHS: ReadonlySet<string> = new Set(['/healthz', '/livez', '/readyz', '/version', '/version/']);

/** Whether a request needs no user. */
export function isPublic(attributes: Attributes): boolean {
  return 'path' in attributes && attributes.verb === 'get' && PUBLIC_PATHS.has(attributes.path);
}

/** The refusal of a request, or `undefined` when it may go on. system:masters may do everything. */
export function authorize(user: UserInfo, attributes: Attributes): StatusError | undefined {
  if (user.groups.includes(GROUP_MASTERS) || isPublic(attributes)) return undefined;
  return forbiddenFor(user, attributes);
}

/** 403 in the words of the API server (endpoints/handlers/responsewriters). */
export function forbiddenFor(user: UserInfo, attributes: Attributes): StatusError {
  const who = `User ${JSON.stringify(user.name)} cannot ${attributes.verb}`;
  if ('path' in attributes)
    return statusFailure(403, 'Forbidden', `forbidden: ${who} path ${JSON.stringify(attributes.path)}`, {});

  const { group, namespace, name, resource, subresource } = attributes;
  const what = subresource ? `${resource}/${subresource}` : resource;
  const where = namespace ? `in the namespace ${JSON.stringify(namespace)}` : 'at the cluster scope';
  const qualified = group === '' ? resource : `${resource}.${group}`;
  const subject = name ? `${qualified} ${JSON.stringify(name)}` : qualified;
  return statusFailure(
    403,
    'Forbidden',
    `${subject} is forbidden: ${who} resource ${JSON.stringify(what)} in API group ${JSON.stringify(group)} ${where}`,
    { name: name || undefined, group: group || undefined, kind: resource },
  );
}
