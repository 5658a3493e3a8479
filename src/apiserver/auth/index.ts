export { userOfCertificate } from './authenticate.ts';
export { type Attributes, authorize, isPublic } from './authorize.ts';
export type { KeyPair } from './certificate.ts';
export { writeKubeconfig } from './kubeconfig.ts';
export { openPki, type Pki } from './pki.ts';
