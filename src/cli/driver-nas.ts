import { openNasDriver } from '../drivers/nas/index.ts';
import { requirePrivileges } from './privileges.ts';
import { type DriverFlags, serveDriver } from './serve-driver.ts';
import { UsageError } from './usage-error.ts';

interface NasDriverFlags extends DriverFlags {
  readonly directory: string;
  readonly controller: boolean;
}

/** `stowage driver nas`: serves until a signal. Resolves to the exit code. */
export async function driverNas(options: NasDriverFlags): Promise<number> {
  const { driverName: name, directory, controller, nodeId } = options;
  if (!controller && nodeId === undefined)
    throw new UsageError('stowage driver nas: --no-controller leaves only a node: name it with --node-id');
  await requirePrivileges('stowage driver nas');
  return serveDriver('stowage driver nas', options, (context) =>
    openNasDriver({ name, directory, controller, ...context }),
  );
}
