import { type Clock, errorMessage, sleep } from '../../base/index.ts';
import type { Network } from '../../host/index.ts';
import type { Container, Pod, Stored } from '../../kube/index.ts';
import type { Runtime } from '../runtime/index.ts';
import type { PodDependencies } from './dependencies.ts';
import { formatPod } from './names.ts';
import { portNumber } from './probe.ts';

export type LifecycleHandler = NonNullable<NonNullable<Container['lifecycle']>['preStop']>;

export interface HookTarget {
  readonly clock: Clock;
  readonly runtime: Pick<Runtime, 'exec'>;
  readonly network: Network;
  readonly containerId: string;
  readonly podIp: string;
}

export function hookTarget(
  { clock, runtime, host, hostIp }: Pick<PodDependencies, 'clock' | 'runtime' | 'host' | 'hostIp'>,
  containerId: string,
): HookTarget {
  return { clock, runtime, network: host.network, containerId, podIp: hostIp };
}

/** Upstream sets none for commands; something has to end a hook that hangs when nobody waits for it. */
const EXEC_LIMIT_MS = 3_600_000;
const HTTP_LIMIT_MS = 30_000;

/**
 * Runs a lifecycle hook to its end.
 * @throws Error in the kubelet's words when it fails (lifecycle/handlers.go)
 */
export async function runHook(
  handler: LifecycleHandler,
  pod: Stored<Pod>,
  container: Container,
  target: HookTarget,
  signal?: AbortSignal,
): Promise<void> {
  const of = `for Container ${JSON.stringify(container.name)} in Pod ${JSON.stringify(formatPod(pod))} failed - error`;
  if (handler.exec) {
    const { command = [] } = handler.exec;
    const failed = (why: string, output = '') =>
      new Error(
        `Exec lifecycle hook ([${command.join(' ')}]) ${of}: ${why}, message: ${JSON.stringify(output)}`,
      );
    let result: Awaited<ReturnType<Runtime['exec']>>;
    try {
      result = await target.runtime.exec(target.containerId, command, { timeoutMs: EXEC_LIMIT_MS });
    } catch (error) {
      throw failed(errorMessage(error));
    }
    const { exitCode, stdout, stderr } = result;
    if (exitCode !== 0)
      throw failed(`command '${command.join(' ')}' exited with ${exitCode}: ${stderr}`, stdout + stderr);
    return;
  }
  if (handler.httpGet) {
    try {
      await httpHook(handler.httpGet, container, target);
    } catch (error) {
      throw new Error(`HTTP lifecycle hook (${handler.httpGet.path ?? ''}) ${of}: ${errorMessage(error)}`);
    }
    return;
  }
  if (handler.sleep) return sleep(target.clock, handler.sleep.seconds * 1000, signal);
  throw new Error('Cannot run handler: invalid handler');
}

/** Any answer will do: the hook is a call, not a question. */
async function httpHook(
  { scheme, host, path = '/', port, httpHeaders }: NonNullable<LifecycleHandler['httpGet']>,
  container: Container,
  { network, podIp }: HookTarget,
): Promise<void> {
  const headers = Object.fromEntries((httpHeaders ?? []).map(({ name, value }) => [name, value]));
  const url = { secure: scheme === 'HTTPS', host: host || podIp, port: portNumber(port, container), path };
  await network.httpGet(url, { timeoutMs: HTTP_LIMIT_MS, headers });
}
