import type { UserInfo } from '../registry/contract.ts';

export const GROUP_MASTERS = 'system:masters';
export const GROUP_AUTHENTICATED = 'system:authenticated';

/** The subject of a verified client certificate, as node:tls tells it. */
export interface CertificateSubject {
  readonly CN?: string | readonly string[];
  readonly O?: string | readonly string[];
}

/** Who a verified client certificate stands for: its common name is the user, its organizations are the groups. */
export function userOfCertificate(subject: CertificateSubject | undefined): UserInfo | undefined {
  const name = list(subject?.CN)[0];
  if (!name) return undefined;
  return Object.freeze({ name, groups: Object.freeze([...list(subject?.O), GROUP_AUTHENTICATED]) });
}

function list(value: string | readonly string[] | undefined): readonly string[] {
  if (value === undefined) return [];
  return typeof value === 'string' ? [value] : value;
}
