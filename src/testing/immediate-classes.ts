import type { Client } from '../client/index.ts';
import { storageClasses, volumeSnapshotClasses } from '../kube/index.ts';

/** A StorageClass that binds at once and a VolumeSnapshotClass, both `name`, whose volumes and snapshots go with their objects. */
export async function createImmediateClasses(client: Client, name: string, driver: string): Promise<void> {
  await client.create(storageClasses, {
    metadata: { name },
    provisioner: driver,
    reclaimPolicy: 'Delete',
    volumeBindingMode: 'Immediate',
  });
  await client.create(volumeSnapshotClasses, { metadata: { name }, driver, deletionPolicy: 'Delete' });
}
