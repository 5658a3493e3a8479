import { aborted, createLogger, errorMessage, type LogLevel, systemClock } from '../base/index.ts';
import { openDiskDriver } from '../drivers/disk/index.ts';
import { createLinuxHost } from '../host/index.ts';
import { requirePrivileges } from './privileges.ts';
import { untilSignal } from './until-signal.ts';
import { UsageError } from './usage-error.ts';

interface DiskDriverFlags {
  readonly endpoint: string;
  readonly pool: string;
  readonly nodeId?: string;
  readonly driverName?: string;
  readonly logLevel: LogLevel;
}

/** `stowage driver disk`: serves until a signal. Resolves to the exit code. */
export async function driverDisk(options: DiskDriverFlags): Promise<number> {
  await requirePrivileges('stowage driver disk');
  const ending = untilSignal();
  const clock = systemClock;
  const log = createLogger({
    level: options.logLevel,
    now: () => clock.now(),
    sink: (line) => process.stderr.write(`${line}\n`),
  });
  const host = createLinuxHost({ clock });
  const { driverName: name, pool, endpoint, nodeId } = options;
  const driver = await forUsers(() => openDiskDriver({ name, pool, host, clock, log }));
  try {
    await forUsers(() => driver.serve(endpoint, nodeId));
    process.stdout.write(`Serving ${endpoint}\n`);
    await aborted(ending.signal);
  } finally {
    await driver.stop();
    ending.stop();
  }
  return 0;
}

/** A pool or a socket that cannot be had is the user's to mend. */
async function forUsers<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new UsageError(`stowage driver disk: ${errorMessage(error)}`);
  }
}
