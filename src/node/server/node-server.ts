import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { type Clock, errorMessage, type Logger } from '../../base/index.ts';
import type { Host } from '../../host/index.ts';
import type { Pod, Stored } from '../../kube/index.ts';
import type { Runtime } from '../runtime/index.ts';
import { type ClientSubject, refusal } from './authorize-client.ts';
import { chooseLog } from './choose-log.ts';
import { parseLogQuery } from './log-query.ts';
import { readLog } from './read-log.ts';

export interface NodeServerOptions {
  readonly host: Host;
  readonly clock: Clock;
  readonly log: Logger;
  readonly runtime: Runtime;
  readonly address: string;
  /** 0: a free one. */
  readonly port: number;
  /** PEM. Clients must show a certificate of `ca`, and be allowed to (authorize-client.ts). */
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string };
  /** The node's pods. */
  readonly pods: () => Iterable<Stored<Pod>>;
}

/** The node's HTTPS server: /healthz for anybody; /pods and /containerLogs for the API server. */
export class NodeServer {
  readonly #options: NodeServerOptions;
  readonly #server: Server;

  constructor(options: NodeServerOptions) {
    this.#options = options;
    const { ca, cert, key } = options.tls;
    this.#server = createServer(
      { ca, cert, key, requestCert: true, rejectUnauthorized: false },
      (request, response) => {
        void this.#handle(request, response).catch((error) => {
          options.log.warn('a request to the node failed', { path: request.url, error: errorMessage(error) });
          if (response.headersSent) response.destroy();
          else answer(response, 500, errorMessage(error));
        });
      },
    );
  }

  /** Resolves with the port once requests are taken. */
  async listen(): Promise<number> {
    const { address, port } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once('error', (error) =>
      reject(new Error(`listen on ${address}:${port} for the node: ${error.message}`, { cause: error })),
    );
    this.#server.listen(port, address, resolve);
    await promise;
    const bound = this.#server.address();
    return typeof bound === 'object' && bound ? bound.port : port;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'https://node');
    if (url.pathname === '/healthz') return answer(response, 200, 'ok');
    const socket = request.socket as TLSSocket;
    if (!socket.authorized) return answer(response, 401, 'Unauthorized');
    const refused = refusal(socket.getPeerCertificate().subject as ClientSubject | undefined, url.pathname);
    if (refused !== undefined) return answer(response, 403, refused);
    if (request.method !== 'GET') return answer(response, 405, 'Method Not Allowed');
    if (url.pathname === '/pods') return this.#pods(response);
    const parts = url.pathname.split('/').map(decodeURIComponent);
    if (parts[1] === 'containerLogs' && parts.length === 5)
      return this.#logs(response, parts[2]!, parts[3]!, parts[4]!, url.searchParams);
    return answer(response, 404, '404 page not found');
  }

  #pods(response: ServerResponse): void {
    const list = { kind: 'PodList', apiVersion: 'v1', metadata: {}, items: [...this.#options.pods()] };
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(list));
  }

  async #logs(
    response: ServerResponse,
    namespace: string,
    podName: string,
    containerName: string,
    query: URLSearchParams,
  ): Promise<void> {
    const { runtime, host, clock, pods } = this.#options;
    const pod = [...pods()].find(
      ({ metadata }) => metadata.name === podName && metadata.namespace === namespace,
    );
    if (!pod) return answer(response, 404, `pod ${JSON.stringify(podName)} does not exist`);
    const containers = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
    if (!containers.some(({ name }) => name === containerName))
      return answer(
        response,
        404,
        `container ${JSON.stringify(containerName)} not found in pod ${JSON.stringify(podName)}`,
      );
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const record = (id: string) =>
      runtime.containers(pod.metadata.uid).find((candidate) => candidate.id === id);
    let chunks: AsyncGenerator<Uint8Array>;
    try {
      const options = parseLogQuery(query, clock.now());
      const id = chooseLog(pod, containerName, options.previous);
      const container = record(id);
      if (!container) throw new Error(`unable to retrieve container logs for stowage://${id}`);
      const live = {
        running: () => record(id)?.state === 'running',
        onEnd: (callback: () => void) =>
          runtime.onExit((ended) => {
            if (ended.id === id) callback();
          }),
      };
      chunks = readLog(host.files, container.logPath, options, live, gone.signal);
    } catch (error) {
      return answer(response, 400, errorMessage(error));
    }
    response.writeHead(200, { 'Content-Type': 'text/plain' });
    // A log that is followed may stay silent for long: the client must see that it has begun.
    response.flushHeaders();
    for await (const chunk of chunks) {
      if (!response.write(chunk) && !gone.signal.aborted) await drained(response, gone.signal);
    }
    response.end();
  }
}

function drained(response: ServerResponse, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    response.once('drain', done);
    signal.addEventListener('abort', done, { once: true });
  });
}

function answer(response: ServerResponse, code: number, text: string): void {
  response.writeHead(code, { 'Content-Type': 'text/plain' }).end(`${text}\n`);
}
