import type { IncomingHttpHeaders } from 'node:http';
import { badRequest, nodes, statusFailure } from '../../../kube/index.ts';
import { nodeEndpoint, passOnFromNode } from '../ask-node.ts';
import type { ResourceExchange } from '../exchange.ts';

/** What is between two ends of one connection, and credentials, which are between the client and us. */
const KEPT_BACK: ReadonlySet<string> = new Set([
  ...['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade'],
  ...['authorization', 'host'],
]);

/**
 * Any request below nodes/NAME/proxy: the node's own server is asked for the rest of the path as the API server, and its
 * answer passed through. Source: pkg/registry/core/node/rest/proxy.go, util/proxy/upgradeaware.go.
 */
export async function serveNodeProxy(exchange: ResourceExchange): Promise<void> {
  const { server, request, response, target } = exchange;
  const [name = '', port] = withoutScheme(target.name).split(':');
  const endpoint = nodeEndpoint(server.registry.get(nodes, { name }).object);
  // Nodes are on this machine: whatever else listens there is nobody's business (proxyutil.IsProxyableHostname).
  if (port && Number(port) !== endpoint.port) throw badRequest('address not allowed');
  const url = request.url ?? '/';
  const query = url.includes('?') ? url.slice(url.indexOf('?')) : '';
  await passOnFromNode(exchange, {
    ...endpoint,
    method: request.method,
    path: `/${target.rest ?? ''}${query}`,
    headers: passed(request.headers),
    body: request,
    unreachable,
    begin: (answer) => void response.writeHead(answer.statusCode ?? 502, passed(answer.headers)),
  });
}

/** Nodes are asked by HTTPS, whatever scheme is named: https:NAME:PORT. */
function withoutScheme(name: string): string {
  return name.replace(/^https?:/, '');
}

function passed(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const kept = ([name]: readonly [string, unknown]) =>
    !KEPT_BACK.has(name) && !name.startsWith('impersonate-');
  return Object.fromEntries(Object.entries(headers).filter(kept));
}

function unreachable({ message }: Error) {
  return statusFailure(503, 'ServiceUnavailable', `error trying to reach service: ${message}`);
}
