import {
  isBeingDeleted,
  type KubeObject,
  nodes,
  pods,
  type Resource,
  type ServiceAccount,
  type Stored,
  secrets,
  serviceAccounts,
} from '../../../kube/index.ts';
import { type AccountInfo, LEGACY_ISSUER, type Reference, type TokenClaims, userName } from './claims.ts';

/** Clocks may differ by so much (jwt.DefaultLeeway). */
const LEEWAY_SECONDS = 60;
const TOKEN_KEY = 'token';
const INVALID_SINCE = 'kubernetes.io/legacy-token-invalid-since';

/** Finds the objects that a token names. */
export interface TokenObjects {
  /** @throws StatusError 404 */
  get<T extends KubeObject>(resource: Resource<T>, namespace: string | undefined, name: string): Stored<T>;
}

/** Why a token is not valid, in words that its bearer may read. */
export class InvalidTokenError extends Error {
  override name = 'InvalidTokenError';
}

/**
 * Whom a token with a good signature stands for now. Rules, their order and messages: validator and legacyValidator of
 * pkg/serviceaccount.
 * @throws InvalidTokenError, or StatusError 404 when the account is gone.
 */
export function validateToken(
  token: string,
  claims: TokenClaims,
  objects: TokenObjects,
  nowMs: number,
): AccountInfo {
  return claims.iss === LEGACY_ISSUER
    ? validateLegacy(token, claims, objects)
    : validateBound(claims, objects, nowMs);
}

function validateBound(claims: TokenClaims, objects: TokenObjects, nowMs: number): AccountInfo {
  checkTimes(claims, nowMs / 1000);
  const { namespace = '', serviceaccount, pod, node, secret } = claims['kubernetes.io'] ?? {};
  // What is on its way out is as good as gone, but for clocks that differ.
  const goneBefore = nowMs - LEEWAY_SECONDS * 1000;
  const isGone = (object: KubeObject) =>
    isBeingDeleted(object) && Date.parse(object.metadata!.deletionTimestamp!) < goneBefore;

  const name = serviceaccount?.name ?? '';
  const account = objects.get<ServiceAccount>(serviceAccounts, namespace, name);
  if (account.metadata.uid !== serviceaccount?.uid)
    throw new InvalidTokenError(
      `service account UID (${account.metadata.uid}) does not match claim (${serviceaccount?.uid ?? ''})`,
    );
  if (isGone(account)) throw new InvalidTokenError(`service account ${namespace}/${name} has been deleted`);

  const checkBound = (bound: BoundObject) => {
    const found = lookUp(objects, bound.resource, bound.namespace, bound.reference.name ?? '');
    if (!found) throw invalidated();
    const { uid } = found.metadata;
    if (uid !== bound.reference.uid)
      throw new InvalidTokenError(
        `${bound.title} UID (${uid}) does not match service account ${bound.claim} ref claim (${bound.reference.uid ?? ''})`,
      );
    if (isGone(found)) throw invalidated();
  };
  if (secret)
    checkBound({ resource: secrets, namespace, reference: secret, title: 'secret', claim: 'secret' });
  if (pod) checkBound({ resource: pods, namespace, reference: pod, title: 'pod', claim: 'pod' });
  // The node of a bound pod is only told; it may be gone.
  if (node && !pod) checkBound({ resource: nodes, reference: node, title: 'node', claim: 'node' });
  return { namespace, name, uid: account.metadata.uid, pod, node, tokenId: claims.jti };
}

interface BoundObject {
  readonly resource: Resource;
  readonly namespace?: string;
  readonly reference: Reference;
  readonly title: string;
  readonly claim: string;
}

function checkTimes({ nbf, exp, iat }: TokenClaims, now: number): void {
  if (nbf !== undefined && now + LEEWAY_SECONDS < nbf)
    throw new InvalidTokenError('service account token is not valid yet');
  if (exp !== undefined && now - LEEWAY_SECONDS > exp)
    throw new InvalidTokenError('service account token has expired');
  if (iat !== undefined && now + LEEWAY_SECONDS < iat)
    throw new InvalidTokenError('service account token is issued in the future');
}

function validateLegacy(token: string, claims: TokenClaims, objects: TokenObjects): AccountInfo {
  const namespace = claims['kubernetes.io/serviceaccount/namespace'];
  const secretName = claims['kubernetes.io/serviceaccount/secret.name'];
  const name = claims['kubernetes.io/serviceaccount/service-account.name'];
  const uid = claims['kubernetes.io/serviceaccount/service-account.uid'];
  const missing = (claim: string) => new InvalidTokenError(`${claim} claim is missing`);
  if (!claims.sub) throw missing('sub');
  if (!namespace) throw missing('namespace');
  if (!secretName) throw missing('secretName');
  if (!name) throw missing('serviceAccountName');
  if (!uid) throw missing('serviceAccountUID');
  if (claims.sub !== userName(namespace, name)) throw new InvalidTokenError('sub claim is invalid');

  const secret = lookUp(objects, secrets, namespace, secretName);
  if (!secret || isBeingDeleted(secret)) throw new InvalidTokenError('Token has been invalidated');
  if (Buffer.from(secret.data?.[TOKEN_KEY] ?? '', 'base64').toString('latin1') !== token)
    throw new InvalidTokenError("Token does not match server's copy");
  const account = objects.get<ServiceAccount>(serviceAccounts, namespace, name);
  if (isBeingDeleted(account))
    throw new InvalidTokenError(`ServiceAccount ${namespace}/${name} has been deleted`);
  if (account.metadata.uid !== uid)
    throw new InvalidTokenError(`ServiceAccount UID (${account.metadata.uid}) does not match claim (${uid})`);
  if (secret.metadata.labels?.[INVALID_SINCE])
    throw new InvalidTokenError(
      `the token in secret ${namespace}/${secretName} for service account ${namespace}/${name} has been marked invalid. Use tokens from the TokenRequest API or manually created secret-based tokens, or remove the '${INVALID_SINCE}' label from the secret to temporarily allow use of this token`,
    );
  return { namespace, name, uid, secret };
}

function lookUp<T extends KubeObject>(
  objects: TokenObjects,
  resource: Resource<T>,
  namespace: string | undefined,
  name: string,
): Stored<T> | undefined {
  try {
    return objects.get(resource, namespace, name);
  } catch {
    return undefined;
  }
}

const invalidated = () => new InvalidTokenError('service account token has been invalidated');
