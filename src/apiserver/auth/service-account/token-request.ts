import type { Clock, Random } from '../../../base/index.ts';
import { rfc3339 } from '../../../base/index.ts';
import {
  badRequest,
  conflict,
  invalid,
  type KubeObject,
  type Node,
  nodes,
  pods,
  type StatusCause,
  secrets,
  serviceAccounts,
  type TokenRequest,
} from '../../../kube/index.ts';
import type { Question } from '../../registry/contract.ts';
import { readInput } from '../../registry/input.ts';
import { invalidValue } from '../../registry/validation/index.ts';
import { type BoundTokenRequest, boundClaims } from './claims.ts';
import type { ServiceAccountTokens } from './tokens.ts';
import type { TokenObjects } from './validate.ts';

const KIND = { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' };
const DEFAULT_SECONDS = 60 * 60;
const LEAST_SECONDS = 10 * 60;
const MOST_SECONDS = 2 ** 32;
/** What admission asks for in every pod: a token that lives on for a year, for clients that do not reload it. */
const WARN_ONLY_SECONDS = 60 * 60 + 7;
const EXTENDED_SECONDS = 365 * 24 * 60 * 60;

export interface TokenRequestParts {
  readonly tokens: ServiceAccountTokens;
  readonly objects: TokenObjects;
  readonly clock: Pick<Clock, 'now'>;
  readonly random: Pick<Random, 'uuid'>;
}

/**
 * Answers POST serviceaccounts/NAME/token: a new token, bound to a pod, node or secret if asked. Source: TokenREST,
 * pkg/registry/core/serviceaccount.
 * @throws StatusError
 */
export async function answerTokenRequest(
  { tokens, objects, clock, random }: TokenRequestParts,
  { name, body, context }: Question,
): Promise<KubeObject> {
  const { namespace = '', name: accountName } = name!;
  const sent = readInput(KIND, body, undefined, context) as TokenRequest;
  checkPlace(sent, namespace, accountName);
  const account = objects.get(serviceAccounts, namespace, accountName);
  const { uid } = account.metadata;
  if (sent.metadata?.uid && sent.metadata.uid !== uid)
    throw conflict(
      TOKEN_REQUESTS,
      accountName,
      `the UID in the token request (${sent.metadata.uid}) does not match the UID of the service account (${uid})`,
    );

  const nowMs = clock.now();
  const audiences = sent.spec?.audiences?.length ? sent.spec.audiences : [tokens.issuer];
  const expirationSeconds = sent.spec?.expirationSeconds ?? DEFAULT_SECONDS;
  const causes = expirationCauses(expirationSeconds);
  if (causes.length > 0) throw invalid(KIND, '', causes);

  const bound = boundTo(sent, namespace, accountName, objects);
  const extended =
    bound.pod !== undefined &&
    expirationSeconds === WARN_ONLY_SECONDS &&
    audiences.every((audience) => audience === tokens.issuer);
  const claims = boundClaims(
    {
      account,
      ...bound,
      audiences,
      expirationSeconds: extended ? EXTENDED_SECONDS : expirationSeconds,
      warnAfterSeconds: extended ? expirationSeconds : 0,
    },
    tokens.issuer,
    random.uuid(),
    nowMs,
  );
  const answer = {
    kind: KIND.kind,
    apiVersion: `${KIND.group}/${KIND.version}`,
    metadata: { ...sent.metadata, name: accountName, namespace, uid, creationTimestamp: rfc3339(nowMs) },
    spec: { audiences, expirationSeconds, boundObjectRef: sent.spec?.boundObjectRef ?? null },
    status: {
      token: await tokens.sign(claims),
      expirationTimestamp: rfc3339(nowMs + expirationSeconds * 1000),
    },
  };
  return answer as KubeObject;
}

const TOKEN_REQUESTS = { group: KIND.group, plural: KIND.kind };

/** What the body says of the account must be what the path says. */
function checkPlace({ metadata }: TokenRequest, namespace: string, name: string): void {
  const causes: StatusCause[] = [];
  if (metadata?.name && metadata.name !== name)
    causes.push(
      invalidValue('metadata.name', metadata.name, 'must match the service account name if specified'),
    );
  else if (metadata?.namespace && metadata.namespace !== namespace)
    causes.push(
      invalidValue(
        'metadata.namespace',
        metadata.namespace,
        'must match the service account namespace if specified',
      ),
    );
  if (causes.length > 0) throw invalid(KIND, name, causes);
}

function expirationCauses(seconds: number): StatusCause[] {
  const refuse = (why: string) => [invalidValue('spec.expirationSeconds', seconds, why)];
  if (seconds < LEAST_SECONDS) return refuse('may not specify a duration less than 10 minutes');
  if (seconds > MOST_SECONDS) return refuse('may not specify a duration larger than 2^32 seconds');
  return [];
}

type Bound = Pick<BoundTokenRequest, 'pod' | 'secret' | 'node'>;

function boundTo(
  { spec }: TokenRequest,
  namespace: string,
  accountName: string,
  objects: TokenObjects,
): Bound {
  const reference = spec?.boundObjectRef;
  if (!reference) return {};
  const { apiVersion = '', kind = '', name = '', uid } = reference;
  const core = !apiVersion.includes('/');
  const checked = <T extends { metadata: { uid: string } }>(object: T): T => {
    if (uid && uid !== object.metadata.uid)
      throw conflict(
        { group: '', plural: kind },
        name,
        `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`,
      );
    return object;
  };
  if (core && kind === 'Pod') {
    const pod = objects.get(pods, namespace, name);
    if (pod.spec?.serviceAccountName !== accountName)
      throw badRequest(
        `cannot bind token for serviceaccount ${JSON.stringify(accountName)} to pod running with different serviceaccount name.`,
      );
    return { pod: checked(pod), node: nodeOf(pod.spec.nodeName, objects) };
  }
  if (core && kind === 'Node') return { node: checked(objects.get(nodes, undefined, name)) };
  if (core && kind === 'Secret') return { secret: checked(objects.get(secrets, namespace, name)) };
  const version = core ? apiVersion : apiVersion.slice(apiVersion.indexOf('/') + 1);
  const group = core ? '' : apiVersion.slice(0, apiVersion.indexOf('/'));
  throw badRequest(`cannot bind token to object of type ${group}/${version}, Kind=${kind}`);
}

/** The node that a pod is on, by its name alone when there is no object of it. */
function nodeOf(name: string | undefined, objects: TokenObjects): Node | undefined {
  if (!name) return undefined;
  try {
    return objects.get(nodes, undefined, name);
  } catch {
    return { metadata: { name } };
  }
}
