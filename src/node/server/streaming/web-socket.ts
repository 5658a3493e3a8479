import type { IncomingMessage } from 'node:http';
import { type Duplex, PassThrough, Writable } from 'node:stream';
import type { WebSocket } from 'ws';
import type { TerminalSize } from '../../runtime/index.ts';
import { CHANNEL, type ChannelProtocol, decodeMessage, encodeMessage } from './channel-protocol.ts';
import type { ClientStreams } from './serve-session.ts';
import type { StreamOptions } from './stream-options.ts';
import { statusText } from './stream-status.ts';
import { TerminalSizes } from './terminal-sizes.ts';

/** The largest message that is taken (golang.org/x/net/websocket, DefaultMaxPayloadBytes). */
const MAX_MESSAGE_BYTES = 32 << 20;
const NORMAL_CLOSURE = 1000;
const PROTOCOL_ERROR = 1002;

/** Answers the handshake. `protocol` '' names none. */
export async function acceptWebSocket(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  protocol: string,
): Promise<WebSocket> {
  const { WebSocketServer } = await import('ws');
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
    handleProtocols: () => protocol || false,
  });
  const { promise, resolve, reject } = Promise.withResolvers<WebSocket>();
  socket.once('close', () => reject(new Error('the client went away in the handshake')));
  server.handleUpgrade(request, socket, head, resolve);
  return promise;
}

/** The streams of a remote command as channels of a WebSocket. */
export function webSocketStreams(
  socket: WebSocket,
  protocol: ChannelProtocol,
  options: StreamOptions,
): ClientStreams {
  const gone = new AbortController();
  const sizes = new TerminalSizes();
  let resize: (size: TerminalSize) => void = () => undefined;
  const stdin = options.stdin ? new PassThrough() : undefined;
  const send = (channel: number, data: Uint8Array, sent?: (error?: Error | null) => void) =>
    socket.send(encodeMessage(protocol, channel, data), sent);
  const output = (channel: number) =>
    new Writable({ write: (chunk: Buffer, _encoding, sent) => send(channel, chunk, sent) });

  socket.on('error', () => undefined);
  socket.once('close', () => {
    gone.abort();
    stdin?.end();
  });
  socket.on('message', (data) => {
    const message = decodeMessage(protocol, data as Buffer);
    if (message.kind === 'malformed') socket.close(PROTOCOL_ERROR, message.why);
    else if (message.kind === 'close' && message.channel === CHANNEL.stdin) stdin?.end();
    else if (message.kind === 'data' && message.channel === CHANNEL.resize)
      for (const size of sizes.push(message.data)) resize(size);
    else if (message.kind === 'data' && message.channel === CHANNEL.stdin && stdin)
      holdUp(socket, stdin, message.data);
  });
  // Tells the client that the connection stands.
  const lowest = options.stdout ? CHANNEL.stdout : options.stderr ? CHANNEL.stderr : CHANNEL.error;
  send(lowest, Buffer.alloc(0));
  return {
    stdin,
    stdout: options.stdout ? output(CHANNEL.stdout) : undefined,
    stderr: options.stderr ? output(CHANNEL.stderr) : undefined,
    onResize(listener) {
      resize = listener;
    },
    gone: gone.signal,
    finish(status) {
      const text = statusText(status, protocol.status);
      if (text !== '') send(CHANNEL.error, Buffer.from(text));
      socket.close(NORMAL_CLOSURE);
    },
  };
}

/** Reads no more from the socket than the stream takes. */
function holdUp(socket: WebSocket, stream: PassThrough, data: Buffer): void {
  if (stream.writableEnded || stream.destroyed || stream.write(data)) return;
  socket.pause();
  const goOn = () => {
    stream.off('drain', goOn);
    stream.off('close', goOn);
    socket.resume();
  };
  stream.on('drain', goOn);
  stream.on('close', goOn);
}
