import type { ComponentContext } from '../client/index.ts';
import { DISK_DRIVER, type DiskDriver, openDiskDriver } from '../drivers/disk/index.ts';
import type { Host } from '../host/index.ts';
import type { ContextOf } from './actors.ts';
import { ensureDriverObject } from './driver-object.ts';
import type { Layout } from './layout.ts';
import type { Running } from './running.ts';
import { startControllerSidecars } from './sidecars.ts';
import { type ServerPki, snapshotMetadataInCluster } from './snapshot-metadata.ts';

export interface DiskOptions {
  readonly host: Host;
  readonly layout: Layout;
  readonly running: Running;
}

/**
 * Opens the disk driver: formatting, attaching and mounting its pool are work of other processes and of the kernel, for
 * which the API server that starts meanwhile leaves a core. A start that fails elsewhere closes it too.
 */
export function openDisk(
  shared: Pick<ComponentContext, 'clock' | 'log'>,
  options: DiskOptions,
): Promise<DiskDriver> {
  const { clock, log } = shared;
  const { host, layout, running } = options;
  const opening = openDiskDriver({ pool: layout.pool, host, clock, log });
  // Whoever waits for it hears of a failure.
  const opened = opening.catch(() => undefined);
  running.onStop('disk driver', async () => (await opened)?.stop());
  return opening;
}

/** What the disk driver's manifests would bring. */
export function ensureDiskDriverObject(context: Pick<ComponentContext, 'client'>): Promise<void> {
  return ensureDriverObject(context, DISK_DRIVER, {
    attachRequired: true,
    podInfoOnMount: false,
    volumeLifecycleModes: ['Persistent'],
    fsGroupPolicy: 'File',
  });
}

/**
 * The driver's controller on its own socket, and mostly the sidecars beside it. After the nodes: publishing to a node that the
 * driver does not serve yet is refused.
 */
export async function serveDiskController(
  contextOf: ContextOf,
  driver: DiskDriver,
  options: DiskOptions & { readonly withSidecars: boolean; readonly pki: ServerPki },
): Promise<void> {
  const { layout, running, withSidecars, pki } = options;
  const endpoint = `unix://${layout.controllerSocket}`;
  await driver.serve(endpoint);
  if (!withSidecars) return;
  const csi = await startControllerSidecars(contextOf, { endpoint, driver: DISK_DRIVER, running });
  // Volumes that are directories have neither snapshots nor blocks.
  if (!options.host.info().rootless) running.start(await snapshotMetadataInCluster(contextOf, csi, pki));
}
