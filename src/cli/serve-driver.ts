import {
  aborted,
  type Clock,
  createLogger,
  errorMessage,
  type Logger,
  type LogLevel,
  systemClock,
} from '../base/index.ts';
import { createLinuxHost, type Host } from '../host/index.ts';
import { untilSignal } from './until-signal.ts';
import { UsageError } from './usage-error.ts';

/** What every driver's command takes. */
export interface DriverFlags {
  readonly endpoint: string;
  readonly nodeId?: string;
  readonly driverName?: string;
  readonly logLevel: LogLevel;
}

/** What a driver is opened with. */
export interface DriverContext {
  readonly host: Host;
  readonly clock: Clock;
  readonly log: Logger;
}

interface Driver {
  serve(endpoint: string, nodeId?: string): Promise<unknown>;
  stop(): Promise<void>;
}

/** Serves a driver until a signal. Resolves to the exit code. */
export async function serveDriver(
  command: string,
  { endpoint, nodeId, logLevel }: DriverFlags,
  open: (context: DriverContext) => Promise<Driver>,
): Promise<number> {
  const ending = untilSignal();
  const clock = systemClock;
  const log = createLogger({
    level: logLevel,
    now: () => clock.now(),
    sink: (line) => process.stderr.write(`${line}\n`),
  });
  const host = createLinuxHost({ clock });
  const driver = await forUsers(command, () => open({ host, clock, log }));
  try {
    await forUsers(command, () => driver.serve(endpoint, nodeId));
    process.stdout.write(`Serving ${endpoint}\n`);
    await aborted(ending.signal);
  } finally {
    await driver.stop();
    ending.stop();
  }
  return 0;
}

/** A directory or a socket that cannot be had is the user's to mend. */
async function forUsers<T>(command: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new UsageError(`${command}: ${errorMessage(error)}`);
  }
}
