import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex, Readable } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { type Clock, errorMessage, type Logger, type Random } from '../../base/index.ts';
import { unauthorized } from '../../kube/index.ts';
import {
  bearerToken,
  type KeyPair,
  type Pki,
  type ServiceAccountTokens,
  userOfCertificate,
} from '../auth/index.ts';
import type { Registry, UserInfo } from '../registry/contract.ts';
import { loggedPath, type ServerContext } from './exchange.ts';
import { Gate } from './fairness/index.ts';
import type { HealthCheck } from './health.ts';
import { DEFAULT_LIMITS, type Limits } from './limits.ts';
import { RequestMetrics } from './metrics.ts';
import { serveRequest } from './router.ts';
import { sendError } from './send.ts';
import { isConnectPath, serveUpgrade } from './streaming/upgrades.ts';

/** How long a close waits for requests under way. */
const CLOSE_GRACE_MS = 5_000;
/** Request line and headers together: a selector may name thousands of values. Source: DefaultMaxHeaderBytes of net/http. */
const MAX_HEADER_BYTES = 2 ** 20;

export interface ApiServerOptions {
  readonly registry: Registry;
  /** The authority and the certificates that the server uses. */
  readonly pki: Pick<Pki, 'ca' | 'serving' | 'kubeletClient'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** @default 127.0.0.1 */
  readonly host?: string;
  /** 0 takes a free one. @default 0 */
  readonly port?: number;
  /** Authenticates bearer tokens; without it they mean nothing. */
  readonly tokens?: ServiceAccountTokens;
  /** The state of the store for a backup; absent: there is none to back up. */
  readonly snapshot?: () => Promise<Readable> | undefined;
  /** What else must hold for /readyz. */
  readonly readyChecks?: readonly HealthCheck[];
  /** @default DEFAULT_LIMITS */
  readonly limits?: Partial<Limits>;
}

export interface ApiServer {
  readonly port: number;
  /** e.g. https://127.0.0.1:6443 */
  readonly url: string;
  /** Stops listening, ends watches and streams, lets requests finish (5 s at most). */
  close(): Promise<void>;
}

/**
 * Serves a registry over HTTPS. Resolves once the port is open.
 * @throws Error when it cannot be opened, naming address and reason.
 */
export async function createApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { registry, pki, clock, random, logger, host = '127.0.0.1', port = 0 } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const closing = new AbortController();
  const context: ServerContext = {
    registry,
    clock,
    random,
    logger,
    kubelet: { client: pki.kubeletClient, ca: pki.ca },
    readyChecks: options.readyChecks ?? [],
    tokens: options.tokens,
    snapshot: options.snapshot,
    gate: new Gate(),
    metrics: new RequestMetrics(registry, clock),
    limits,
    closing: closing.signal,
  };
  const users = new WeakMap<TLSSocket, Authentication>();
  const server = createServer(tlsOptions(pki.serving, pki.ca, limits), (request, response) => {
    void handle(context, users, request, response);
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    void serveUpgrade(request, socket, head, (response) => handle(context, users, request, response));
  });
  server.keepAliveTimeout = limits.keepAliveMs;
  server.headersTimeout = limits.headersMs;
  server.requestTimeout = limits.requestMs;
  server.maxConnections = limits.maxConnections;
  // Clients that go away in a handshake are no news.
  server.on('tlsClientError', (error) =>
    logger.debug('TLS handshake failed', { error: errorMessage(error) }),
  );
  await listen(server, host, port);

  const address = server.address() as AddressInfo;
  const name = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  let closed: Promise<void> | undefined;
  return {
    port: address.port,
    url: `https://${name}:${address.port}`,
    close() {
      closed ??= close(server, closing, clock);
      return closed;
    },
  };
}

function tlsOptions(serving: KeyPair, ca: string, { handshakeMs, lookMs }: Limits) {
  return {
    cert: serving.cert,
    key: serving.key,
    ca,
    // A client without a certificate may still read the public paths; one with a bad one is told so in HTTP.
    requestCert: true,
    rejectUnauthorized: false,
    minVersion: 'TLSv1.2',
    handshakeTimeout: handshakeMs,
    connectionsCheckingInterval: lookMs,
    maxHeaderSize: MAX_HEADER_BYTES,
    shouldUpgradeCallback: (request: IncomingMessage) => isConnectPath(request.url),
  } as const;
}

interface Authentication {
  readonly user: UserInfo | undefined;
  /** Why the certificate that the client shows is not good. */
  readonly problem?: string;
}

function handle(
  context: ServerContext,
  users: WeakMap<TLSSocket, Authentication>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const socket = request.socket as TLSSocket;
  let known = users.get(socket);
  if (!known) {
    known = authenticate(socket);
    users.set(socket, known);
  }
  // A socket that breaks in the middle of a response: the handler sees 'close'.
  response.on('error', () => undefined);
  response.on('finish', () => {
    // A connection that is kept would keep the closing server.
    if (context.closing.aborted) socket.end();
  });
  return answer(context, known, request, response).catch((error) => {
    context.logger.error('response failed', { path: loggedPath(request), error });
    response.destroy();
  });
}

/** A certificate says who it is for all requests of a connection, a token for the one that carries it. */
function answer(
  context: ServerContext,
  { user, problem }: Authentication,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const token = user || !context.tokens ? undefined : bearerToken(request.headers.authorization);
  if (token === undefined && problem !== undefined)
    return refuseCredentials(context, request, response, problem);
  if (token === undefined) return serveRequest(context, user, { request, response });
  return context.tokens!.authenticate(token).then(
    (found) =>
      found
        ? serveRequest(context, found.user, { request, response })
        : refuseCredentials(context, request, response, 'invalid bearer token'),
    (error) => refuseCredentials(context, request, response, errorMessage(error)),
  );
}

/** Whoever shows a token or a certificate that is not good gets nothing, not even what anybody may read. Why is for the log. */
function refuseCredentials(
  { logger }: ServerContext,
  request: IncomingMessage,
  response: ServerResponse,
  why: string,
): Promise<void> {
  logger.info('unable to authenticate the request', { path: loggedPath(request), why });
  return sendError(request, response, unauthorized(), request.complete ? undefined : { Connection: 'close' });
}

/** The user of the connection's client certificate, when the authority has signed it. */
function authenticate(socket: TLSSocket): Authentication {
  const { subject, fingerprint256 } = socket.getPeerCertificate();
  if (subject === undefined) return { user: undefined };
  if (!socket.authorized) return { user: undefined, problem: String(socket.authorizationError) };
  return { user: userOfCertificate(subject as Parameters<typeof userOfCertificate>[0], fingerprint256) };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'the port is taken; choose another' : error.message;
      reject(new Error(`API server cannot listen on ${host}:${port}: ${why}`, { cause: error }));
    });
    server.listen(port, host, 1024, resolve);
  });
}

async function close(server: Server, closing: AbortController, clock: Clock): Promise<void> {
  const done = new Promise<void>((resolve) => server.close(() => resolve()));
  closing.abort();
  server.closeIdleConnections();
  const timer = clock.after(CLOSE_GRACE_MS, () => server.closeAllConnections(), { unref: true });
  await done;
  timer.cancel();
}
