import type { Node, Pod, Secret, ServiceAccount, Stored } from '../../../kube/index.ts';
import type { UserInfo } from '../../registry/contract.ts';
import { CREDENTIAL_ID, GROUP_AUTHENTICATED } from '../authenticate.ts';

const USERNAME_PREFIX = 'system:serviceaccount:';
const GROUP_ALL = 'system:serviceaccounts';

/** Tokens of secrets come from this issuer, whatever the cluster's own is called (LegacyIssuer). */
export const LEGACY_ISSUER = 'kubernetes/serviceaccount';

export interface Reference {
  readonly name?: string;
  readonly uid?: string;
}

/** The claim `kubernetes.io` of a bound token. */
export interface BoundClaims {
  readonly namespace?: string;
  readonly node?: Reference;
  readonly pod?: Reference;
  readonly secret?: Reference;
  readonly serviceaccount?: Reference;
  /** Seconds since the epoch: using the token later is noted, not refused. */
  readonly warnafter?: number;
}

/** What a token says, beside the signature's header. Times are seconds since the epoch. */
export interface TokenClaims {
  readonly aud?: string | readonly string[];
  readonly exp?: number;
  readonly iat?: number;
  readonly iss?: string;
  readonly jti?: string;
  readonly 'kubernetes.io'?: BoundClaims;
  readonly 'kubernetes.io/serviceaccount/namespace'?: string;
  readonly 'kubernetes.io/serviceaccount/secret.name'?: string;
  readonly 'kubernetes.io/serviceaccount/service-account.name'?: string;
  readonly 'kubernetes.io/serviceaccount/service-account.uid'?: string;
  readonly nbf?: number;
  readonly sub?: string;
}

/** What a bound token is asked to be. */
export interface BoundTokenRequest {
  readonly account: Stored<ServiceAccount>;
  readonly pod?: Stored<Pod>;
  readonly secret?: Stored<Secret>;
  /** What the token is bound to, or where the pod is. A node that is not registered (yet) has a name only. */
  readonly node?: Node;
  readonly audiences: readonly string[];
  readonly expirationSeconds: number;
  /** 0: never. */
  readonly warnAfterSeconds: number;
}

/** The claims of a token that lives only so long and with what it is bound to (Claims, pkg/serviceaccount). */
export function boundClaims(
  request: BoundTokenRequest,
  issuer: string,
  id: string,
  nowMs: number,
): TokenClaims {
  const now = Math.floor(nowMs / 1000);
  const { account, pod, secret, node, warnAfterSeconds } = request;
  return {
    aud: request.audiences,
    exp: now + request.expirationSeconds,
    iat: now,
    iss: issuer,
    jti: id,
    'kubernetes.io': {
      namespace: account.metadata.namespace,
      ...(node && !secret && { node: reference(node) }),
      ...(pod && { pod: reference(pod) }),
      ...(secret && { secret: reference(secret) }),
      serviceaccount: reference(account),
      ...(warnAfterSeconds !== 0 && { warnafter: now + warnAfterSeconds }),
    },
    nbf: now,
    sub: userName(account.metadata.namespace ?? '', account.metadata.name),
  };
}

/** The claims of a token that lives in a secret and as long as it (LegacyClaims). */
export function legacyClaims(account: Stored<ServiceAccount>, secret: Stored<Secret>): TokenClaims {
  const { namespace, name, uid } = account.metadata;
  return {
    iss: LEGACY_ISSUER,
    'kubernetes.io/serviceaccount/namespace': namespace,
    'kubernetes.io/serviceaccount/secret.name': secret.metadata.name,
    'kubernetes.io/serviceaccount/service-account.name': name,
    'kubernetes.io/serviceaccount/service-account.uid': uid,
    sub: userName(namespace ?? '', name),
  };
}

/** Who a token stands for once it was found valid. */
export interface AccountInfo {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly pod?: Reference;
  readonly node?: Reference;
  /** The token's own id. */
  readonly tokenId?: string;
  /** Whose token it is, when it is a secret's. */
  readonly secret?: Stored<Secret>;
}

export function userOfAccount(info: AccountInfo): UserInfo {
  const { namespace, name, uid, pod, node, tokenId } = info;
  const extra: Record<string, readonly string[]> = {};
  if (tokenId) extra[CREDENTIAL_ID] = [`JTI=${tokenId}`];
  if (node?.name) {
    extra['authentication.kubernetes.io/node-name'] = [node.name];
    if (node.uid) extra['authentication.kubernetes.io/node-uid'] = [node.uid];
  }
  if (pod?.name && pod.uid) {
    extra['authentication.kubernetes.io/pod-name'] = [pod.name];
    extra['authentication.kubernetes.io/pod-uid'] = [pod.uid];
  }
  return Object.freeze({
    name: userName(namespace, name),
    uid,
    groups: Object.freeze([GROUP_ALL, `${GROUP_ALL}:${namespace}`, GROUP_AUTHENTICATED]),
    ...(Object.keys(extra).length > 0 && { extra: Object.freeze(extra) }),
  });
}

export function userName(namespace: string, name: string): string {
  return `${USERNAME_PREFIX}${namespace}:${name}`;
}

export function audiencesOf({ aud }: TokenClaims): readonly string[] {
  if (aud === undefined) return [];
  return typeof aud === 'string' ? [aud] : aud;
}

function reference({ metadata }: Node | Pod | Secret | ServiceAccount): Reference {
  return { name: metadata?.name, ...(metadata?.uid && { uid: metadata.uid }) };
}
