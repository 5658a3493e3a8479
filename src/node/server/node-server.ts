import type { IncomingMessage } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { TLSSocket } from 'node:tls';
import {
  type Clock,
  errorMessage,
  type Logger,
  METRICS_CONTENT_TYPE,
  type Metrics,
  ServerResponse,
} from '../../base/index.ts';
import type { Host } from '../../host/index.ts';
import { containerOf, type Pod, type Stored } from '../../kube/index.ts';
import { containerStorage } from '../local-storage/index.ts';
import type { ContainerRecord, Runtime } from '../runtime/index.ts';
import type { PodVolumeStats } from '../volume-stats/index.ts';
import { chooseLog } from './choose-log.ts';
import { type ClientAccess, type ClientSubject, type User, userOfCertificate } from './client-access.ts';
import { configz, type NodeConfiguration } from './configz.ts';
import { logDirectory } from './log-directory.ts';
import { parseLogQuery } from './log-query.ts';
import { readLog } from './read-log.ts';
import { Refusal } from './refusal.ts';
import { requestAttributes } from './request-attributes.ts';
import { runningPods } from './running-pods.ts';
import { summary } from './stats/summary.ts';
import { cadvisorMetrics, type MeasuredPod, resourceMetrics } from './stats/usage-metrics.ts';
import { UsageRates } from './stats/usage-stats.ts';
import { servePortForward } from './streaming/port-forward.ts';
import { runInContainer, serveRemoteCommand, type Upgrade } from './streaming/remote-command.ts';
import { type StreamRoute, streamRoute } from './streaming/stream-route.ts';

export interface NodeServerOptions {
  readonly host: Host;
  readonly clock: Clock;
  readonly log: Logger;
  readonly runtime: Runtime;
  /** Nothing is answered before it resolves. */
  readonly containersKnown: Promise<void>;
  readonly address: string;
  /** 0: a free one. */
  readonly port: number;
  /** PEM. Clients show a certificate of `ca`, or a bearer token. */
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string };
  /** The node's pods. */
  readonly pods: () => Iterable<Stored<Pod>>;
  /** Who clients are and what they may do. */
  readonly access: ClientAccess;
  readonly metrics: Metrics;
  readonly probeMetrics: Metrics;
  /** What is shown at /logs/. */
  readonly logRoot: string;
  readonly configuration: Omit<NodeConfiguration, 'address' | 'port'>;
  /** What was measured of a pod's volumes. */
  readonly volumes: (podUid: string) => PodVolumeStats | undefined;
  readonly nodeName: string;
  /** The kubelet's root directory. */
  readonly nodeRoot: string;
}

const LOGS = '/logs/';

/**
 * The node's HTTPS server: its pods, their logs and streams, how full volumes are, and metrics, for those who may: as the
 * kubelet, it asks the API server.
 */
export class NodeServer {
  readonly #options: NodeServerOptions;
  readonly #server: Server;
  readonly #startedAtMs: number;
  readonly #rates = new UsageRates();
  /** Connections of other protocols, which the server forgets. */
  readonly #upgraded = new Set<Duplex>();

  constructor(options: NodeServerOptions) {
    this.#options = options;
    this.#startedAtMs = options.clock.now();
    const { ca, cert, key } = options.tls;
    this.#server = createServer(
      { ca, cert, key, requestCert: true, rejectUnauthorized: false },
      (request, response) => void this.#answer(request, response),
    );
    this.#server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      this.#upgraded.add(socket);
      socket.once('close', () => this.#upgraded.delete(socket));
      // A client that goes away is seen by its end.
      socket.on('error', () => undefined);
      void this.#answerUpgrade({ request, socket, head });
    });
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
    return this.#port;
  }

  get #port(): number {
    const bound = this.#server.address();
    return typeof bound === 'object' && bound ? bound.port : this.#options.port;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    for (const socket of this.#upgraded) socket.destroy();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.#handle(request, response);
    } catch (error) {
      if (!(error instanceof Refusal)) this.#complain(request, error);
      if (response.headersSent) response.destroy();
      else answer(response, error instanceof Refusal ? error.code : 500, errorMessage(error));
    }
  }

  async #answerUpgrade(upgrade: Upgrade): Promise<void> {
    const { request, socket } = upgrade;
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    try {
      await this.#handle(request, response, upgrade);
    } catch (error) {
      if (error instanceof Refusal) answer(response, error.code, error.message);
      else {
        this.#complain(request, error);
        socket.destroy();
      }
    }
    if (!response.headersSent || socket.destroyed) return;
    // It has got no further than any other request.
    response.once('finish', () => socket.end());
    response.assignSocket(socket as IncomingMessage['socket']);
  }

  #complain(request: IncomingMessage, error: unknown): void {
    // What follows the path may be a command, with who knows what in it.
    const path = request.url?.replace(/\?.*/s, '');
    this.#options.log.warn('a request to the node failed', { path, error: errorMessage(error) });
  }

  async #handle(request: IncomingMessage, response: ServerResponse, upgrade?: Upgrade): Promise<void> {
    const url = new URL(request.url ?? '/', 'https://node');
    const user = await this.#userOf(request);
    if (!user) return answer(response, 401, 'Unauthorized');
    const attributes = requestAttributes(request.method ?? 'GET', url.pathname);
    const refused = await this.#options.access.refusal(user, attributes);
    if (refused !== undefined) return answer(response, 403, refused);
    // Before those of an earlier life are known, there would seem to be no containers.
    await this.#options.containersKnown;
    const route = streamRoute(url.pathname);
    if (route) return this.#stream(request, response, route, url.searchParams, upgrade);
    if (request.method !== 'GET') return answer(response, 405, 'Method Not Allowed');
    const read = this.#reads[url.pathname];
    if (read) return read(response);
    if (url.pathname.startsWith(LOGS)) return this.#logDirectory(response, url.pathname.slice(LOGS.length));
    const parts = url.pathname.split('/').map(decodeURIComponent);
    if (parts[1] === 'containerLogs' && parts.length === 5)
      return this.#logs(response, parts[2]!, parts[3]!, parts[4]!, url.searchParams);
    return answer(response, 404, '404 page not found');
  }

  async #stream(
    { method }: IncomingMessage,
    response: ServerResponse,
    route: StreamRoute,
    query: URLSearchParams,
    upgrade: Upgrade | undefined,
  ): Promise<void> {
    if (method !== 'POST' && (method !== 'GET' || route.kind === 'run'))
      return answer(response, 405, 'Method Not Allowed');
    if (route.kind === 'run') return answer(response, 200, await runInContainer(this.#options, route, query));
    if (route.kind === 'portForward') return servePortForward(this.#options, route, upgrade);
    return serveRemoteCommand(this.#options, route, query, upgrade);
  }

  readonly #reads: Readonly<Record<string, (response: ServerResponse) => Promise<void> | void>> = {
    '/healthz': (response) => answer(response, 200, 'ok'),
    '/pods': (response) =>
      answerJson(response, {
        kind: 'PodList',
        apiVersion: 'v1',
        metadata: {},
        items: [...this.#options.pods()],
      }),
    '/runningpods/': (response) => answerJson(response, runningPods(this.#options.runtime.containers())),
    '/stats/summary': async (response) => answerJson(response, await this.#summary()),
    '/metrics': (response) => answerMetrics(response, this.#options.metrics.text()),
    '/metrics/probes': (response) => answerMetrics(response, this.#options.probeMetrics.text()),
    '/configz': (response) => {
      const { address, configuration } = this.#options;
      answerJson(response, configz({ ...configuration, address, port: this.#port }));
    },
    '/metrics/resource': async (response) => answerMetrics(response, resourceMetrics(await this.#measured())),
    '/metrics/cadvisor': async (response) => answerMetrics(response, cadvisorMetrics(await this.#measured())),
  };

  async #userOf({ socket, headers }: IncomingMessage): Promise<User | undefined> {
    const { authorized, getPeerCertificate } = socket as TLSSocket;
    if (authorized) return userOfCertificate(getPeerCertificate.call(socket).subject as ClientSubject);
    const token = /^bearer (\S+)$/i.exec(headers.authorization ?? '')?.[1];
    return token === undefined ? undefined : await this.#options.access.userOfToken(token);
  }

  async #summary() {
    const { host, clock, runtime, pods, volumes, nodeName, nodeRoot } = this.#options;
    const usage = new Map((await this.#measured()).map((pod) => [pod.uid, pod.usage]));
    const running = runtime.containers().filter(({ state }) => state === 'running');
    const storageOf = async (record: ContainerRecord) =>
      [record.id, await containerStorage(host, record)] as const;
    const answer = summary({
      nodeName,
      nowMs: clock.now(),
      startedAtMs: this.#startedAtMs,
      fs: await host.files.statFs(nodeRoot),
      pods: pods(),
      containers: (podUid) => runtime.containers(podUid),
      volumes,
      usage,
      rates: this.#rates,
      storage: new Map(await Promise.all(running.map(storageOf))),
    });
    this.#rates.turn();
    return answer;
  }

  /** The pods whose figures somebody counts. */
  async #measured(): Promise<(MeasuredPod & { readonly uid: string })[]> {
    const { runtime, pods } = this.#options;
    const found = [...pods()].map(async ({ metadata: { uid, name, namespace = '' } }) => {
      const containers = runtime.containers(uid).filter(({ state }) => state === 'running');
      const usage = containers.length > 0 ? await runtime.usage(uid) : undefined;
      return usage ? [{ uid, name, namespace, containers, usage }] : [];
    });
    return (await Promise.all(found)).flat();
  }

  async #logDirectory(response: ServerResponse, path: string): Promise<void> {
    const { host, logRoot } = this.#options;
    const found = await logDirectory(host.files, logRoot, path);
    if (found.kind === 'nothing') return answer(response, 404, '404 page not found');
    if (found.kind === 'elsewhere') {
      response.writeHead(301, { Location: found.location }).end();
      return;
    }
    if (found.kind === 'listing') {
      response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' }).end(found.html);
      return;
    }
    response.writeHead(200, {
      'Content-Type': 'text/plain; charset=utf-8',
      'Content-Length': found.sizeBytes,
    });
    await pipeline(found.chunks, response);
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
    if (!containerOf(pod, containerName))
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

function answerMetrics(response: ServerResponse, text: string): void {
  response.writeHead(200, { 'Content-Type': METRICS_CONTENT_TYPE }).end(text);
}

function answerJson(response: ServerResponse, body: object): void {
  response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
}

function answer(response: ServerResponse, code: number, text: string): void {
  response.writeHead(code, { 'Content-Type': 'text/plain' }).end(`${text}\n`);
}
