import type { Secret, StatusCause } from '../../../kube/index.ts';
import { at, required } from '../validation/index.ts';

const ACCOUNT_NAME = 'kubernetes.io/service-account.name';

/** What the data of a secret of a known type must hold: one entry of each group, or of the only one. */
const ENTRIES: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    'kubernetes.io/dockercfg': ['.dockercfg'],
    'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
    'kubernetes.io/ssh-auth': ['ssh-privatekey'],
    'kubernetes.io/tls': ['tls.crt', 'tls.key'],
  }),
);
const JSON_ENTRIES = new Set(['.dockercfg', '.dockerconfigjson']);
const BASIC_AUTH = ['username', 'password'];

/** Rules: Kubernetes 1.36, pkg/apis/core/validation ValidateSecret. */
export function secretTypeCauses({ type = '', data = {}, metadata }: Secret): StatusCause[] {
  if (type === 'kubernetes.io/service-account-token') {
    return metadata?.annotations?.[ACCOUNT_NAME] ? [] : [required(at('metadata.annotations', ACCOUNT_NAME))];
  }
  if (type === 'kubernetes.io/basic-auth') {
    if (BASIC_AUTH.some((key) => data[key] !== undefined)) return [];
    return BASIC_AUTH.map((key) => required(at('data', key)));
  }
  return (ENTRIES.get(type) ?? []).flatMap((key) => {
    const path = at('data', key);
    const value = data[key];
    if (value === undefined) return [required(path)];
    const fault = JSON_ENTRIES.has(key) ? jsonFault(value) : undefined;
    // The value is not shown, whatever it is.
    const message = `Invalid value: "<secret contents redacted>": ${fault}`;
    return fault ? [{ reason: 'FieldValueInvalid', message, field: path }] : [];
  });
}

/** Why the text is no JSON, without a word of it. */
function jsonFault(base64: string): string | undefined {
  try {
    JSON.parse(Buffer.from(base64, 'base64').toString());
    return undefined;
  } catch {
    return 'the value is not valid JSON';
  }
}
