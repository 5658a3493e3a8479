import { badRequest, isDNS1123Subdomain, type StatusError } from '../../kube/index.ts';
import type { Attributes, Authorizer, ResourceAttributes } from './authorization/index.ts';
import { forbiddenFor } from './authorization/index.ts';
import {
  GROUP_AUTHENTICATED,
  GROUP_MASTERS,
  GROUP_NODES,
  GROUP_UNAUTHENTICATED,
  NODE_USER_PREFIX,
  serviceAccountGroups,
  serviceAccountOf,
  USER_ANONYMOUS,
} from './names.ts';
import type { UserInfo } from './user.ts';

// Acting as somebody else (apiserver/pkg/endpoints/filters/impersonation): whoever may `impersonate` becomes anybody
// that he may; the constrained modes of 1.36 also ask whether he may do this very thing as somebody else.

/** Headers by their names in lower case, each with all its values. */
export type Headers = Readonly<Record<string, readonly string[] | undefined>>;

const EXTRA_PREFIX = 'impersonate-extra-';

/** Whom the headers ask for; `undefined` when for nobody. @throws StatusError 400 */
export function wantedUser(headers: Headers): UserInfo | undefined {
  const name = headers['impersonate-user']?.[0] ?? '';
  const uid = headers['impersonate-uid']?.[0] ?? '';
  const groups = headers['impersonate-group'] ?? [];
  const extra: Record<string, readonly string[]> = {};
  for (const [header, values] of Object.entries(headers)) {
    if (header.startsWith(EXTRA_PREFIX) && values)
      extra[unescaped(header.slice(EXTRA_PREFIX.length))] = values;
  }
  if (name === '') {
    if (uid === '' && groups.length === 0 && Object.keys(extra).length === 0) return undefined;
    const asked = JSON.stringify({ uid: uid || undefined, groups, extra });
    throw badRequest(`requested ${asked} without impersonating a user name`);
  }
  return { name, ...(uid === '' ? {} : { uid }), groups, extra };
}

/** A key as it is, when its escapes are broken. */
function unescaped(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}

/** How somebody may be asked for. */
interface Mode {
  readonly verb: string;
  /** Absent: any request, once the user may be acted as. */
  readonly on?: string;
  accepts(wanted: UserInfo): boolean;
}

const hasOnlyName = ({ uid, groups, extra }: UserInfo) =>
  !uid && groups.length === 0 && Object.keys(extra ?? {}).length === 0;

const constrained = (mode: string, accepts: Mode['accepts']): Mode => ({
  verb: `impersonate:${mode}`,
  on: `impersonate-on:${mode}`,
  accepts,
});

const MODES: readonly Mode[] = [
  constrained('arbitrary-node', (wanted) => hasOnlyName(wanted) && nodeOf(wanted.name) !== undefined),
  constrained(
    'serviceaccount',
    (wanted) => hasOnlyName(wanted) && serviceAccountOf(wanted.name) !== undefined,
  ),
  constrained('user-info', ({ name }) => nodeOf(name) === undefined && serviceAccountOf(name) === undefined),
  { verb: 'impersonate', accepts: () => true },
];

/**
 * The user that acts when `requester` asks to be `wanted`.
 * @throws StatusError 403 of the first mode that could have allowed it.
 */
export function impersonate(
  authorizer: Authorizer,
  requester: UserInfo,
  wanted: UserInfo,
  request: Attributes,
): UserInfo {
  let refusal: StatusError | undefined;
  for (const mode of MODES) {
    if (!mode.accepts(wanted)) continue;
    const why = refusalOf(authorizer, requester, wanted, request, mode);
    if (!why) return actingUser(wanted, mode);
    refusal ??= why;
  }
  throw refusal!;
}

function refusalOf(
  authorizer: Authorizer,
  requester: UserInfo,
  wanted: UserInfo,
  request: Attributes,
  mode: Mode,
): StatusError | undefined {
  const asked: Attributes[] = mode.on ? [{ ...request, verb: `${mode.on}:${request.verb}` }] : [];
  asked.push(...partsOf(wanted, mode));
  for (const attributes of asked) {
    const why = neverAllowed(attributes, mode);
    if (why !== undefined) return forbiddenFor(requester, attributes, why);
    const { allowed, reason } = authorizer.decide(requester, attributes);
    if (!allowed) return forbiddenFor(requester, attributes, reason);
  }
  return undefined;
}

/** Each thing that somebody would be: his name, uid, groups and extras, as resources. */
function partsOf({ name, uid, groups, extra }: UserInfo, { verb, on }: Mode): ResourceAttributes[] {
  const identity = 'authentication.k8s.io';
  // The verb of old has names and groups in the core group.
  const group = on ? identity : '';
  const part = (resource: string, value: string): ResourceAttributes => ({
    verb,
    group,
    resource,
    name: value,
  });
  const account = serviceAccountOf(name);
  const node = on ? nodeOf(name) : undefined;
  const user = account
    ? { ...part('serviceaccounts', account.name), namespace: account.namespace }
    : part(node === undefined ? 'users' : 'nodes', node ?? name);
  return [
    user,
    ...(uid ? [{ ...part('uids', uid), group: identity }] : []),
    ...groups.map((one) => part('groups', one)),
    ...Object.entries(extra ?? {}).flatMap(([key, values]) =>
      values.map((value) => ({ ...part('userextras', value), group: identity, subresource: key })),
    ),
  ];
}

/** What the constrained modes give to nobody. */
function neverAllowed(attributes: Attributes, { on }: Mode): string | undefined {
  if (!on || 'path' in attributes || attributes.resource !== 'groups') return undefined;
  if (attributes.name === '') return 'impersonating the empty string group is not allowed';
  return attributes.name === GROUP_MASTERS
    ? 'impersonating the system:masters group is not allowed'
    : undefined;
}

function actingUser(wanted: UserInfo, { on }: Mode): UserInfo {
  const account = serviceAccountOf(wanted.name);
  const isNode = on !== undefined && nodeOf(wanted.name) !== undefined;
  const given = wanted.groups.length > 0;
  const own = given
    ? wanted.groups
    : account
      ? serviceAccountGroups(account.namespace)
      : isNode
        ? [GROUP_NODES]
        : [];
  const everybody =
    wanted.name === USER_ANONYMOUS
      ? GROUP_UNAUTHENTICATED
      : own.includes(GROUP_UNAUTHENTICATED)
        ? undefined
        : GROUP_AUTHENTICATED;
  const groups = everybody === undefined || own.includes(everybody) ? own : [...own, everybody];
  return { ...wanted, groups };
}

function nodeOf(username: string): string | undefined {
  if (!username.startsWith(NODE_USER_PREFIX)) return undefined;
  const name = username.slice(NODE_USER_PREFIX.length);
  return isDNS1123Subdomain(name).length === 0 ? name : undefined;
}
