import type { Clock } from '../../base/index.ts';
import type { Client } from '../../client/index.ts';
import { subjectAccessReviews, tokenReviews } from '../../kube/index.ts';
import type { RequestAttributes } from './request-attributes.ts';
import { ReviewCache } from './review-cache.ts';

/** Who asks, as the API server knows him. */
export interface User {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
}

/** The subject of a client certificate, as node:tls tells it. */
export interface ClientSubject {
  readonly CN?: string | readonly string[];
  readonly O?: string | readonly string[];
}

export interface ClientAccessOptions {
  /** The node's own: it may ask who a token is, and what a user may do. */
  readonly client: Client;
  readonly clock: Clock;
  readonly nodeName: string;
}

/** May do everything, everywhere; the API server's identity towards nodes among them. It is not asked about itself. */
const MASTERS = 'system:masters';
/** The group of all whom the API server has told apart. */
const AUTHENTICATED = 'system:authenticated';

/** Defaults of the kubelet's webhooks. */
export const TOKEN_TTL_MS = 120_000;
export const ALLOWED_TTL_MS = 300_000;
export const REFUSED_TTL_MS = 30_000;

/** The user of a client certificate that the cluster's authority has signed. */
export function userOfCertificate(subject: ClientSubject | undefined): User {
  const list = (value: string | readonly string[] | undefined) => [value ?? []].flat();
  return { name: list(subject?.CN)[0] ?? '', groups: [...list(subject?.O), AUTHENTICATED] };
}

/**
 * Asks the API server who the clients of the node are, and what they may do. Answers hold for a while.
 * Source: pkg/kubelet/server/auth.go, cmd/kubelet/app/auth.go.
 */
export class ClientAccess {
  readonly #options: ClientAccessOptions;
  readonly #tokens: ReviewCache<User | undefined>;
  readonly #permissions: ReviewCache<boolean>;

  constructor(options: ClientAccessOptions) {
    this.#options = options;
    this.#tokens = new ReviewCache(options.clock, () => TOKEN_TTL_MS);
    this.#permissions = new ReviewCache(options.clock, (may) => (may ? ALLOWED_TTL_MS : REFUSED_TTL_MS));
  }

  /** Undefined for a token that is nobody's. */
  async userOfToken(token: string): Promise<User | undefined> {
    return await this.#tokens.get(token, async () => {
      const { status } = await this.#options.client.create(tokenReviews, { spec: { token } });
      const { username: name = '', uid, groups = [] } = status?.user ?? {};
      return status?.authenticated ? { name, uid, groups } : undefined;
    });
  }

  /** Why the user may not ask this; undefined when he may. */
  async refusal(user: User, { verb, subresources }: RequestAttributes): Promise<string | undefined> {
    if (user.groups.includes(MASTERS)) return undefined;
    for (const subresource of subresources) if (await this.#may(user, verb, subresource)) return undefined;
    const list = subresources.join(' ');
    return `Forbidden (user=${user.name}, verb=${verb}, resource=nodes, subresource(s)=[${list}])`;
  }

  async #may(user: User, verb: string, subresource: string): Promise<boolean> {
    const { client, nodeName } = this.#options;
    const spec = {
      user: user.name,
      uid: user.uid,
      groups: [...user.groups],
      resourceAttributes: { verb, version: 'v1', resource: 'nodes', subresource, name: nodeName },
    };
    return await this.#permissions.get(JSON.stringify(spec), async () => {
      const { status } = await client.create(subjectAccessReviews, { spec });
      return status?.allowed ?? false;
    });
  }
}
