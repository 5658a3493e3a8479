import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type StatusError, statusFailure } from '../../../kube/index.ts';
import type { Exchange } from '../exchange.ts';
import type { Upgrade } from './upgrades.ts';

/** What is passed on of a request. Not all of it: credentials are between the client and us. */
const PASSED_HEADERS = [
  'connection',
  'upgrade',
  'user-agent',
  'sec-websocket-extensions',
  'sec-websocket-key',
  'sec-websocket-protocol',
  'sec-websocket-version',
  'x-stream-protocol-version',
];
/** How much of a node's refusal is passed on. */
const MAX_REFUSAL_BYTES = 64 * 1024;

export interface Backend {
  readonly host: string;
  readonly port: number;
  readonly path: string;
}

type BackendAnswer =
  | {
      readonly kind: 'upgraded';
      readonly answer: IncomingMessage;
      readonly socket: Duplex;
      readonly head: Buffer;
    }
  | { readonly kind: 'refused'; readonly answer: IncomingMessage };

/**
 * Asks a node to speak the client's protocol, and joins the two connections until one of them ends. Each side reads no
 * faster than the other takes. A node's refusal goes to the client as it is (util/proxy/upgradeaware.go).
 */
export async function proxyUpgrade(exchange: Exchange, upgrade: Upgrade, backend: Backend): Promise<void> {
  const { server, response } = exchange;
  const client = upgrade.socket;
  const { method = 'GET', headers } = exchange.request;
  const asked = await askNode(
    exchange,
    client,
    backend,
    method,
    Object.fromEntries(PASSED_HEADERS.map((name) => [name, headers[name]])),
  );
  if (asked.kind === 'refused') return passRefusal(asked.answer, response);
  const { answer, socket, head } = asked;
  const end = () => {
    client.destroy();
    socket.destroy();
  };
  server.closing.addEventListener('abort', end, { once: true });
  client.write(switchingProtocols(answer));
  if (head.length > 0) client.write(head);
  if (upgrade.head.length > 0) socket.write(upgrade.head);
  try {
    await Promise.race([pipeline(client, socket), pipeline(socket, client)]);
  } catch {
    // One has gone: there is nobody to tell.
  } finally {
    server.closing.removeEventListener('abort', end);
    end();
  }
}

/** Asks a node for another protocol on behalf of a client, and stops when that goes away. */
export function askNode(
  { server, request }: Exchange,
  client: Duplex,
  backend: Backend,
  method: string,
  wanted: OutgoingHttpHeaders,
): Promise<BackendAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<BackendAnswer>();
  const headers: OutgoingHttpHeaders = { 'x-forwarded-for': request.socket.remoteAddress };
  for (const [name, value] of Object.entries(wanted)) if (value !== undefined) headers[name] = value;
  const call = httpsRequest({
    ...backend,
    method,
    headers,
    ca: server.kubelet.ca,
    cert: server.kubelet.client.cert,
    key: server.kubelet.client.key,
    agent: false,
  });
  const leave = () => call.destroy();
  client.once('close', leave);
  call.on('upgrade', (answer, socket, head) => {
    client.off('close', leave);
    socket.on('error', () => undefined);
    resolve({ kind: 'upgraded', answer, socket, head });
  });
  call.on('response', (answer) => resolve({ kind: 'refused', answer }));
  call.on('error', (error) => reject(failure(`error dialing backend: ${error.message}`)));
  call.end();
  return promise;
}

export async function passRefusal(answer: IncomingMessage, response: Exchange['response']): Promise<void> {
  const code = answer.statusCode ?? 0;
  if (code < 400) {
    answer.destroy();
    throw failure(`invalid upgrade response: status code ${code}`);
  }
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > MAX_REFUSAL_BYTES) break;
  }
  response.writeHead(code, { 'Content-Type': answer.headers['content-type'] ?? 'text/plain' });
  response.end(Buffer.concat(chunks).subarray(0, MAX_REFUSAL_BYTES));
}

function switchingProtocols({ rawHeaders }: IncomingMessage): string {
  let text = 'HTTP/1.1 101 Switching Protocols\r\n';
  for (let index = 0; index < rawHeaders.length; index += 2)
    text += `${rawHeaders[index]}: ${rawHeaders[index + 1]}\r\n`;
  return `${text}\r\n`;
}

/** As upstream tells of an error that is no Status. */
function failure(message: string): StatusError {
  return statusFailure(500, '', message);
}
