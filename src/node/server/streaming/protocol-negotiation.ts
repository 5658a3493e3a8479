import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { Refusal } from '../refusal.ts';

/**
 * Becomes SPDY/3.1 with the first protocol that the client offers and the server knows; '' when it offers none.
 * @throws Refusal (httpstream.Handshake, spdy/upgrade.go)
 */
export function acceptSpdy(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  known: readonly string[],
): string {
  if (request.headers.upgrade?.toLowerCase() !== 'spdy/3.1')
    throw new Refusal(400, `unable to upgrade: ${request.headers.upgrade} is not understood`);
  const offered = (request.headersDistinct['x-stream-protocol-version'] ?? [])
    .flatMap((value) => value.split(','))
    .map((name) => name.trim());
  const chosen = offered.find((name) => known.includes(name));
  if (chosen === undefined && offered.length > 0)
    throw new Refusal(
      403,
      `unable to upgrade: unable to negotiate protocol: client supports [${offered.join(' ')}], server accepts [${known.join(' ')}]`,
    );
  const named = chosen === undefined ? '' : `X-Stream-Protocol-Version: ${chosen}\r\n`;
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n${named}\r\n`,
  );
  if (head.length > 0) socket.unshift(head);
  return chosen ?? '';
}
