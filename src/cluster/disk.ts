import type { ComponentContext } from '../client/index.ts';
import { DISK_DRIVER, type DiskDriver, openDiskDriver } from '../drivers/disk/index.ts';
import type { Host } from '../host/index.ts';
import type { ContextOf } from './actors.ts';
import { ensureDriverObject } from './driver-object.ts';
import type { Layout } from './layout.ts';
import type { Running } from './running.ts';
import { startControllerSidecars } from './sidecars.ts';

export interface DiskOptions {
  readonly host: Host;
  readonly layout: Layout;
  readonly running: Running;
}

/** The disk driver, its pool open, and its CSIDriver object; nodes are still to be served. */
export async function openDisk(context: ComponentContext, options: DiskOptions): Promise<DiskDriver> {
  const { host, layout, running } = options;
  const { clock, log } = context;
  const driver = await openDiskDriver({ pool: layout.pool, host, clock, log });
  running.onStop('disk driver', () => driver.stop());
  await ensureDriverObject(context, DISK_DRIVER, {
    attachRequired: true,
    podInfoOnMount: false,
    volumeLifecycleModes: ['Persistent'],
    fsGroupPolicy: 'File',
  });
  return driver;
}

/**
 * The driver's controller on its own socket, and mostly the sidecars beside it. After the nodes: publishing to a node that the
 * driver does not serve yet is refused.
 */
export async function serveDiskController(
  contextOf: ContextOf,
  driver: DiskDriver,
  options: DiskOptions & { readonly withSidecars: boolean },
): Promise<void> {
  const { layout, running, withSidecars } = options;
  const endpoint = `unix://${layout.controllerSocket}`;
  await driver.serve(endpoint);
  if (withSidecars) await startControllerSidecars(contextOf, { endpoint, driver: DISK_DRIVER, running });
}
