import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import { type Agent, request } from 'node:https';
import { silentLogger, systemClock, systemRandom } from '../../base/index.ts';
import { createHttpClient, type HttpClient } from '../../client/http/index.ts';
import {
  bootstrapPolicy,
  type KeyPair,
  openPki,
  type Pki,
  serveAccessReviews,
  serveServiceAccounts,
} from '../auth/index.ts';
import type { Registry } from '../registry/contract.ts';
import { createRegistry } from '../registry/index.ts';
import { openStore } from '../store/index.ts';
import type { Limits } from './limits.ts';
import { type ApiServer, createApiServer } from './server.ts';

/** A real server on a free port with its state in memory, for tests. */
export interface TestServer {
  readonly server: ApiServer;
  readonly registry: Registry;
  readonly pki: Pki;
  readonly client: HttpClient;
  /** One request as it is, by the administrator unless `as` says otherwise; `null` shows no certificate. */
  fetch(path: string, options?: FetchOptions): Promise<Answer>;
  close(): Promise<void>;
}

export interface FetchOptions {
  readonly method?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Buffer;
  readonly as?: KeyPair | null;
  /** Keeps connections for the next request. @default one for each */
  readonly agent?: Agent;
}

export interface Answer {
  readonly code: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The body as JSON of the type that the test knows it to have. */
  json<T = { readonly kind: string; readonly message: string; readonly reason: string }>(): T;
}

export async function startTestServer({
  limits,
  ...options
}: {
  logCapacity?: number;
  limits?: Partial<Limits>;
} = {}): Promise<TestServer> {
  const common = { clock: systemClock, random: systemRandom };
  const pki = await openPki(common);
  const store = await openStore({ memory: true, ...options });
  const registry = await createRegistry({ ...common, store });
  const tokens = serveServiceAccounts({ ...common, registry, keys: pki.serviceAccountKeys });
  serveAccessReviews(registry);
  await bootstrapPolicy(registry);
  const server = await createApiServer({ ...common, registry, pki, tokens, limits, logger: silentLogger });
  const client = createHttpClient({
    server: server.url,
    ca: pki.ca,
    cert: pki.admin.cert,
    key: pki.admin.key,
    clock: systemClock,
    userAgent: 'stowage-test/0',
  });
  return {
    server,
    registry,
    pki,
    client,
    fetch: (path, options = {}) => call(server, pki, path, options),
    async close() {
      client.close();
      await server.close();
      await store.close();
    },
  };
}

function call(server: ApiServer, pki: Pki, path: string, options: FetchOptions): Promise<Answer> {
  const { method = 'GET', headers, body, as = pki.admin, agent = false } = options;
  return new Promise((resolve, reject) => {
    const outgoing = request(
      server.url + path,
      { method, headers, ca: pki.ca, cert: as?.cert, key: as?.key, agent },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const content = Buffer.concat(chunks);
          resolve({
            code: response.statusCode ?? 0,
            headers: response.headers,
            body: content,
            json: () => JSON.parse(content.toString()),
          });
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
