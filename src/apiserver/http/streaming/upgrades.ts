import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { ServerResponse } from '../../../base/index.ts';

/** The connection of a request that is to become one of another protocol. */
export interface Upgrade {
  readonly socket: Duplex;
  /** What has come after the request already. */
  readonly head: Buffer;
}

const upgrades = new WeakMap<IncomingMessage, Upgrade>();

/** What the request can become; `undefined` when its client does not ask for it. */
export function upgradeOf(request: IncomingMessage): Upgrade | undefined {
  return upgrades.get(request);
}

/** Whether a path is one of those that become another protocol. Elsewhere a wish for one is passed over. */
export function isConnectPath(url: string | undefined): boolean {
  return /^[^?]*\/(exec|attach|portforward)\/?(\?|$)/.test(url ?? '');
}

/** Serves a request that asks for another protocol: whoever does not take its connection over answers as to any other. */
export async function serveUpgrade(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  serve: (response: ServerResponse) => Promise<void>,
): Promise<void> {
  // A client that goes away is seen by its end.
  socket.on('error', () => undefined);
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  upgrades.set(request, { socket, head });
  await serve(response);
  if (!response.headersSent || socket.destroyed) return;
  response.once('finish', () => socket.end());
  response.assignSocket(socket as IncomingMessage['socket']);
}
