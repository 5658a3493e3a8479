import type { Secret, ServiceAccount, Stored } from '../../kube/index.ts';

export const TOKEN_SECRET_TYPE = 'kubernetes.io/service-account-token';
const ANN_ACCOUNT_NAME = 'kubernetes.io/service-account.name';
const ANN_ACCOUNT_UID = 'kubernetes.io/service-account.uid';
const CA_KEY = 'ca.crt';
const NAMESPACE_KEY = 'namespace';
const TOKEN_KEY = 'token';

export function isTokenSecret({ type }: Secret): boolean {
  return type === TOKEN_SECRET_TYPE;
}

/** Which account a secret is to hold a token of; the uid only once the token is there. */
export function accountOf({ metadata }: Secret): { name: string; uid: string | undefined } {
  const { [ANN_ACCOUNT_NAME]: name = '', [ANN_ACCOUNT_UID]: uid } = metadata?.annotations ?? {};
  return { name, uid: uid || undefined };
}

/** Whether the secret belongs to this account, and not to one of the same name before it. */
export function belongsTo(secret: Secret, account: { readonly name: string; readonly uid: string }): boolean {
  const { name, uid } = accountOf(secret);
  return isTokenSecret(secret) && name === account.name && (uid === undefined || uid === account.uid);
}

export interface Lacks {
  readonly token: boolean;
  readonly any: boolean;
}

/** What a token secret still has to get (secretUpdateNeeded). */
export function lacks({ data = {} }: Secret, rootCa: string): Lacks {
  const token = !data[TOKEN_KEY];
  return { token, any: token || !data[NAMESPACE_KEY] || data[CA_KEY] !== base64(rootCa) };
}

/** The secret with all that a client in a pod needs; a token that is there stays. */
export function filled(
  secret: Stored<Secret>,
  account: Stored<ServiceAccount>,
  rootCa: string,
  token: string | undefined,
): Stored<Secret> {
  const { data = {}, metadata } = secret;
  return {
    ...secret,
    metadata: {
      ...metadata,
      annotations: {
        ...metadata.annotations,
        [ANN_ACCOUNT_NAME]: account.metadata.name,
        [ANN_ACCOUNT_UID]: account.metadata.uid,
      },
    },
    data: {
      ...data,
      [CA_KEY]: base64(rootCa),
      [NAMESPACE_KEY]: data[NAMESPACE_KEY] || base64(metadata.namespace ?? ''),
      ...(token !== undefined && { [TOKEN_KEY]: base64(token) }),
    },
  };
}

const base64 = (text: string) => Buffer.from(text).toString('base64');
