import {
  type BackoffPolicy,
  backoffDelay,
  type Clock,
  errorMessage,
  type Logger,
  sleep,
} from '../../base/index.ts';
import {
  type ControllerCapability,
  type CsiClient,
  controllerCapabilities,
  type PluginCapability,
  pluginCapabilities,
  waitForDriver,
} from '../../csi/index.ts';

/** Who the driver is and what it can do, asked once at the start. */
export interface Driver {
  readonly name: string;
  readonly services: ReadonlySet<PluginCapability>;
  readonly controller: ReadonlySet<ControllerCapability>;
}

const BETWEEN_QUESTIONS: BackoffPolicy = { initialMs: 100, maxMs: 10_000 };

interface Asking {
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  readonly driverName?: string | undefined;
}

/** Asks until the driver answers: it may start late, or again. Rejects only with the signal's reason. */
export function askDriver(csi: CsiClient, options: Asking): Promise<Driver> {
  return untilAnswered('who it is', options, () => ask(csi, options));
}

/** Asks the driver something until it answers. Rejects only with the signal's reason. */
export async function untilAnswered<T>(
  question: string,
  { clock, log, signal }: Pick<Asking, 'clock' | 'log' | 'signal'>,
  answer: () => Promise<T>,
): Promise<T> {
  for (let failures = 1; ; failures++) {
    try {
      return await answer();
    } catch (error) {
      signal.throwIfAborted();
      log.warn(`the CSI driver did not say ${question}; asking again`, { error: errorMessage(error) });
      await sleep(clock, backoffDelay(BETWEEN_QUESTIONS, Math.min(failures, 8)), signal);
    }
  }
}

async function ask(csi: CsiClient, options: Asking): Promise<Driver> {
  const { signal, timeoutMs } = options;
  await waitForDriver(csi, options);
  const call = { signal, timeoutMs };
  const name = options.driverName ?? (await csi.identity.getPluginInfo({}, call)).name;
  const { services } = await pluginCapabilities(csi, call);
  const controller = services.has('CONTROLLER_SERVICE')
    ? await controllerCapabilities(csi, call)
    : new Set<ControllerCapability>();
  return { name, services, controller };
}
