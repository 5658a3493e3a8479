import { request as httpsRequest } from 'node:https';
import { isIPv6 } from 'node:net';
import { pipeline } from 'node:stream/promises';
import {
  badRequest,
  internalError,
  invalid,
  type Node,
  nodes,
  type Pod,
  pods,
  type StatusCause,
  statusFailure,
} from '../../kube/index.ts';
import { exchangeSignal, type ResourceExchange } from './exchange.ts';
import { flag, integer } from './query.ts';
import { objectName } from './read.ts';

/** As the API server asks nodes for them (--kubelet-preferred-address-types; addresses before names). */
const ADDRESS_TYPES = ['InternalIP', 'ExternalIP', 'Hostname', 'InternalDNS', 'ExternalDNS'];
const DEFAULT_KUBELET_PORT = 10250;
/** How much of a node's error text is passed on. */
const MAX_ERROR_BYTES = 2048;

/** GET pods/NAME/log: the node's own HTTPS server is asked, and its answer passed through as it comes. */
export async function servePodLog(exchange: ResourceExchange): Promise<void> {
  const { server, response, query, target } = exchange;
  const causes = logOptionCauses(query);
  if (causes.length > 0) throw invalid({ group: '', kind: 'PodLogOptions' }, target.name, causes);
  const pod = server.registry.get(pods, objectName(exchange)).object;
  const container = chooseContainer(pod, query.get('container') ?? '');
  const nodeName = pod.spec?.nodeName;
  if (!nodeName) {
    // Nothing runs yet, so nothing has been written.
    response.writeHead(200, { 'Content-Type': 'text/plain' }).end();
    return;
  }
  const { host, port } = nodeEndpoint(server.registry.get(nodes, { name: nodeName }).object);
  const { namespace, name } = pod.metadata;
  const path = `/containerLogs/${namespace}/${name}/${container}${kubeletQuery(query)}`;
  await passThrough(exchange, { host, port, path });
}

/** What is wrong with the options (ValidatePodLogOptions). */
export function logOptionCauses(query: URLSearchParams): StatusCause[] {
  const causes: StatusCause[] = [];
  const wrong = (field: string, value: unknown, why: string) =>
    causes.push({ reason: 'FieldValueInvalid', field, message: `Invalid value: ${value}: ${why}` });
  const tailLines = integer(query, 'tailLines');
  const limitBytes = integer(query, 'limitBytes');
  const sinceSeconds = integer(query, 'sinceSeconds');
  if (tailLines !== undefined && tailLines < 0)
    wrong('tailLines', tailLines, 'must be greater than or equal to 0');
  if (limitBytes !== undefined && limitBytes < 1) wrong('limitBytes', limitBytes, 'must be greater than 0');
  if (sinceSeconds !== undefined && query.get('sinceTime'))
    causes.push({
      reason: 'FieldValueForbidden',
      message: 'Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified',
    });
  else if (sinceSeconds !== undefined && sinceSeconds < 1)
    wrong('sinceSeconds', sinceSeconds, 'must be greater than 0');
  return causes;
}

/** The container whose log is meant. @throws StatusError 400 when it is not clear or not there. */
export function chooseContainer(pod: Pod, asked: string): string {
  const containers = pod.spec?.containers ?? [];
  const all = [
    ...(pod.spec?.initContainers ?? []),
    ...containers,
    ...(pod.spec?.ephemeralContainers ?? []),
  ].map((container) => container.name);
  const podName = pod.metadata?.name;
  if (asked !== '') {
    if (all.includes(asked)) return asked;
    throw badRequest(`container ${asked} is not valid for pod ${podName}`);
  }
  if (containers.length === 1) return containers[0]!.name;
  if (containers.length === 0) throw badRequest(`a container name must be specified for pod ${podName}`);
  throw badRequest(
    `a container name must be specified for pod ${podName}, choose one of: [${all.join(' ')}]`,
  );
}

/** Where a node serves its pods' logs. @throws StatusError 500 when it has no address. */
export function nodeEndpoint(node: Node): { host: string; port: number } {
  const addresses = node.status?.addresses ?? [];
  for (const type of ADDRESS_TYPES) {
    const found = addresses.find((address) => address.type === type);
    if (found)
      return {
        host: found.address,
        // A node without a server says 0, which counts as said nothing.
        port: node.status?.daemonEndpoints?.kubeletEndpoint?.Port || DEFAULT_KUBELET_PORT,
      };
  }
  const known = addresses.map((address) => `{${address.type} ${address.address}}`).join(' ');
  throw internalError(`no preferred addresses found; known addresses: [${known}]`);
}

function kubeletQuery(query: URLSearchParams): string {
  const parameters = new URLSearchParams();
  for (const name of ['follow', 'previous', 'timestamps'])
    if (flag(query, name)) parameters.set(name, 'true');
  for (const name of ['sinceSeconds', 'sinceTime', 'tailLines', 'limitBytes']) {
    const value = query.get(name);
    if (value) parameters.set(name, value);
  }
  const text = parameters.toString();
  return text === '' ? '' : `?${text}`;
}

interface KubeletLocation {
  readonly host: string;
  readonly port: number;
  readonly path: string;
}

async function passThrough(exchange: ResourceExchange, location: KubeletLocation): Promise<void> {
  const { server, response } = exchange;
  const { host, port, path } = location;
  const url = `https://${isIPv6(host) ? `[${host}]` : host}:${port}${path}`;
  const { signal, dispose } = exchangeSignal(exchange);
  try {
    const answer = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
      const call = httpsRequest(
        {
          host,
          port,
          path,
          ca: server.kubelet.ca,
          cert: server.kubelet.client.cert,
          key: server.kubelet.client.key,
          agent: false,
          signal,
        },
        resolve,
      );
      call.on('error', (error) => reject(internalError(`Get ${JSON.stringify(url)}: ${error.message}`)));
      call.end();
    });
    const code = answer.statusCode ?? 500;
    if (code < 200 || code > 206) throw kubeletFailure(code, await text(answer), exchange);
    response.writeHead(200, { 'Content-Type': 'text/plain' });
    // A log that is followed may stay silent for long: the client must see that it has begun.
    response.flushHeaders();
    await pipeline(answer, response);
  } catch (error) {
    // Once the log flows there is no other way to say that it broke off than to break off.
    if (response.headersSent) response.destroy();
    else if (!signal.aborted) throw error;
  } finally {
    dispose();
  }
}

/** How a node's refusal reaches the client (generic/rest/response_checker.go). */
function kubeletFailure(code: number, body: string, { target }: ResourceExchange) {
  if (code === 400) return badRequest(body);
  if (code === 500) return internalError(body);
  const message =
    code === 404
      ? `the server could not find the requested resource ( pods/log ${target.name})`
      : `an error on the server (${JSON.stringify(body)}) has prevented the request from succeeding ( pods/log ${target.name})`;
  return statusFailure(code, code === 404 ? 'NotFound' : 'InternalError', message, {
    name: target.name,
    kind: 'pods/log',
  });
}

async function text(answer: import('node:http').IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= MAX_ERROR_BYTES) break;
  }
  return Buffer.concat(chunks).subarray(0, MAX_ERROR_BYTES).toString('utf8').trim();
}
