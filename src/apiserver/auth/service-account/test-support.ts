// For the tests of this folder: an API server without its wire, and its tokens.
import { FakeClock, seededRandom } from '../../../base/index.ts';
import type { Client } from '../../../client/index.ts';
import { pods, serviceAccounts, type TokenRequest } from '../../../kube/index.ts';
import { createLocalClient } from '../../local-client.ts';
import { createRegistry } from '../../registry/index.ts';
import { openStore } from '../../store/index.ts';
import { openSigningKeys, type SigningKeys, serveServiceAccounts } from './index.ts';

export async function startTokens(options: { keys?: SigningKeys; clock?: FakeClock } = {}) {
  const clock = options.clock ?? new FakeClock();
  const random = seededRandom(1);
  const registry = await createRegistry({ store: await openStore({ memory: true, clock }), clock, random });
  const keys = options.keys ?? (await openSigningKeys());
  const tokens = serveServiceAccounts({ registry, keys, clock, random });
  const client = createLocalClient(registry);
  const account = await client.create(serviceAccounts, {
    metadata: { namespace: 'default', name: 'robot' },
  });
  return { clock, registry, keys, tokens, client, account };
}

export interface Answered extends TokenRequest {
  readonly status: { readonly token: string; readonly expirationTimestamp: string };
}

/** What a token request is answered with. */
export function request(
  client: Client,
  spec: object = {},
  metadata?: object,
  name = 'robot',
): Promise<Answered> {
  const body = { metadata, spec } as TokenRequest;
  return client.createSubresource(serviceAccounts, { namespace: 'default', name }, 'token', body);
}

export function createPod(client: Client, spec: object = {}) {
  return client.create(pods, {
    metadata: { namespace: 'default', name: 'p' },
    spec: { containers: [{ name: 'c', image: 'i' }], serviceAccountName: 'robot', ...spec },
  });
}

/** A part of a token as it was signed. */
export function partOf(token: string, part: 0 | 1): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[part]!, 'base64url').toString());
}
