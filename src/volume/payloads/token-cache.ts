import { type Clock, errorMessage, type Logger, type Random } from '../../base/index.ts';
import type { Client } from '../../client/index.ts';
import { type Pod, type Stored, serviceAccounts, type TokenRequest } from '../../kube/index.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const CLEANUP_MS = 60 * 1000;
/** So that the tokens of a node are not all renewed at once. */
const MAX_JITTER_MS = 10_000;

export interface TokenWish {
  readonly pod: Stored<Pod>;
  /** '' is the API server. */
  readonly audience: string;
  /** @default what the server gives: an hour */
  readonly expirationSeconds?: number;
}

export interface KeptToken {
  readonly podUid: string;
  readonly token: string;
  /** As the server has written it. */
  readonly expirationTimestamp: string;
  readonly expiresMs: number;
  readonly expirationSeconds: number;
}

/**
 * Whether a token is to be renewed: after 80 % of its life, or after a day. `jitterMs` earlier, so that not all are at
 * once (Manager.requiresRefresh, pkg/kubelet/token).
 */
export function requiresRefresh(kept: KeptToken, nowMs: number, jitterMs: number): boolean {
  const lifeMs = kept.expirationSeconds * 1000;
  const issuedMs = kept.expiresMs - lifeMs;
  const dueMs = kept.expiresMs - Math.floor((kept.expirationSeconds * 20) / 100) * 1000;
  return nowMs > Math.min(issuedMs + DAY_MS, dueMs) - jitterMs;
}

export interface TokenCacheOptions {
  readonly client: Client;
  readonly clock: Clock;
  /** Absent: each is renewed when it is due, and not a little earlier. */
  readonly random?: Random;
  readonly log?: Logger;
}

/** The tokens of a node's pods, each renewed in time. */
export class TokenCache {
  readonly #options: TokenCacheOptions;
  readonly #kept = new Map<string, KeptToken>();
  #cleanedMs = 0;

  constructor(options: TokenCacheOptions) {
    this.#options = options;
  }

  /** @throws Error when there is none that is valid and none can be had. */
  async get(wish: TokenWish, signal: AbortSignal): Promise<KeptToken> {
    const { clock, random, log } = this.#options;
    const key = keyOf(wish);
    const kept = this.#kept.get(key);
    const jitterMs = Math.floor(((random?.next() ?? 0) * MAX_JITTER_MS) / 1000) * 1000;
    if (kept && !requiresRefresh(kept, clock.now(), jitterMs)) return kept;
    try {
      const fresh = await this.#request(wish, signal);
      this.#clean();
      this.#kept.set(key, fresh);
      return fresh;
    } catch (error) {
      const why = errorMessage(error);
      if (!kept) throw new Error(`failed to fetch token: ${why}`, { cause: error });
      if (clock.now() > kept.expiresMs)
        throw new Error(`token ${key} expired and refresh failed: ${why}`, { cause: error });
      log?.warn('cannot renew a service account token', { key, error: why });
      return kept;
    }
  }

  forget(podUid: string): void {
    for (const [key, kept] of this.#kept) if (kept.podUid === podUid) this.#kept.delete(key);
  }

  async #request(wish: TokenWish, signal: AbortSignal): Promise<KeptToken> {
    const { pod, audience, expirationSeconds } = wish;
    const { namespace, name, uid } = pod.metadata;
    const account = { namespace, name: pod.spec?.serviceAccountName ?? '' };
    const body = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: {
        audiences: audience === '' ? [] : [audience],
        expirationSeconds,
        boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
      },
    };
    const answer = await this.#options.client.createSubresource<object, typeof body, TokenRequest>(
      serviceAccounts,
      account,
      'token',
      body,
      { signal },
    );
    const { token = '', expirationTimestamp = '' } = answer.status ?? {};
    return {
      podUid: uid,
      token,
      expirationTimestamp,
      expiresMs: Date.parse(expirationTimestamp),
      // The server may give less than was asked for.
      expirationSeconds: answer.spec?.expirationSeconds ?? expirationSeconds ?? 0,
    };
  }

  /** What has expired belongs to pods that are gone. */
  #clean(): void {
    const now = this.#options.clock.now();
    if (now - this.#cleanedMs < CLEANUP_MS) return;
    this.#cleanedMs = now;
    for (const [key, { expiresMs }] of this.#kept) if (now > expiresMs) this.#kept.delete(key);
  }
}

/** Tells nothing that is secret. */
function keyOf({ pod, audience, expirationSeconds }: TokenWish): string {
  const { namespace, uid } = pod.metadata;
  return JSON.stringify([namespace, pod.spec?.serviceAccountName ?? '', audience, expirationSeconds, uid]);
}
