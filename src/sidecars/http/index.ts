import {
  aborted,
  createHttpServer,
  errorMessage,
  METRICS_CONTENT_TYPE,
  type Metrics,
} from '../../base/index.ts';
import type { Component } from '../../client/index.ts';

/** What a path answers. */
export interface Answer {
  readonly code: number;
  readonly body: string;
  /** @default text/plain; charset=utf-8 */
  readonly contentType?: string;
}

export type Routes = Readonly<Record<string, () => Promise<Answer> | Answer>>;

export interface DiagnosticsOptions {
  /** As Go has it: `:8080` is every address of the machine, `127.0.0.1:0` a free port. */
  readonly address: string;
  readonly routes: Routes;
  /** Told the address once requests are taken. */
  readonly onListen?: (address: string) => void;
}

/** The HTTP server of a sidecar: health checks and metrics, for probes and Prometheus. */
export function createDiagnosticsServer(options: DiagnosticsOptions): Component {
  const { address, routes, onListen } = options;
  return {
    name: `HTTP server on ${address}`,
    async start(signal) {
      const { host, port } = parseAddress(address);
      const server = createHttpServer(async ({ url = '/', method }, response) => {
        const route = routes[url.replace(/[?#].*/s, '')];
        const { code, body, contentType } = !route
          ? { code: 404, body: '404 page not found\n' }
          : method !== 'GET' && method !== 'HEAD'
            ? { code: 405, body: 'Method Not Allowed\n' }
            : await ask(route);
        response.writeHead(code, { 'Content-Type': contentType ?? 'text/plain; charset=utf-8' });
        response.end(method === 'HEAD' ? undefined : body);
      });
      const failed = new Promise<never>((_, reject) =>
        server.once('error', (error) =>
          reject(new Error(`listen on ${address}: ${error.message}`, { cause: error })),
        ),
      );
      const listening = new Promise<void>((resolve) => server.listen(port, host, resolve));
      await Promise.race([listening, failed]);
      const bound = server.address() as { address: string; port: number };
      onListen?.(`${bound.address.includes(':') ? `[${bound.address}]` : bound.address}:${bound.port}`);
      try {
        await Promise.race([aborted(signal), failed]);
      } finally {
        await new Promise<void>((resolve) => {
          server.close(() => resolve());
          server.closeAllConnections();
        });
      }
    },
  };
}

/** Prometheus' endpoint. */
export function metricsRoute(metrics: Metrics): () => Answer {
  return () => ({ code: 200, body: metrics.text(), contentType: METRICS_CONTENT_TYPE });
}

async function ask(route: Routes[string]): Promise<Answer> {
  try {
    return await route();
  } catch (error) {
    return { code: 500, body: errorMessage(error) };
  }
}

/** @throws Error when it is not HOST:PORT or :PORT. */
export function parseAddress(address: string): { host?: string; port: number } {
  const [, bracketed, plain, port = ''] = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(address) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || Number(port) > 65535)
    throw new Error(`address ${JSON.stringify(address)}: not HOST:PORT or :PORT`);
  return { ...(host !== '' && { host }), port: Number(port) };
}
