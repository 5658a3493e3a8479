import type { IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { Exchange } from '../exchange.ts';
import { askNode, type Backend, passRefusal } from './proxy-upgrade.ts';
import type { Upgrade } from './upgrades.ts';

/** Of a WebSocket whose messages are the bytes of a SPDY connection: what kubectl's port-forward asks for first. */
const PREFIX = 'SPDY/3.1+';
/** The most that one message may have. */
const MAX_MESSAGE_BYTES = 4 * 2 ** 20;

/** The SPDY protocols that a client wants tunnelled; none when it does not want it. */
export function tunnelledProtocols({ headers }: IncomingMessage): readonly string[] {
  if (headers.upgrade?.toLowerCase() !== 'websocket') return [];
  return (headers['sec-websocket-protocol'] ?? '')
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one.startsWith(PREFIX))
    .map((one) => one.slice(PREFIX.length));
}

/**
 * Speaks SPDY with the node, and hands its bytes on as messages of the client's WebSocket, both ways. Source:
 * apiserver/pkg/util/proxy/streamtunnel.go.
 */
export async function proxyTunnel(
  exchange: Exchange,
  { socket: client, head }: Upgrade,
  backend: Backend,
  protocols: readonly string[],
): Promise<void> {
  const { server, request, response } = exchange;
  const asked = await askNode(exchange, client, backend, 'POST', {
    connection: 'Upgrade',
    upgrade: 'SPDY/3.1',
    'x-stream-protocol-version': [...protocols],
  });
  if (asked.kind === 'refused') return passRefusal(asked.answer, response);
  const { answer, socket, head: early } = asked;
  const chosen = answer.headers['x-stream-protocol-version'] ?? protocols[0];
  const { createWebSocketStream, WebSocketServer } = await import('ws');
  const accepting = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES });
  // The protocol's name has a slash, which no token may have: ws would refuse it, so it is answered beside ws.
  delete request.headers['sec-websocket-protocol'];
  accepting.on('headers', (lines) => lines.push(`Sec-WebSocket-Protocol: ${PREFIX}${chosen}`));
  const end = () => {
    client.destroy();
    socket.destroy();
  };
  server.closing.addEventListener('abort', end, { once: true });
  // It stays unresolved when ws refuses the handshake: then it has closed the connection.
  const closed = new Promise<undefined>((resolve) => client.once('close', () => resolve(undefined)));
  try {
    const opened = new Promise<import('ws').WebSocket>((resolve) =>
      accepting.handleUpgrade(request, client, head, resolve),
    );
    const webSocket = await Promise.race([opened, closed]);
    if (!webSocket) return;
    const stream = createWebSocketStream(webSocket);
    if (early.length > 0) socket.unshift(early);
    await Promise.race([pipeline(stream, socket), pipeline(socket, stream)]);
  } catch {
    // One has gone: there is nobody to tell.
  } finally {
    server.closing.removeEventListener('abort', end);
    end();
  }
}
