export { bearerToken, userOfCertificate } from './authenticate.ts';
export {
  type Attributes,
  type Authorizer,
  bootstrapPolicy,
  type ExtraRole,
  forbiddenFor,
  serveAccessReviews,
  userOfNode,
  withSelector,
} from './authorization/index.ts';
export type { KeyPair } from './certificate.ts';
export { impersonate, wantedUser } from './impersonation.ts';
export { writeKubeconfig } from './kubeconfig.ts';
export { ANONYMOUS, serviceAccountGroups, serviceAccountUsername } from './names.ts';
export { openPki, type Pki } from './pki.ts';
export { legacyClaims, type ServiceAccountTokens, serveServiceAccounts } from './service-account/index.ts';
