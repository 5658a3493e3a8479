import type { Clock } from '../../../base/index.ts';
import type { Client, Informers } from '../../../client/index.ts';
import type { Host } from '../../../host/index.ts';
import { csiDrivers, volumeAttachments } from '../../../kube/index.ts';
import { TokenCache } from '../../payloads/index.ts';
import type { DeviceMounter, Mounter, VolumePlugin, VolumeSpec } from '../../plugin.ts';
import { createCsiAttacher } from './attacher.ts';
import { AttachmentWatch } from './attachment-watch.ts';
import { createCsiBlockMapper } from './block-mapper.ts';
import { attachRequired, requiresRepublish } from './csi-driver-policy.ts';
import { createCsiDeviceMounter } from './device-mounter.ts';
import type { CsiDrivers } from './drivers.ts';
import { verifyExhaustedResource } from './exhausted-resource.ts';
import { createCsiMounter } from './mounter.ts';
import { CSI_PLUGIN, csiVolumeName } from './names.ts';
import { createCsiNodeExpander } from './node-expander.ts';
import { driverOf, isPersistent, persistentSource } from './source.ts';
import { csiVolumeStats } from './volume-stats.ts';

export interface CsiPluginOptions {
  readonly client: Client;
  readonly informers: Informers;
  readonly clock: Clock;
  /** On a node: what it mounts with. Absent for a controller, which attaches instead. */
  readonly node?: {
    readonly host: Host;
    readonly drivers: CsiDrivers;
    /** The kubelet's root directory. */
    readonly nodeRoot: string;
    readonly nodeName: string;
    /** Whether drivers are asked for the health of volumes (CSIVolumeHealth). @default false */
    readonly volumeHealth?: boolean;
  };
}

/** Volumes of CSI drivers: attached by VolumeAttachment objects, mounted by the driver's node service. */
export function createCsiPlugin(options: CsiPluginOptions): VolumePlugin {
  const { client, informers, node } = options;
  const drivers = informers.of(csiDrivers);
  const csiDriver = (name: string | undefined) => (name === undefined ? undefined : drivers.get(name));
  const context = node && {
    volumeHealth: false,
    ...node,
    client,
    csiDriver,
    tokens: new TokenCache(options),
  };
  return {
    name: CSI_PLUGIN,
    ready: drivers.synced,
    canSupport: (spec) => driverOf(spec) !== undefined,
    volumeName(spec) {
      const { driver, handle } = persistentSource(spec);
      return csiVolumeName(driver, handle);
    },
    requiresRemount: (spec) => requiresRepublish(csiDriver(driverOf(spec))),
    supportsMountOptions: true,
    attacher: createCsiAttacher({
      client,
      canAttach: (spec: VolumeSpec) => isPersistent(spec) && attachRequired(csiDriver(driverOf(spec))),
      attachments: node ? undefined : new AttachmentWatch(informers.of(volumeAttachments), options.clock),
      verifyExhaustedResource: context && ((spec, signal) => verifyExhaustedResource(context, spec, signal)),
    }),
    deviceMounter: context ? createCsiDeviceMounter(context) : controllerDeviceMounter,
    mounter: context ? createCsiMounter(context) : controllerMounter,
    nodeExpander: context && createCsiNodeExpander(context),
    blockMapper: context && createCsiBlockMapper(context),
    stats: context && ((request) => csiVolumeStats(context, request)),
  };
}

const refuse = async () => {
  throw new Error('kubernetes.io/csi: volumes are mounted on nodes only');
};

/** A controller still has to know what is mounted once a node: it decides a volume's unique name. */
const controllerDeviceMounter: DeviceMounter = {
  canMountDevice: isPersistent,
  deviceMountPath: () => '',
  mountDevice: refuse,
  unmountDevice: refuse,
};

const controllerMounter: Mounter = {
  podPath: () => '',
  setUp: refuse,
  tearDown: refuse,
  reconstruct: refuse,
};
