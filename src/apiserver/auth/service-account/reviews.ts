import { type Clock, errorMessage, rfc3339 } from '../../../base/index.ts';
import {
  badRequest,
  type KubeObject,
  type SelfSubjectReview,
  type TokenReview,
} from '../../../kube/index.ts';
import type { Question, UserInfo } from '../../registry/contract.ts';
import type { ServiceAccountTokens } from './tokens.ts';

const INVALID = 'invalid bearer token';

/** Answers a TokenReview: whom a token stands for, or why nobody (pkg/registry/authentication/tokenreview). */
export async function answerTokenReview(
  tokens: ServiceAccountTokens,
  { body }: Question,
): Promise<KubeObject> {
  const review = body as TokenReview;
  const { token, audiences = [] } = review.spec ?? {};
  if (!token) throw badRequest('token is required for TokenReview in authentication');
  const { apiVersion, kind, metadata = {}, spec } = review;
  return { kind, apiVersion, metadata, spec, status: await statusOf(tokens, token, audiences) } as KubeObject;
}

async function statusOf(
  tokens: ServiceAccountTokens,
  token: string,
  audiences: readonly string[],
): Promise<TokenReview['status']> {
  try {
    const found = await tokens.authenticate(token, audiences.length > 0 ? audiences : undefined);
    if (!found) return { user: {}, error: INVALID };
    return { authenticated: true, user: userInfoOf(found.user), audiences: found.audiences };
  } catch (error) {
    return { user: {}, error: `[${INVALID}, ${errorMessage(error)}]` };
  }
}

/** Answers a SelfSubjectReview: who the caller is (`kubectl auth whoami`). */
export function answerSelfSubjectReview(clock: Pick<Clock, 'now'>, { body, context }: Question): KubeObject {
  const { apiVersion, kind } = body as SelfSubjectReview;
  const answer = {
    kind,
    apiVersion,
    metadata: { creationTimestamp: rfc3339(clock.now()) },
    status: { userInfo: userInfoOf(context.user) },
  };
  return answer as KubeObject;
}

function userInfoOf({ name, uid, groups, extra }: UserInfo) {
  return { username: name, ...(uid && { uid }), groups, ...(extra && { extra }) };
}
