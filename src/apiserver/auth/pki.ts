import type { Clock, Random } from '../../base/index.ts';
import {
  type CertificateRequest,
  createAuthority,
  issueCertificate,
  isUsable,
  isUsableAuthority,
  type KeyPair,
} from './certificate.ts';
import { readPair, writePair } from './pki-files.ts';
import { openSigningKeys, type SigningKeys } from './service-account/index.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
/** As kubeadm: authorities last ten years, certificates one. */
const AUTHORITY_DAYS = 3650;
const CERTIFICATE_DAYS = 365;
const RENEW_BEFORE_MS = 30 * DAY_MS;
/** Clocks of clients may lag. */
const BACKDATE_MS = 5 * 60 * 1000;

/** What clients may call the API server. */
export const SERVING_ADDRESSES = [
  '127.0.0.1',
  '::1',
  'localhost',
  'kubernetes',
  'kubernetes.default',
  'kubernetes.default.svc',
  'kubernetes.default.svc.cluster.local',
] as const;

export interface PkiOptions {
  /** Where keys and certificates are kept (mode 0700, files 0600); absent: in memory only. */
  readonly directory?: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Names and addresses of the server beyond SERVING_ADDRESSES. */
  readonly addresses?: readonly string[];
}

/** The cluster's own certificate authority and the certificates that the API server needs. */
export interface Pki {
  /** The authority's certificate, PEM. */
  readonly ca: string;
  /** What the API server shows. */
  readonly serving: KeyPair;
  /** The administrator: CN kubernetes-admin, O system:masters. */
  readonly admin: KeyPair;
  /** With which the API server calls a node's HTTPS server. */
  readonly kubeletClient: KeyPair;
  /** With which service account tokens are signed, and by which they are verified. */
  readonly serviceAccountKeys: SigningKeys;
  /** A new certificate, valid for a year from now; not kept. */
  issue(request: CertificateRequest): Promise<KeyPair>;
}

/**
 * Opens the authority kept in `directory`, or makes one. Certificates are reused while they are valid, and made anew in
 * their last thirty days or when they do not fit.
 * @throws Error when the directory cannot be read or written.
 */
export async function openPki(options: PkiOptions): Promise<Pki> {
  const { directory, clock, random } = options;
  const validity = (days: number) => ({
    notBeforeMs: clock.now() - BACKDATE_MS,
    notAfterMs: clock.now() + days * DAY_MS,
  });

  const kept = directory === undefined ? undefined : await readPair(directory, 'ca');
  let authority: KeyPair;
  if (kept && isUsableAuthority(kept, clock.now(), RENEW_BEFORE_MS)) {
    authority = kept;
  } else {
    authority = await createAuthority('stowage-ca', validity(AUTHORITY_DAYS), random);
    if (directory !== undefined) await writePair(directory, 'ca', authority);
  }

  const issue = (request: CertificateRequest) =>
    issueCertificate(authority, request, validity(CERTIFICATE_DAYS), random);

  const keep = async (name: string, request: CertificateRequest): Promise<KeyPair> => {
    const pair = directory === undefined ? undefined : await readPair(directory, name);
    if (pair && isUsable(pair, authority.cert, request, clock.now(), RENEW_BEFORE_MS)) return pair;
    const made = await issue(request);
    if (directory !== undefined) await writePair(directory, name, made);
    return made;
  };

  const [serving, admin, kubeletClient, serviceAccountKeys] = await Promise.all([
    keep('apiserver', {
      commonName: 'kube-apiserver',
      addresses: [...new Set([...SERVING_ADDRESSES, ...(options.addresses ?? [])])],
      usages: ['server'],
    }),
    keep('admin', {
      commonName: 'kubernetes-admin',
      organizations: ['system:masters'],
      usages: ['client'],
    }),
    keep('apiserver-kubelet-client', {
      commonName: 'kube-apiserver-kubelet-client',
      organizations: ['system:masters'],
      usages: ['client'],
    }),
    openSigningKeys(directory),
  ]);
  return { ca: authority.cert, serving, admin, kubeletClient, serviceAccountKeys, issue };
}
