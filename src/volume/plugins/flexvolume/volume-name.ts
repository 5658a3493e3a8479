import type { VolumeSpec } from '../../plugin.ts';
import type { FlexDriver } from './driver.ts';
import { driverOptions } from './options.ts';

/**
 * Asks the driver for the volume's name, as upstream does: what it answers counts for nothing, volumes are told apart by
 * their PersistentVolume's name or the pod's; but one that refuses will not have the volume.
 * Source: GetVolumeName, pkg/volume/flexvolume.
 */
export async function checkVolumeName(
  driver: FlexDriver,
  spec: VolumeSpec,
  signal: AbortSignal,
): Promise<void> {
  await driver.call('getvolumename', [driverOptions(spec)], { signal });
}
