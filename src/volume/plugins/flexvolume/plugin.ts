import type { Client } from '../../../client/index.ts';
import type { Host } from '../../../host/index.ts';
import { fileSystemStats } from '../../disk-usage.ts';
import type { VolumePlugin } from '../../plugin.ts';
import { createFlexAttacher } from './attacher.ts';
import { createFlexDeviceMounter } from './device-mounter.ts';
import type { FlexDriver } from './driver.ts';
import { createFlexNodeExpander } from './expander.ts';
import { createFlexMounter } from './mounter.ts';
import { flexDriverOf } from './source.ts';

export interface FlexVolumePluginOptions {
  readonly client: Client;
  readonly host: Host;
  /** The kubelet's root directory; a controller, which mounts nothing, has none. */
  readonly nodeRoot: string;
}

/** The volumes of one FlexVolume driver. What it can do may change with its executable. Source: pkg/volume/flexvolume. */
export function createFlexVolumePlugin(
  driver: FlexDriver,
  { client, host, nodeRoot }: FlexVolumePluginOptions,
): VolumePlugin {
  const deviceMounter = createFlexDeviceMounter(driver, host, nodeRoot);
  const { deviceMountPath } = deviceMounter;
  return {
    name: driver.name,
    canSupport: (spec) => flexDriverOf(spec) === driver.name,
    volumeName: (spec) => spec.name,
    requiresRemount: () => false,
    attacher: createFlexAttacher(driver),
    deviceMounter,
    mounter: createFlexMounter({ driver, host, nodeRoot, client, deviceMountPath }),
    nodeExpander: createFlexNodeExpander(driver, host),
    // Its file system may be one that nobody should ask, say a share whose server is gone.
    stats: async ({ path }) =>
      driver.capabilities.supportsMetrics ? await fileSystemStats(host.files, path) : undefined,
  };
}
