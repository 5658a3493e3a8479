import { badRequest, nodes, type Pod, pods, type Stored } from '../../../kube/index.ts';
import { forbiddenFor } from '../../auth/index.ts';
import { nodeEndpoint } from '../ask-node.ts';
import type { ResourceExchange } from '../exchange.ts';
import { methodNotAllowed } from '../failures.ts';
import { chooseContainer } from '../pod-log.ts';
import { flag } from '../query.ts';
import { objectName } from '../read.ts';
import { proxyUpgrade } from './proxy-upgrade.ts';
import { proxyTunnel, tunnelledProtocols } from './tunnel.ts';
import { upgradeOf } from './upgrades.ts';

/** What the kubelet calls the options. */
const STREAMS = { stdin: 'input', stdout: 'output', stderr: 'error', tty: 'tty' } as const;

/**
 * GET and POST of pods/NAME/exec, attach and portforward: the node's own server speaks with the client, and the bytes are
 * passed through both ways. Source: pkg/registry/core/pod/rest/subresources.go, strategy.go (streamLocation).
 */
export async function serveConnect(exchange: ResourceExchange): Promise<void> {
  const { server, request, query, target } = exchange;
  if (target.verb !== 'get' && target.verb !== 'create') throw methodNotAllowed();
  mustBeAllowedToCreate(exchange);
  const pod = server.registry.get(pods, objectName(exchange)).object;
  const path = kubeletPath(pod, target.subresource, query);
  const { host, port } = nodeEndpoint(server.registry.get(nodes, { name: pod.spec!.nodeName! }).object);
  const upgrade = upgradeOf(request);
  if (!upgrade) throw badRequest('Upgrade request required');
  const backend = { host, port, path };
  const tunnelled = target.subresource === 'portforward' ? tunnelledProtocols(request) : [];
  if (tunnelled.length > 0) return proxyTunnel(exchange, upgrade, backend, tunnelled);
  await proxyUpgrade(exchange, upgrade, backend);
}

/** A browser can only GET, and that must not be worth more than a POST (AuthorizePodWebsocketUpgradeCreatePermission). */
function mustBeAllowedToCreate({ server, user, target }: ResourceExchange): void {
  if (target.verb === 'create') return;
  const attributes = { ...target, verb: 'create' };
  const { allowed, reason } = server.registry.authorization.authorizer.decide(user, attributes);
  if (!allowed) throw forbiddenFor(user, attributes, reason);
}

/** What the pod's node is asked. @throws StatusError 400 */
export function kubeletPath(pod: Stored<Pod>, subresource: string, query: URLSearchParams): string {
  const { namespace, name } = pod.metadata;
  const parameters = new URLSearchParams();
  let container = '';
  if (subresource === 'portforward') {
    const ports = query.getAll('ports').flatMap((value) => value.split(','));
    const wrong = ports.find((port) => !/^-?\d+$/.test(port));
    if (wrong !== undefined)
      throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(wrong)}: invalid syntax`);
    if (ports.length > 0) parameters.set('port', ports.join(','));
  } else {
    container = `/${chooseContainer(pod, query.get('container') ?? '')}`;
    for (const [option, parameter] of Object.entries(STREAMS))
      if (flag(query, option)) parameters.set(parameter, '1');
    if (subresource === 'exec')
      for (const word of query.getAll('command')) parameters.append('command', word);
  }
  if (!pod.spec?.nodeName) throw badRequest(`pod ${name} does not have a host assigned`);
  const kind = subresource === 'portforward' ? 'portForward' : subresource;
  const text = parameters.toString();
  return `/${kind}/${namespace}/${name}${container}${text === '' ? '' : `?${text}`}`;
}
