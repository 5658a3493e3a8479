import { GROUP_AUTHENTICATED } from './names.ts';
import type { UserInfo } from './user.ts';

export { GROUP_AUTHENTICATED };

/** The subject of a verified client certificate, as node:tls tells it. */
export interface CertificateSubject {
  readonly CN?: string | readonly string[];
  readonly O?: string | readonly string[];
}

/** The key of UserInfo.extra that names the credential: whichever it was, without telling it. */
export const CREDENTIAL_ID = 'authentication.kubernetes.io/credential-id';

/**
 * Who a verified client certificate stands for: its common name is the user, its organizations are the groups.
 * `fingerprint`: the certificate's SHA-256, hexadecimal with or without colons.
 */
export function userOfCertificate(
  subject: CertificateSubject | undefined,
  fingerprint?: string,
): UserInfo | undefined {
  const name = list(subject?.CN)[0];
  if (!name) return undefined;
  const groups = Object.freeze([...list(subject?.O), GROUP_AUTHENTICATED]);
  if (!fingerprint) return Object.freeze({ name, groups });
  const id = `X509SHA256=${fingerprint.replaceAll(':', '').toLowerCase()}`;
  return Object.freeze({ name, groups, extra: Object.freeze({ [CREDENTIAL_ID]: Object.freeze([id]) }) });
}

/** The token of an Authorization header; `undefined` when it has none (bearertoken.AuthenticateRequest). */
export function bearerToken(header: string | undefined): string | undefined {
  const [scheme, token] = (header ?? '').trim().split(' ');
  return scheme?.toLowerCase() === 'bearer' && token ? token : undefined;
}

function list(value: string | readonly string[] | undefined): readonly string[] {
  if (value === undefined) return [];
  return typeof value === 'string' ? [value] : value;
}
