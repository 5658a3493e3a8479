import { isIPv6 } from 'node:net';
import {
  badRequest,
  internalError,
  invalid,
  nodes,
  type Pod,
  pods,
  type StatusCause,
  statusFailure,
} from '../../kube/index.ts';
import { nodeEndpoint, passOnFromNode } from './ask-node.ts';
import type { ResourceExchange } from './exchange.ts';
import { flag, integer } from './query.ts';
import { objectName } from './read.ts';

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
  const url = `https://${isIPv6(host) ? `[${host}]` : host}:${port}${path}`;
  await passOnFromNode(exchange, {
    ...{ host, port, path },
    unreachable: (error) => internalError(`Get ${JSON.stringify(url)}: ${error.message}`),
    async begin(answer) {
      const code = answer.statusCode ?? 500;
      if (code < 200 || code > 206) throw kubeletFailure(code, await text(answer), exchange);
      response.writeHead(200, { 'Content-Type': 'text/plain' });
    },
  });
}

/** What is wrong with the options (ValidatePodLogOptions). */
export function logOptionCauses(query: URLSearchParams): StatusCause[] {
  const causes: StatusCause[] = [];
  const wrong = (field: string, value: unknown, why: string) =>
    causes.push({ reason: 'FieldValueInvalid', message: `Invalid value: ${value}: ${why}`, field });
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
