export { type CertificateSubject, userOfCertificate } from './authenticate.ts';
export { type Attributes, authorize, isPublic, type ResourceAttributes } from './authorize.ts';
export type { CertificateRequest, CertificateUsage, KeyPair } from './certificate.ts';
export { type KubeconfigOptions, kubeconfigText, writeKubeconfig } from './kubeconfig.ts';
export { openPki, type Pki, type PkiOptions, SERVING_ADDRESSES } from './pki.ts';
