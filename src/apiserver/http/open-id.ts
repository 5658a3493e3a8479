import type { Exchange } from './exchange.ts';
import { sendBody } from './send.ts';

const KEY_SET_PATH = '/openid/v1/jwks';
/** How long clients may keep the answers; new keys should be known for so long before they sign. */
const MAX_AGE_SECONDS = 3600;

/** How others verify this server's service account tokens: OpenID Connect discovery and the public keys. */
export function serveOpenId(exchange: Exchange, path: string): (() => Promise<void>) | undefined {
  const { request, response, server } = exchange;
  const { tokens } = server;
  if (!tokens) return undefined;
  const { localAddress, localPort } = request.socket;
  const host = localAddress?.includes(':') ? `[${localAddress}]` : localAddress;
  return async () => {
    const [type, value] =
      path === KEY_SET_PATH
        ? ['application/jwk-set+json', tokens.keySet()]
        : ['application/json', tokens.openIdConfiguration(`https://${host}:${localPort}${KEY_SET_PATH}`)];
    const headers = { 'Cache-Control': `public, max-age=${MAX_AGE_SECONDS}` };
    await sendBody(request, response, 200, type, Buffer.from(JSON.stringify(value)), headers);
  };
}
