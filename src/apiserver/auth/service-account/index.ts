import type { Clock, Random } from '../../../base/index.ts';
import { selfSubjectReviews, serviceAccounts, tokenReviews } from '../../../kube/index.ts';
import type { Registry } from '../../registry/contract.ts';
import { noteUse } from './last-used.ts';
import { answerSelfSubjectReview, answerTokenReview } from './reviews.ts';
import type { SigningKeys } from './signing-keys.ts';
import { answerTokenRequest } from './token-request.ts';
import { ServiceAccountTokens } from './tokens.ts';
import type { TokenObjects } from './validate.ts';

export { legacyClaims } from './claims.ts';
export { openSigningKeys, type SigningKeys } from './signing-keys.ts';
export type { ServiceAccountTokens } from './tokens.ts';

/** As kubeadm names it; tokens for this API server have it as their audience too. */
export const DEFAULT_ISSUER = 'https://kubernetes.default.svc.cluster.local';

export interface ServiceAccountOptions {
  readonly registry: Registry;
  readonly keys: SigningKeys;
  /** @default DEFAULT_ISSUER */
  readonly issuer?: string;
  readonly clock: Clock;
  readonly random: Random;
}

/** Has the registry answer token requests and reviews. Returns what signs and authenticates tokens. */
export function serveServiceAccounts(options: ServiceAccountOptions): ServiceAccountTokens {
  const { registry, keys, issuer = DEFAULT_ISSUER, clock, random } = options;
  const objects: TokenObjects = {
    get: (resource, namespace, name) => registry.get(resource, { namespace, name }).object,
  };
  const tokens = new ServiceAccountTokens({
    keys,
    issuer,
    objects,
    clock,
    // Nobody waits for the note: it is for people, and there will be another use.
    secretUsed: (secret) => void noteUse(registry, secret, clock.now()).catch(() => undefined),
  });
  registry.answerWith(
    serviceAccounts,
    (question) => answerTokenRequest({ tokens, objects, clock, random }, question),
    'token',
  );
  registry.answerWith(tokenReviews, (question) => answerTokenReview(tokens, question));
  registry.answerWith(selfSubjectReviews, (question) => answerSelfSubjectReview(clock, question));
  return tokens;
}
