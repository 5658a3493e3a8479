import type { TlsDemands } from '../../csi/index.ts';
import { UsageError } from '../usage-error.ts';
import { string, type Values } from './go-flags.ts';

/** What a server that is a Go program demands of TLS connections, in Go's names. */
export const TLS_FLAGS = {
  'tls-min-version': string('', 'The least version: VersionTLS12 or VersionTLS13. Empty: TLS 1.2.'),
  'tls-cipher-suites': string('', "Those of TLS 1.2 that may be used, by Go's names. Empty: the usual ones."),
  'tls-curve-preferences': string('', "The curves of key exchange, by Go's names. Empty: the usual ones."),
};

const VERSIONS = new Map<string, TlsDemands['minVersion']>([
  ['', 'TLSv1.2'],
  ['VersionTLS12', 'TLSv1.2'],
  ['VersionTLS13', 'TLSv1.3'],
]);

/** By Go's names; those of TLS 1.3 cannot be chosen in Go, and always may be used. */
const CIPHERS_13 = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'];
const CIPHERS = new Map([
  ...CIPHERS_13.map((name) => [name, name] as const),
  ...['ECDSA', 'RSA'].flatMap((key) =>
    [
      ['AES_128_CBC_SHA', 'AES128-SHA'],
      ['AES_256_CBC_SHA', 'AES256-SHA'],
      ['AES_128_GCM_SHA256', 'AES128-GCM-SHA256'],
      ['AES_256_GCM_SHA384', 'AES256-GCM-SHA384'],
      ['CHACHA20_POLY1305_SHA256', 'CHACHA20-POLY1305'],
    ].map(([go, openssl]) => [`TLS_ECDHE_${key}_WITH_${go}`, `ECDHE-${key}-${openssl}`] as const),
  ),
]);

const CURVES = new Map([
  ['CurveP256', 'P-256'],
  ['CurveP384', 'P-384'],
  ['CurveP521', 'P-521'],
  ['X25519', 'X25519'],
  ['X25519MLKEM768', 'X25519MLKEM768'],
]);

/** @throws UsageError for a name that Go does not know, or holds unsafe. Source: tlsconfig of external-snapshot-metadata. */
export function tlsDemands(values: Values<typeof TLS_FLAGS>): TlsDemands {
  const version = values['tls-min-version'];
  const minVersion = VERSIONS.get(version);
  if (minVersion === undefined)
    throw new UsageError(
      `unsupported TLS version ${JSON.stringify(version)}, must be one of: VersionTLS12, VersionTLS13`,
    );
  const ciphers = named(
    values['tls-cipher-suites'],
    CIPHERS,
    (name) => `unsupported or insecure cipher suite: ${name}`,
  );
  const curves = named(
    values['tls-curve-preferences'],
    CURVES,
    (name) => `unsupported curve ${name}, must be one of: ${[...CURVES.keys()].sort().join(', ')}`,
  );
  return {
    minVersion,
    ...(ciphers.length > 0 && { ciphers: [...new Set([...CIPHERS_13, ...ciphers])].join(':') }),
    ...(curves.length > 0 && { ecdhCurve: curves.join(':') }),
  };
}

function named(
  list: string,
  known: ReadonlyMap<string, string>,
  complaint: (quoted: string) => string,
): string[] {
  const names = list
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean);
  return names.map((name) => {
    const found = known.get(name);
    if (found === undefined) throw new UsageError(complaint(JSON.stringify(name)));
    return found;
  });
}
