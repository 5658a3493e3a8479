import { type Clock, errorMessage, sleep } from '../../../base/index.ts';
import type { Host } from '../../../host/index.ts';
import { cleanupMountPoint, mountTablePath } from '../../mount/index.ts';
import { pluginDirectory } from '../../paths.ts';
import type { DeviceMounter, VolumePlugin, VolumeSpec } from '../../plugin.ts';
import { createBindMounter } from '../scsi/bind-mounter.ts';
import { createScsiBlockMapper } from '../scsi/block-mapper.ts';
import { mountDisk } from '../scsi/mount-disk.ts';
import { listOrNothing } from '../scsi/multipath.ts';
import { detachFcDisk, detachMappedFcDisk } from './detach-disk.ts';
import { findFcDisk } from './find-disk.ts';
import {
  diskOf,
  FC_PLUGIN,
  fcDeviceMountPath,
  fcDirectoryName,
  fcVolumeName,
  findFc,
  fsTypeOf,
  isReadOnly,
  parseFcPath,
} from './source.ts';

export interface FcOptions {
  readonly host: Host;
  readonly clock: Clock;
  readonly nodeRoot: string;
}

/** Disks of a Fibre Channel network. They are attached by nobody: the node looks for them. Source: pkg/volume/fc. */
export function createFcPlugin(options: FcOptions): VolumePlugin {
  const { host, nodeRoot } = options;
  const deviceMountPath = (spec: VolumeSpec) => fcDeviceMountPath(nodeRoot, diskOf(spec));
  return {
    name: FC_PLUGIN,
    canSupport: (spec) => findFc(spec) !== undefined,
    volumeName: fcVolumeName,
    requiresRemount: () => false,
    supportsMountOptions: true,
    attacher: {
      canAttach: () => true,
      attach: async () => '',
      detach: async () => undefined,
      waitForAttach: (spec) => findFcDisk(host.files, diskOf(spec)),
    },
    deviceMounter: createDeviceMounter(options, deviceMountPath),
    blockMapper: createScsiBlockMapper({
      host,
      nodeRoot,
      pluginName: FC_PLUGIN,
      depth: 1,
      relativePath: (spec) => findFc(spec) && fcDirectoryName(diskOf(spec)),
      parse: (path, name) => parseFcPath(path, name, 'Block'),
      tearDown: (path) => detachMappedFcDisk(host, path),
    }),
    mounter: createBindMounter({
      host,
      nodeRoot,
      pluginName: FC_PLUGIN,
      deviceMountPath,
      isReadOnly,
      parse: parseFcPath,
    }),
  };
}

/** A multipath device that was just unmounted may be busy for a while. */
const DETACH_RETRY_MS = 10_000;
const DETACH_LIMIT_MS = 120_000;

function createDeviceMounter(
  { host, clock, nodeRoot }: FcOptions,
  deviceMountPath: (spec: VolumeSpec) => string,
): DeviceMounter {
  const detach = async (device: string, signal: AbortSignal) => {
    const deadline = clock.monotonic() + DETACH_LIMIT_MS;
    for (;;) {
      try {
        return await detachFcDisk(host, device);
      } catch (error) {
        // What is unmounted would not be found by another call: this one has to do it.
        if (clock.monotonic() + DETACH_RETRY_MS > deadline)
          throw new Error(`fc: failed to detach disk: ${device}: ${errorMessage(error)}`, { cause: error });
        await sleep(clock, DETACH_RETRY_MS, signal);
      }
    }
  };
  return {
    canMountDevice: () => true,
    deviceMountPath,
    mountDevice: (spec, device, target) =>
      mountDisk(host, spec, { device, target, fsType: fsTypeOf(spec), readOnly: isReadOnly(spec) }),
    async unmountDevice(path, signal) {
      const target = await mountTablePath(host, path);
      const mounted = (await host.mounts.list()).findLast((entry) => entry.target === target);
      await cleanupMountPoint(host, path).catch((error: unknown) => {
        throw new Error(`fc: failed to unmount: ${path}\nError: ${errorMessage(error)}`, { cause: error });
      });
      if (mounted) await detach(mounted.source, signal);
    },
    async reconstructDevices() {
      const directory = pluginDirectory(nodeRoot, FC_PLUGIN);
      const names = await listOrNothing(host.files, directory);
      return names.filter((name) => name !== 'volumeDevices').map((name) => parseFcPath(name, name));
    },
  };
}
