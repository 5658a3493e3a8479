import { type Clock, errorMessage, TimeoutError } from '../../base/index.ts';
import type { HttpAnswer, Network } from '../../host/index.ts';
import type { Container } from '../../kube/index.ts';
import type { Runtime } from '../runtime/index.ts';

export type Probe = NonNullable<Container['readinessProbe']>;

/** What of a command's output an event shows (maxReadLength). */
const MAX_OUTPUT = 10 * 1024;

/** What one run of a probe found; a warning counts as a success, an error, which is no answer, for nothing (prober/worker.go). */
export interface ProbeOutcome {
  readonly result: 'success' | 'warning' | 'failure' | 'error';
  /** What the probe saw, for the event. */
  readonly output: string;
}

/** Any but a plain success. */
export interface ProbeNews extends ProbeOutcome {
  readonly result: Exclude<ProbeOutcome['result'], 'success'>;
}

export interface ProbeTarget {
  readonly clock: Clock;
  readonly runtime: Pick<Runtime, 'exec'>;
  readonly network: Network;
  readonly containerId: string;
  readonly podIp: string;
  /** NAME_NAMESPACE(UID) */
  readonly pod: string;
}

const success = (output: string): ProbeOutcome => ({ result: 'success', output });
const failure = (output: string): ProbeOutcome => ({ result: 'failure', output });

/** Runs a probe once. Never rejects. */
export async function runProbe(
  probe: Probe,
  container: Container,
  target: ProbeTarget,
): Promise<ProbeOutcome> {
  const timeoutSeconds = probe.timeoutSeconds ?? 1;
  try {
    if (probe.exec) return await execProbe(probe.exec.command ?? [], target, timeoutSeconds);
    if (probe.httpGet) return await httpProbe(probe.httpGet, container, target, timeoutSeconds);
    if (probe.tcpSocket) return await tcpProbe(probe.tcpSocket, container, target, timeoutSeconds);
    if (probe.grpc) return await grpcProbe(probe.grpc, target, timeoutSeconds);
    throw new Error(`missing probe handler for ${target.pod}:${container.name}`);
  } catch (error) {
    return { result: 'error', output: errorMessage(error) };
  }
}

async function execProbe(
  command: readonly string[],
  { runtime, containerId }: ProbeTarget,
  timeoutSeconds: number,
): Promise<ProbeOutcome> {
  try {
    const options = { timeoutMs: timeoutSeconds * 1000 };
    const { exitCode, stdout, stderr } = await runtime.exec(containerId, command, options);
    const output = `${stdout}${stderr}`.slice(0, MAX_OUTPUT);
    return exitCode === 0 ? success(output) : failure(output);
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error;
    const words = JSON.stringify(command.join(' '));
    return failure(`command timed out: ${words} timed out after ${timeoutSeconds}s`);
  }
}

async function httpProbe(
  { scheme, host: asked, path = '/', port: named, httpHeaders = [] }: NonNullable<Probe['httpGet']>,
  container: Container,
  { clock, network, podIp }: ProbeTarget,
  timeoutSeconds: number,
): Promise<ProbeOutcome> {
  const port = portNumber(named, container);
  const headers = {
    'User-Agent': 'kube-probe/1.36',
    Accept: '*/*',
    ...Object.fromEntries(httpHeaders.map(({ name, value }) => [name, value])),
  };
  const url = { secure: scheme === 'HTTPS', host: asked || podIp, port, path };
  try {
    const timeoutMs = timeoutSeconds * 1000;
    const { statusCode, body } = await followLocal(clock, network, url, { timeoutMs, headers });
    if (statusCode >= 300 && statusCode < 400)
      return { result: 'warning', output: `Probe terminated redirects, Response body: ${body}` };
    if (statusCode >= 200 && statusCode < 300) return success(body);
    return failure(`HTTP probe failed with statuscode: ${statusCode}`);
  } catch (error) {
    const text = `${url.secure ? 'https' : 'http'}://${url.host}:${port}${path}`;
    const why =
      error instanceof TimeoutError
        ? 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
        : dialError(error, url.host, port);
    return failure(`Get ${JSON.stringify(text)}: ${why}`);
  }
}

type HttpUrl = Parameters<Network['httpGet']>[0];

/** Codes that send the client on, also with the same method (net/http). */
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const MAX_REQUESTS = 10;

/** Goes where it is sent, on the same host (RedirectChecker of pkg/probe/http), within the time for all of it. */
async function followLocal(
  clock: Clock,
  network: Network,
  first: HttpUrl,
  { timeoutMs: limitMs, headers }: Parameters<Network['httpGet']>[1],
): Promise<HttpAnswer> {
  const endsAtMs = clock.monotonic() + limitMs;
  let url = first;
  for (let requests = 1; ; requests++) {
    const timeoutMs = endsAtMs - clock.monotonic();
    if (timeoutMs <= 0) throw new TimeoutError('HTTP probe', limitMs);
    const answer = await network.httpGet(url, { timeoutMs, headers });
    if (!REDIRECTS.has(answer.statusCode) || answer.location === undefined) return answer;
    const to = new URL(
      answer.location,
      `${url.secure ? 'https' : 'http'}://${url.host}:${url.port}${url.path}`,
    );
    if (to.hostname !== first.host) return answer;
    if (requests === MAX_REQUESTS) throw new Error(`stopped after ${MAX_REQUESTS} redirects`);
    const secure = to.protocol === 'https:';
    url = {
      secure,
      host: to.hostname,
      port: Number(to.port) || (secure ? 443 : 80),
      path: to.pathname + to.search,
    };
  }
}

async function tcpProbe(
  { host: asked, port: named }: NonNullable<Probe['tcpSocket']>,
  container: Container,
  { network, podIp }: ProbeTarget,
  timeoutSeconds: number,
): Promise<ProbeOutcome> {
  const host = asked || podIp;
  const port = portNumber(named, container);
  try {
    await network.connect(host, port, { timeoutMs: timeoutSeconds * 1000 });
    return success('');
  } catch (error) {
    return failure(
      error instanceof TimeoutError ? `dial tcp ${host}:${port}: i/o timeout` : dialError(error, host, port),
    );
  }
}

/** gRPC status codes that have words of their own. */
const GRPC_DEADLINE_EXCEEDED = 4;
const GRPC_UNIMPLEMENTED = 12;

async function grpcProbe(
  { port, service }: NonNullable<Probe['grpc']>,
  { network, podIp }: ProbeTarget,
  timeoutSeconds: number,
): Promise<ProbeOutcome> {
  try {
    const health = await network.grpcHealth(podIp, port, service ?? '', { timeoutMs: timeoutSeconds * 1000 });
    return health === 'SERVING'
      ? success('service healthy')
      : failure(`service unhealthy (responded with "${health}")`);
  } catch (error) {
    if (error instanceof TimeoutError) {
      const address = JSON.stringify(`${podIp}:${port}`);
      return failure(
        `timeout: failed to connect service ${address} within ${timeoutSeconds}s: context deadline exceeded`,
      );
    }
    const { code, details } = error as { code?: unknown; details?: string };
    if (code === GRPC_UNIMPLEMENTED)
      return failure(
        `error: this server does not implement the grpc health protocol (grpc.health.v1.Health): ${details}`,
      );
    if (code === GRPC_DEADLINE_EXCEEDED)
      return failure(`timeout: health rpc did not complete within ${timeoutSeconds}s`);
    return failure(`error: health rpc probe failed: ${errorMessage(error)}`);
  }
}

/** @throws Error when the container has no port of that name. */
export function portNumber(port: number | string | object, container: Container): number {
  const number = Number(port);
  if (Number.isInteger(number)) return number;
  const named = container.ports?.find(({ name }) => name === port);
  if (!named) throw new Error(`couldn't find port: ${String(port)}`);
  return named.containerPort;
}

/** As Go words what went wrong with a connection. */
function dialError(error: unknown, host: string, port: number): string {
  const refused = (error as NodeJS.ErrnoException).code === 'ECONNREFUSED';
  return refused ? `dial tcp ${host}:${port}: connect: connection refused` : errorMessage(error);
}
