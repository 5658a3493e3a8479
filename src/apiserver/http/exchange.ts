import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import type { Clock, Logger, Random } from '../../base/index.ts';
import type { KeyPair, ServiceAccountTokens } from '../auth/index.ts';
import type { Registry, RequestContext, ResourceDefinition, UserInfo } from '../registry/contract.ts';
import type { Gate } from './fairness/index.ts';
import type { HealthCheck } from './health.ts';
import type { Limits } from './limits.ts';
import type { RequestMetrics } from './metrics.ts';
import type { ResourceTarget } from './request-target.ts';

/** What every handler of the server shares. */
export interface ServerContext {
  readonly registry: Registry;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** How the server calls nodes: its client certificate, and the authority that signed theirs. */
  readonly kubelet: KubeletAccess;
  readonly readyChecks: readonly HealthCheck[];
  /** Absent: bearer tokens mean nothing. */
  readonly tokens?: ServiceAccountTokens;
  /** The state of the store for a backup; absent: it keeps none on disk. */
  readonly snapshot?: () => Promise<Readable> | undefined;
  /** Lets requests in, each client's in its turn. */
  readonly gate: Gate;
  /** Counts what is asked, for /metrics. */
  readonly metrics: RequestMetrics;
  readonly limits: Limits;
  /** Aborts when the server closes: watches and streams end. */
  readonly closing: AbortSignal;
}

export interface KubeletAccess {
  readonly client: KeyPair;
  /** PEM. */
  readonly ca: string;
}

/** One request and its response, after authentication. */
export interface Exchange {
  readonly server: ServerContext;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
  readonly user: UserInfo;
}

/** A request for the objects of a resource. */
export interface ResourceExchange extends Exchange {
  readonly target: ResourceTarget;
  readonly definition: ResourceDefinition;
}

/** Of a path, in a log: who is not known may send a megabyte. */
const MAX_LOGGED_LENGTH = 2_048;

/** What a log may tell of a request's address: what follows the path may be a command, with who knows what in it. */
export function loggedPath({ url = '/' }: Pick<IncomingMessage, 'url'>): string {
  const mark = url.indexOf('?');
  const path = mark < 0 ? url : url.slice(0, mark);
  return path.length > MAX_LOGGED_LENGTH ? `${path.slice(0, MAX_LOGGED_LENGTH)}…` : path;
}

/** Collects what a write warns of, for the Warning header. */
export class Warnings {
  readonly #texts: string[] = [];
  readonly add: NonNullable<RequestContext['warn']> = (message) => {
    // A limit on everything: headers have one.
    if (this.#texts.length < 32 && !this.#texts.includes(message)) this.#texts.push(message);
  };

  get texts(): readonly string[] {
    return this.#texts;
  }
}

/** Whether the client wants JSON laid out for reading: it says so, or it is a tool that people type. */
export function wantsPretty(exchange: Pick<Exchange, 'query' | 'request'>): boolean {
  const asked = exchange.query.get('pretty');
  if (asked) return /^(1|t|true)$/i.test(asked);
  return /^(curl|Wget|Mozilla\/5\.0)/.test(exchange.request.headers['user-agent'] ?? '');
}

/** A signal that aborts when the client goes away or the server closes. */
export function exchangeSignal({ server, response }: Exchange): { signal: AbortSignal; dispose(): void } {
  const controller = new AbortController();
  const abort = () => controller.abort();
  response.once('close', abort);
  server.closing.addEventListener('abort', abort, { once: true });
  if (server.closing.aborted) abort();
  return {
    signal: controller.signal,
    dispose() {
      response.off('close', abort);
      server.closing.removeEventListener('abort', abort);
    },
  };
}
