import { TimeoutError } from '../../base/index.ts';
import type { Network } from '../../host/index.ts';
import type { Container } from '../../kube/index.ts';
import type { Runtime } from '../runtime/index.ts';

export type Probe = NonNullable<Container['readinessProbe']>;

export interface ProbeOutcome {
  readonly success: boolean;
  /** What the probe saw, for the event. */
  readonly output: string;
}

export interface ProbeTarget {
  readonly runtime: Pick<Runtime, 'exec'>;
  readonly network: Network;
  readonly containerId: string;
  readonly podIp: string;
}

/** Runs a probe once. */
export async function runProbe(
  probe: Probe,
  container: Container,
  target: ProbeTarget,
): Promise<ProbeOutcome> {
  const timeoutMs = (probe.timeoutSeconds ?? 1) * 1000;
  try {
    if (probe.exec) {
      const result = await target.runtime.exec(target.containerId, probe.exec.command ?? [], { timeoutMs });
      return { success: result.exitCode === 0, output: `${result.stdout}${result.stderr}` };
    }
    if (probe.httpGet) {
      const { scheme, host, path = '/', httpHeaders } = probe.httpGet;
      const port = portNumber(probe.httpGet.port, container);
      const headers = Object.fromEntries((httpHeaders ?? []).map(({ name, value }) => [name, value]));
      const url = { secure: scheme === 'HTTPS', host: host || target.podIp, port, path };
      try {
        const { statusCode, body } = await target.network.httpGet(url, { timeoutMs, headers });
        if (statusCode >= 200 && statusCode < 400) return { success: true, output: body };
        return { success: false, output: `HTTP probe failed with statuscode: ${statusCode}` };
      } catch (error) {
        const text = `${url.secure ? 'https' : 'http'}://${url.host}:${port}${path}`;
        return { success: false, output: `Get ${JSON.stringify(text)}: ${reason(error, url.host, port)}` };
      }
    }
    if (probe.tcpSocket) {
      const host = probe.tcpSocket.host || target.podIp;
      const port = portNumber(probe.tcpSocket.port, container);
      try {
        await target.network.connect(host, port, { timeoutMs });
        return { success: true, output: '' };
      } catch (error) {
        return { success: false, output: reason(error, host, port) };
      }
    }
    return { success: false, output: 'missing probe handler: exec, httpGet or tcpSocket' };
  } catch (error) {
    return { success: false, output: error instanceof Error ? error.message : String(error) };
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
function reason(error: unknown, host: string, port: number): string {
  if (error instanceof TimeoutError)
    return 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)';
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ECONNREFUSED') return `dial tcp ${host}:${port}: connect: connection refused`;
  return message;
}
