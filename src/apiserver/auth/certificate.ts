import { createPrivateKey, KeyObject, webcrypto, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { Random } from '../../base/index.ts';

/** A certificate with its private key, both PEM. The key is a secret. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

/** What a certificate is to say. */
export interface CertificateRequest {
  /** The user's name for a client. */
  readonly commonName: string;
  /** The user's groups for a client. */
  readonly organizations?: readonly string[];
  /** DNS names and IP addresses for a server. */
  readonly addresses?: readonly string[];
  readonly usages: readonly CertificateUsage[];
}

export type CertificateUsage = 'client' | 'server';

/** From `notBeforeMs` to `notAfterMs`, milliseconds since the epoch. */
export interface Validity {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const USAGE_OIDS: Record<CertificateUsage, string> = {
  server: '1.3.6.1.5.5.7.3.1',
  client: '1.3.6.1.5.5.7.3.2',
};

/** A self-signed certificate authority, ECDSA P-256. */
export async function createAuthority(
  commonName: string,
  validity: Validity,
  random: Random,
): Promise<KeyPair> {
  const x509 = await loadX509();
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: serialNumber(random),
      name: [{ CN: [commonName] }],
      notBefore: new Date(validity.notBeforeMs),
      notAfter: new Date(validity.notAfterMs),
      keys,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new x509.BasicConstraintsExtension(true, undefined, true),
        new x509.KeyUsagesExtension(
          x509.KeyUsageFlags.digitalSignature |
            x509.KeyUsageFlags.keyEncipherment |
            x509.KeyUsageFlags.keyCertSign,
          true,
        ),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  );
  return { cert: pemText(certificate.toString('pem')), key: await exportKey(keys.privateKey) };
}

/** A certificate signed by `authority`, with a new ECDSA P-256 key. */
export async function issueCertificate(
  authority: KeyPair,
  request: CertificateRequest,
  validity: Validity,
  random: Random,
): Promise<KeyPair> {
  const x509 = await loadX509();
  const issuer = new x509.X509Certificate(authority.cert);
  const [keys, signingKey] = await Promise.all([
    webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']),
    importKey(authority.key),
  ]);
  const addresses = request.addresses ?? [];
  const certificate = await x509.X509CertificateGenerator.create(
    {
      serialNumber: serialNumber(random),
      subject: [
        ...(request.organizations ?? []).map((organization) => ({ O: [organization] })),
        { CN: [request.commonName] },
      ],
      issuer: issuer.subjectName,
      notBefore: new Date(validity.notBeforeMs),
      notAfter: new Date(validity.notAfterMs),
      publicKey: keys.publicKey,
      signingKey,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(
          x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment,
          true,
        ),
        new x509.ExtendedKeyUsageExtension(request.usages.map((usage) => USAGE_OIDS[usage])),
        await x509.AuthorityKeyIdentifierExtension.create(issuer, false, webcrypto),
        ...(addresses.length > 0
          ? [
              new x509.SubjectAlternativeNameExtension(
                addresses.map((value) => ({ type: isIP(value) ? 'ip' : 'dns', value })),
              ),
            ]
          : []),
      ],
    },
    webcrypto,
  );
  return { cert: pemText(certificate.toString('pem')), key: await exportKey(keys.privateKey) };
}

/**
 * Whether a stored certificate still serves: signed by the authority, for this subject and these addresses, with this
 * key, and valid for at least `marginMs` from now.
 */
export function isUsable(
  pair: KeyPair,
  authority: string,
  request: CertificateRequest,
  nowMs: number,
  marginMs: number,
): boolean {
  try {
    const certificate = new X509Certificate(pair.cert);
    const issuer = new X509Certificate(authority);
    return (
      certificate.checkIssued(issuer) &&
      certificate.verify(issuer.publicKey) &&
      hasKey(certificate, pair.key) &&
      certificate.validFromDate.getTime() <= nowMs &&
      certificate.validToDate.getTime() > nowMs + marginMs &&
      subjectMatches(certificate.subject, request) &&
      (request.addresses ?? []).every((address) =>
        isIP(address)
          ? certificate.checkIP(address) !== undefined
          : certificate.checkHost(address) !== undefined,
      )
    );
  } catch {
    return false;
  }
}

/** Whether an authority's certificate and key belong together and last for at least `marginMs` from now. */
export function isUsableAuthority(authority: KeyPair, nowMs: number, marginMs: number): boolean {
  try {
    const certificate = new X509Certificate(authority.cert);
    return (
      certificate.ca &&
      hasKey(certificate, authority.key) &&
      certificate.validToDate.getTime() > nowMs + marginMs
    );
  } catch {
    return false;
  }
}

function hasKey(certificate: X509Certificate, key: string): boolean {
  return certificate.checkPrivateKey(createPrivateKey(key));
}

function subjectMatches(subject: string, request: CertificateRequest): boolean {
  const wanted = [...(request.organizations ?? []).map((o) => `O=${o}`), `CN=${request.commonName}`];
  return subject === wanted.join('\n');
}

/** 126 random bits, positive and without a leading zero byte, in hexadecimal. */
function serialNumber(random: Random): string {
  return `4${random.uuid().replaceAll('-', '').slice(1)}`;
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  return KeyObject.from(key).export({ type: 'pkcs8', format: 'pem' }) as string;
}

async function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  const der = createPrivateKey(pem).export({ type: 'pkcs8', format: 'der' });
  return webcrypto.subtle.importKey('pkcs8', der, ALGORITHM, false, ['sign']);
}

const pemText = (pem: string): string => (pem.endsWith('\n') ? pem : `${pem}\n`);

/**
 * The library is loaded only when a certificate must be made: it costs a tenth of a second, and a server that has its
 * certificates does not need it. It asks for the Reflect metadata API, which it then never uses on a class that has
 * metadata: three empty functions satisfy it.
 */
async function loadX509(): Promise<typeof import('@peculiar/x509')> {
  const reflect = Reflect as unknown as Record<string, unknown>;
  reflect.getMetadata ??= () => undefined;
  reflect.getOwnMetadata ??= () => undefined;
  reflect.defineMetadata ??= () => undefined;
  return import('@peculiar/x509');
}
