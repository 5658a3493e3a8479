import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Clock, errorMessage, type Logger } from '../../../base/index.ts';
import type { Network } from '../../../host/index.ts';
import type { Pod, Stored } from '../../../kube/index.ts';
import { Refusal } from '../refusal.ts';
import { SpdyConnection } from '../spdy/connection.ts';
import type { SpdyStream } from '../spdy/stream.ts';
import { requestedProtocols } from './channel-protocol.ts';
import { acceptSpdy } from './protocol-negotiation.ts';
import { findPod, type PodAccess, type Upgrade } from './remote-command.ts';
import { STREAM_CREATION_LIMIT_MS } from './spdy-streams.ts';
import type { StreamRoute } from './stream-route.ts';
import { acceptWebSocket } from './web-socket.ts';

const PROTOCOL = 'portforward.k8s.io';
/** The same, with SPDY's bytes in the messages of a WebSocket. */
const TUNNEL = `SPDY/3.1+${PROTOCOL}`;
/** Pods share the network of their machine. */
const LOOPBACK = '127.0.0.1';

export interface PortForwardContext extends PodAccess {
  readonly clock: Clock;
  readonly log: Logger;
  readonly host: { readonly network: Network };
}

/**
 * /portForward: each connection of the client's is a pair of streams, one for data and one for what went wrong. A pod's
 * ports are those of the machine's loopback. @throws Refusal before the handshake
 */
export async function servePortForward(
  context: PortForwardContext,
  route: StreamRoute,
  upgrade: Upgrade | undefined,
): Promise<void> {
  const pod = findPod(context, route);
  const { name, namespace, uid } = pod.metadata;
  if (!context.runtime.containers(uid).some(({ state }) => state === 'running'))
    throw new Refusal(500, `pod not found (${JSON.stringify(`${name}_${namespace}`)})`);
  if (!upgrade) throw new Refusal(500, 'Upgrade request required');
  await forwardPorts(context, pod, await acceptTransport(upgrade));
}

async function acceptTransport({ request, socket, head }: Upgrade): Promise<Duplex> {
  if (request.headers.upgrade?.toLowerCase() !== 'websocket') {
    acceptSpdy(request, socket, head, [PROTOCOL]);
    return socket;
  }
  if (!requestedProtocols(request.headers['sec-websocket-protocol']).includes(TUNNEL))
    throw new Refusal(403, `unable to upgrade: only ${TUNNEL} is understood`);
  const webSocket = await acceptWebSocket(request, socket, head, TUNNEL);
  const { createWebSocketStream } = await import('ws');
  return createWebSocketStream(webSocket);
}

interface Pair {
  data?: SpdyStream;
  error?: SpdyStream;
  cancel(): void;
}

async function forwardPorts(context: PortForwardContext, pod: Stored<Pod>, transport: Duplex): Promise<void> {
  const pairs = new Map<string, Pair>();
  const pairOf = (id: string): Pair => {
    let pair = pairs.get(id);
    if (!pair) {
      const timer = context.clock.after(STREAM_CREATION_LIMIT_MS, () => {
        pairs.delete(id);
        pair!.error?.end(`(request=${id}) timed out waiting for streams`);
        pair!.data?.destroy();
      });
      pair = { cancel: () => timer.cancel() };
      pairs.set(id, pair);
    }
    return pair;
  };
  const connection = new SpdyConnection(transport, (stream) => {
    const asked = readRequest(stream);
    if (!asked) return void stream.destroy();
    const pair = pairOf(asked.id);
    if (pair[asked.type]) {
      const message = `error processing stream for request ${asked.id}: ${asked.type} stream already assigned`;
      pair.error?.write(message);
      return void stream.destroy();
    }
    pair[asked.type] = stream;
    if (!pair.data || !pair.error) return;
    pair.cancel();
    pairs.delete(asked.id);
    void forward(context, pod, asked.port, pair.data, pair.error);
  });
  try {
    await connection.serve();
  } catch (error) {
    context.log.debug('a client speaks no SPDY', { error: errorMessage(error) });
  } finally {
    for (const pair of pairs.values()) pair.cancel();
  }
}

/** What a stream is for; `undefined` when its headers do not say so (httpStreamReceived). */
export function readRequest({
  id,
  headers,
}: Pick<SpdyStream, 'id' | 'headers'>): { id: string; type: 'data' | 'error'; port: number } | undefined {
  const text = headers.get('port') ?? '';
  const port = Number(text);
  const type = headers.get('streamtype');
  if (!/^\d{1,5}$/.test(text) || port < 1 || port > 65535) return undefined;
  if (type !== 'data' && type !== 'error') return undefined;
  // Clients of old open the error stream first, and the other right after it.
  return { id: headers.get('requestid') || String(type === 'error' ? id : id - 2), type, port };
}

async function forward(
  { host }: PortForwardContext,
  pod: Stored<Pod>,
  port: number,
  data: SpdyStream,
  errors: SpdyStream,
): Promise<void> {
  errors.resume();
  let socket: Duplex;
  try {
    socket = await host.network.open(LOOPBACK, port);
  } catch (error) {
    const { name, uid } = pod.metadata;
    const why = `failed to connect to localhost:${port}: ${dialError(error, port)}`;
    errors.end(`error forwarding port ${port} to pod ${name}, uid ${uid}: ${why}`);
    data.destroy();
    return;
  }
  socket.on('error', () => undefined);
  pipeline(data, socket).catch(() => socket.destroy());
  await pipeline(socket, data).catch(() => undefined);
  // The pod has said all that it had to say.
  socket.destroy();
  errors.end();
  data.resume();
}

/** As Go words it. */
function dialError(error: unknown, port: number): string {
  const refused = (error as NodeJS.ErrnoException).code === 'ECONNREFUSED';
  return refused ? `dial tcp4 ${LOOPBACK}:${port}: connect: connection refused` : errorMessage(error);
}
