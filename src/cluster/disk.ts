import type { ComponentContext } from '../client/index.ts';
import { connectCsi } from '../csi/index.ts';
import { DISK_DRIVER, type DiskDriver, openDiskDriver } from '../drivers/disk/index.ts';
import type { Host } from '../host/index.ts';
import { csiDrivers, isAlreadyExists } from '../kube/index.ts';
import { createAttacher } from '../sidecars/attacher/index.ts';
import { createProvisioner } from '../sidecars/provisioner/index.ts';
import type { Layout } from './layout.ts';
import type { Running } from './running.ts';

/** The disk driver with its CSIDriver object and its controller sidecars, each over the driver's real socket. */
export async function startDisk(
  context: ComponentContext,
  options: { host: Host; layout: Layout; running: Running },
): Promise<DiskDriver> {
  const { host, layout, running } = options;
  const { clock, log } = context;
  const driver = await openDiskDriver({ pool: layout.pool, host, clock, log });
  running.onStop('disk driver', () => driver.stop());

  const endpoint = `unix://${layout.controllerSocket}`;
  await driver.serve(endpoint);
  await ensureDriverObject(context);
  for (const create of [createProvisioner, createAttacher]) {
    const csi = connectCsi(endpoint, { clock, driver: DISK_DRIVER });
    running.onStop('CSI connection', async () => csi.close());
    running.start(create(context, { csi }));
  }
  return driver;
}

async function ensureDriverObject({ client }: ComponentContext): Promise<void> {
  try {
    await client.create(csiDrivers, {
      metadata: { name: DISK_DRIVER },
      spec: {
        attachRequired: true,
        podInfoOnMount: false,
        volumeLifecycleModes: ['Persistent'],
        fsGroupPolicy: 'File',
      },
    });
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
}
