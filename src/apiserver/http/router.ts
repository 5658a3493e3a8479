import { internalError, notFound } from '../../kube/index.ts';
import {
  ANONYMOUS,
  type Attributes,
  forbiddenFor,
  impersonate,
  wantedUser,
  withSelector,
} from '../auth/index.ts';
import type { UserInfo } from '../registry/contract.ts';
import { subresourcesOf, subresourceVerbs } from './discovery.ts';
import { type Exchange, loggedPath, type ResourceExchange, type ServerContext } from './exchange.ts';
import { malformedTarget, methodNotAllowed, PlainAnswer, pageNotFound, unknownPath } from './failures.ts';
import { isLongRunning, type Seat } from './fairness/index.ts';
import { servePath } from './paths.ts';
import { servePodLog } from './pod-log.ts';
import { flag, parseQuery } from './query.ts';
import { serveGet, serveList } from './read.ts';
import { parseTarget, type RequestTarget, type ResourceTarget } from './request-target.ts';
import { asStatusError, sendBody, sendError, warningHeader } from './send.ts';
import { serveConnect } from './streaming/connect.ts';
import { serveNodeProxy } from './streaming/node-proxy.ts';
import { CONNECT_SUBRESOURCES } from './subresources.ts';
import {
  serveCreate,
  serveCreateSubresource,
  serveDelete,
  serveDeleteCollection,
  servePatch,
  serveUpdate,
} from './write.ts';

const MALFORMED_ESCAPE = /%(?![0-9a-fA-F]{2})/;

type Incoming = Pick<Exchange, 'request' | 'response'>;

/** Answers one request: who is it, may they, what is asked. Every failure becomes a Status. */
export async function serveRequest(
  server: ServerContext,
  user: UserInfo | undefined,
  { request, response }: Incoming,
): Promise<void> {
  let seat: Seat | undefined;
  try {
    const url = request.url ?? '/';
    const mark = url.indexOf('?');
    const path = mark < 0 ? url : url.slice(0, mark);
    if (MALFORMED_ESCAPE.test(path)) throw malformedTarget();
    const query = parseQuery(mark < 0 ? '' : url.slice(mark + 1));
    const target = targetOf(request.method ?? 'GET', path, query);
    const attributes = attributesOf(target, query);
    const acting = actingUser(server, user ?? ANONYMOUS, request, attributes);
    const entered = server.gate.enter(acting, target);
    seat = 'release' in entered ? entered : await entered;
    if (response.destroyed) return;
    if (!isLongRunning(target)) limitTime(server, response);
    const { allowed, reason } = server.registry.authorization.authorizer.decide(acting, attributes);
    if (!allowed) throw forbiddenFor(acting, attributes, reason);
    const exchange: Exchange = { server, request, response, query, user: acting };
    await ('path' in target ? servePath(exchange, target) : serveResource(exchange, target));
  } catch (error) {
    await fail(server, { request, response }, error);
  } finally {
    seat?.release();
  }
}

/** A client that takes too long to send its body or to take its answer loses its connection, and its seat. */
function limitTime({ clock, limits }: ServerContext, response: Incoming['response']): void {
  const timer = clock.after(limits.requestMs, () => response.destroy(), { unref: true });
  response.once('close', () => timer.cancel());
}

function targetOf(method: string, path: string, query: URLSearchParams): RequestTarget {
  try {
    return parseTarget(method, path, flag(query, 'watch'));
  } catch {
    // What is no UTF-8 names nothing.
    return { verb: method.toLowerCase(), path };
  }
}

function attributesOf(target: RequestTarget, query: URLSearchParams): Attributes {
  if ('path' in target) return target;
  const isCollection =
    target.verb === 'list' || target.verb === 'watch' || target.verb === 'deletecollection';
  return isCollection ? withSelector(target, query.get('fieldSelector')) : target;
}

/** Who acts: the user himself, or whom he asks to be. @throws StatusError 400, 403 */
function actingUser(
  { registry }: ServerContext,
  user: UserInfo,
  request: Incoming['request'],
  attributes: Attributes,
): UserInfo {
  let asks = false;
  for (const name in request.headers) asks ||= name.startsWith('impersonate-');
  const wanted = asks ? wantedUser(request.headersDistinct) : undefined;
  return wanted ? impersonate(registry.authorization.authorizer, user, wanted, attributes) : user;
}

async function serveResource(exchange: Exchange, target: ResourceTarget): Promise<void> {
  const { group, version, resource, namespace, name, subresource } = target;
  const definition = exchange.server.registry.find(group, version, resource);
  if (!definition || misplaced(definition, target)) throw unknownResource(exchange.server, target);
  // What is in no path of the server's own would be a label that anybody can invent.
  if (subresource === '' || subresourcesOf(definition).includes(subresource))
    exchange.server.metrics.begin(target, isDryRun(exchange.query), exchange);
  if (group === '' && resource === 'nodes' && subresource === 'proxy')
    return serveNodeProxy({ ...exchange, target, definition });
  // Upstream routes no HEAD to objects.
  if (exchange.request.method === 'HEAD') throw methodNotAllowed();
  // The path of a namespace names it twice: as an object and as a place.
  const placed = definition.namespaced ? target : { ...target, namespace: '' };
  const asked: ResourceExchange = { ...exchange, target: placed, definition };
  if (subresource !== '') return serveSubresource(asked);

  const allowed = definition.verbs;
  const deprecation = definition.deprecation ?? definition.custom?.deprecation;
  if (deprecation && ['get', 'list', 'watch', 'delete'].includes(target.verb))
    exchange.response.setHeader('Warning', warningHeader(deprecation));
  const unless = (verb: string) => {
    if (!allowed.includes(verb)) throw methodNotAllowed();
  };
  unless(target.verb);
  switch (target.verb) {
    case 'get':
      return serveGet(asked);
    case 'list':
    case 'watch':
      return serveList(asked);
    case 'create':
      // An object is made in its collection, and in a namespace.
      if (name !== '' || (definition.namespaced && namespace === '')) throw methodNotAllowed();
      return serveCreate(asked);
    case 'update':
      if (name === '') throw methodNotAllowed();
      return serveUpdate(asked);
    case 'patch':
      if (name === '') throw methodNotAllowed();
      return servePatch(asked);
    case 'delete':
      return serveDelete(asked);
    case 'deletecollection':
      if (definition.namespaced && namespace === '') throw methodNotAllowed();
      return serveDeleteCollection(asked);
    default:
      throw methodNotAllowed();
  }
}

const isDryRun = (query: URLSearchParams) => (query.get('dryRun') ?? '') !== '';

/** Groups of the server's own know their resources; the paths of all others, also of custom ones, are pages that are not there. */
function unknownResource({ registry }: ServerContext, { group }: ResourceTarget): Error {
  const isOwn = registry.definitions().some((one) => one.group === group && !one.custom);
  return isOwn ? unknownPath() : pageNotFound();
}

async function serveSubresource(exchange: ResourceExchange): Promise<void> {
  const { definition, target } = exchange;
  const { subresource, verb } = target;
  if (definition.group === '' && definition.plural === 'pods' && CONNECT_SUBRESOURCES.has(subresource))
    return serveConnect(exchange);
  if (!subresourcesOf(definition).includes(subresource))
    throw definition.custom ? notFound(definition, target.name) : unknownPath();
  if (!subresourceVerbs(subresource).includes(verb)) throw methodNotAllowed();
  switch (verb) {
    case 'create':
      return serveCreateSubresource(exchange);
    case 'get':
      return subresource === 'log' ? servePodLog(exchange) : serveGet(exchange);
    case 'update':
      return serveUpdate(exchange);
    default:
      return servePatch(exchange);
  }
}

/**
 * A cluster-scoped resource under a namespace, or a named object of a namespaced resource without one. A namespace is
 * itself the place that its path names, and no other: what one may do in `a` is not to be done to `b`.
 */
function misplaced(
  definition: { namespaced: boolean; plural: string; group: string },
  target: ResourceTarget,
): boolean {
  if (definition.namespaced) return target.namespace === '' && target.name !== '';
  const isNamespace = definition.group === '' && definition.plural === 'namespaces';
  return target.namespace !== '' && !(isNamespace && target.name === target.namespace);
}

async function fail(server: ServerContext, { request, response }: Incoming, error: unknown): Promise<void> {
  if (response.destroyed) return;
  if (error instanceof PlainAnswer && !response.headersSent) {
    const headers = {
      'X-Content-Type-Options': 'nosniff',
      ...(request.complete ? {} : { Connection: 'close' }),
    };
    return sendBody(
      request,
      response,
      error.code,
      'text/plain; charset=utf-8',
      Buffer.from(error.message),
      headers,
    );
  }
  const status = asStatusError(error, internalError);
  if (status !== error)
    server.logger.error('request failed', { method: request.method, path: loggedPath(request), error });
  if (response.headersSent) {
    response.destroy();
    return;
  }
  // What is left of a body that was not wanted would be taken for the next request.
  const unread = !request.complete;
  await sendError(request, response, status, unread ? { Connection: 'close' } : undefined);
}
