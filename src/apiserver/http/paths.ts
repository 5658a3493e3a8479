import { createHash } from 'node:crypto';
import { METRICS_CONTENT_TYPE, trimEndOf } from '../../base/index.ts';
import type { ResourceDefinition } from '../registry/contract.ts';
import {
  AGGREGATED_TYPE,
  aggregatedDiscovery,
  apiGroup,
  coreVersions,
  groupList,
  resourceList,
} from './discovery.ts';
import { type Exchange, wantsPretty } from './exchange.ts';
import { methodNotAllowed, pageNotFound, unknownPath } from './failures.ts';
import { checkReport, type HealthCheck, type HealthReport, healthReport } from './health.ts';
import { checkRoute, negotiateOutput, parseAccept } from './media-type.ts';
import { serveOpenId } from './open-id.ts';
import type { PathTarget } from './request-target.ts';
import { sendBody, sendJson } from './send.ts';
import { serveSnapshot } from './snapshot.ts';
import { VERSION_INFO } from './version.ts';

/** Answers a path that is not a resource: health, version, discovery, OpenAPI. */
export async function servePath(exchange: Exchange, target: PathTarget): Promise<void> {
  const path = target.path.length > 1 ? trimEndOf(target.path, '/') : target.path;
  const probe = probeOf(exchange, path);
  if (probe || PATHS.includes(path)) exchange.server.metrics.begin({ ...target, path }, false, exchange);
  if (probe) return probe();
  const handler = handlerOf(exchange, path);
  if (!handler) throw pageNotFound();
  if (target.verb !== 'get' && target.verb !== 'head') throw methodNotAllowed();
  await handler();
}

/** What monitors ask for, by whatever method. */
function probeOf(exchange: Exchange, path: string): (() => Promise<void>) | undefined {
  if (path === '/metrics') return () => sendMetrics(exchange);
  const [root = '', ...rest] = path.slice(1).split('/');
  const checks = checksOf(exchange, root);
  if (!checks) return undefined;
  if (rest.length > 0) {
    const check = checks.find(({ name }) => name === rest.join('/'));
    return check && (() => sendHealth(exchange, checkReport(check)));
  }
  const { query } = exchange;
  const report = () => healthReport(path, checks, query.has('verbose'), query.getAll('exclude'));
  return () => sendHealth(exchange, report());
}

function checksOf(exchange: Exchange, root: string): readonly HealthCheck[] | undefined {
  if (root === 'readyz') return readyChecks(exchange);
  return root === 'livez' || root === 'healthz' ? LIVE_CHECKS : undefined;
}

async function sendMetrics({ request, response, server }: Exchange): Promise<void> {
  await sendBody(request, response, 200, METRICS_CONTENT_TYPE, Buffer.from(server.metrics.text()));
}

function handlerOf(exchange: Exchange, path: string): (() => Promise<void>) | undefined {
  switch (path) {
    case '/version':
      return () => sendVersion(exchange);
    case '/':
      return () => sendValue(exchange, { paths: allPaths(exchange.server.registry.definitions()) });
    case '/.well-known/openid-configuration':
    case '/openid/v1/jwks':
      return serveOpenId(exchange, path);
    case '/stowage/snapshot':
      return () => serveSnapshot(exchange);
    case '/openapi/v2':
    case '/openapi/v3':
      return () => serveOpenApi(exchange, path);
    case '/api':
    case '/apis':
      return () => serveDiscovery(exchange, path);
  }
  if (path.startsWith('/openapi/v3/')) return () => serveOpenApi(exchange, path);
  return () => serveGroup(exchange, path);
}

async function serveDiscovery(exchange: Exchange, path: '/api' | '/apis'): Promise<void> {
  const { request, response, server } = exchange;
  const definitions = server.registry.definitions();
  if (wantsAggregated(request.headers.accept)) {
    const body = Buffer.from(JSON.stringify(aggregatedDiscovery(definitions, path === '/api')));
    const ETag = `"${createHash('sha512').update(body).digest('hex').toUpperCase()}"`;
    if (request.headers['if-none-match'] === ETag) {
      response.writeHead(304, { ETag, Vary: 'Accept' }).end();
      return;
    }
    return sendBody(request, response, 200, AGGREGATED_TYPE, body, { Vary: 'Accept', ETag });
  }
  const address = `${request.socket.localAddress}:${request.socket.localPort}`;
  const body = path === '/api' ? coreVersions(definitions, address) : groupList(definitions);
  await sendValue(exchange, body);
}

/** /api/v1, /apis/GROUP and /apis/GROUP/VERSION. */
async function serveGroup(exchange: Exchange, path: string): Promise<void> {
  const definitions = exchange.server.registry.definitions();
  const [prefix, first = '', second = '', ...rest] = path.slice(1).split('/');
  let body: object | undefined;
  if (rest.length === 0 && prefix === 'api' && second === '') body = resourceList(definitions, '', first);
  else if (rest.length === 0 && prefix === 'apis')
    body = second === '' ? apiGroup(definitions, first) : resourceList(definitions, first, second);
  if (!body) throw unknownGroup(exchange, path);
  await sendValue(exchange, body);
}

/** Versions of the server's own groups are known; everything else is a page that is not there. */
function unknownGroup({ server }: Exchange, path: string): Error {
  const [prefix, group = ''] = path.slice(1).split('/');
  if (prefix === 'api') return unknownPath();
  const isOwn = server.registry.definitions().some((one) => one.group === group && !one.custom);
  return prefix === 'apis' && isOwn ? unknownPath() : pageNotFound();
}

/** Loaded on the first request: building the documents takes models and descriptions that nothing else needs. */
async function serveOpenApi(exchange: Exchange, path: string): Promise<void> {
  const { serveOpenApiPath } = await import('./openapi/serve.ts');
  await serveOpenApiPath(exchange, path);
}

function wantsAggregated(accept: string | undefined): boolean {
  if (accept === undefined) return false;
  // The first choice that can be made: aggregated v2, or plain JSON.
  for (const { type, parameters } of parseAccept(accept)) {
    if (type !== 'application/json' && type !== '*/*') continue;
    if (parameters.as === undefined) return false;
    if (
      parameters.as === 'APIGroupDiscoveryList' &&
      parameters.g === 'apidiscovery.k8s.io' &&
      parameters.v === 'v2'
    )
      return true;
  }
  return false;
}

const PATHS = [
  '/.well-known/openid-configuration',
  '/api',
  '/api/v1',
  '/apis',
  '/healthz',
  '/healthz/ping',
  '/livez',
  '/livez/ping',
  '/metrics',
  '/openapi/v2',
  '/openapi/v3',
  '/openid/v1/jwks',
  '/readyz',
  '/readyz/ping',
  '/readyz/shutdown',
  '/stowage/snapshot',
  '/version',
];

/** GET /: what is served beside resources. */
function allPaths(definitions: readonly ResourceDefinition[]): readonly string[] {
  const groups = definitions
    .filter(({ group }) => group !== '')
    .flatMap(({ group, version }) => [`/apis/${group}`, `/apis/${group}/${version}`]);
  return [...new Set([...PATHS, ...groups])].sort();
}

const LIVE_CHECKS: readonly HealthCheck[] = [{ name: 'ping', check: () => undefined }];

function readyChecks({ server }: Exchange): readonly HealthCheck[] {
  return [
    ...LIVE_CHECKS,
    ...server.readyChecks,
    { name: 'shutdown', check: () => (server.closing.aborted ? 'the server is closing' : undefined) },
  ];
}

async function sendHealth(exchange: Exchange, { ok, text }: HealthReport): Promise<void> {
  const headers = { 'X-Content-Type-Options': 'nosniff', 'Cache-Control': 'no-cache, private' };
  const { request, response } = exchange;
  await sendBody(request, response, ok ? 200 : 500, 'text/plain; charset=utf-8', Buffer.from(text), headers);
}

/** It is JSON, whatever parameters the client's choice has. */
async function sendVersion({ request, response, query }: Exchange): Promise<void> {
  if (request.method === 'HEAD') throw methodNotAllowed();
  checkRoute(request.headers.accept, false, ['application/json']);
  const pretty = wantsPretty({ query, request });
  await sendJson(request, response, 200, JSON.stringify(VERSION_INFO), { pretty });
}

async function sendValue(exchange: Exchange, value: object): Promise<void> {
  const { request, response, query } = exchange;
  const accept = request.headers.accept;
  // The list of groups is the one that upstream does not route.
  if (!(request.url ?? '').startsWith('/apis')) checkRoute(accept, false);
  const output = negotiateOutput(accept, false);
  await sendJson(request, response, 200, JSON.stringify(value), {
    output,
    pretty: wantsPretty({ query, request }),
  });
}
