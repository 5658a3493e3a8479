import { openDiskDriver } from '../drivers/disk/index.ts';
import { requirePrivileges } from './privileges.ts';
import { type DriverFlags, serveDriver } from './serve-driver.ts';

interface DiskDriverFlags extends DriverFlags {
  readonly pool: string;
}

/** `stowage driver disk`: serves until a signal. Resolves to the exit code. */
export async function driverDisk(options: DiskDriverFlags): Promise<number> {
  await requirePrivileges('stowage driver disk');
  const { driverName: name, pool } = options;
  return serveDriver('stowage driver disk', options, (context) => openDiskDriver({ name, pool, ...context }));
}
