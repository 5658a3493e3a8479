import { join } from 'node:path';
import { errorMessage, type Logger } from '../../base/index.ts';
import type { Files, Host } from '../../host/index.ts';
import type { Node } from '../../kube/index.ts';
import {
  isDeviceMountable,
  type PluginRegistry,
  podsDirectory,
  podVolumeDevicesDirectory,
  podVolumesDirectory,
  unescapePluginName,
  uniqueVolumeName,
  uniqueVolumeNameForPod,
  type VolumePlugin,
} from '../../volume/index.ts';
import type { ActualStateOfWorld } from './actual-state-of-world.ts';
import { globalPathOf } from './volume-places.ts';

/** A volume directory of a pod, as found on disk. */
export interface FoundVolume {
  readonly podUid: string;
  readonly pluginName: string;
  readonly specName: string;
  readonly mode: 'Filesystem' | 'Block';
}

/** Every `pods/UID/volumes/PLUGIN/NAME` and `pods/UID/volumeDevices/PLUGIN/NAME`. */
async function findPodVolumes(files: Files, nodeRoot: string): Promise<FoundVolume[]> {
  const found: FoundVolume[] = [];
  for (const podUid of await subdirectories(files, podsDirectory(nodeRoot))) {
    const volumes = podVolumesDirectory(nodeRoot, podUid);
    for (const escaped of await subdirectories(files, volumes)) {
      for (const specName of await subdirectories(files, join(volumes, escaped)))
        found.push({ podUid, pluginName: unescapePluginName(escaped), specName, mode: 'Filesystem' });
    }
    const devices = podVolumeDevicesDirectory(nodeRoot, podUid);
    for (const escaped of await subdirectories(files, devices)) {
      for (const specName of await files.list(join(devices, escaped)))
        found.push({ podUid, pluginName: unescapePluginName(escaped), specName, mode: 'Block' });
    }
  }
  return found;
}

/**
 * Rebuilds the actual state of the world from disk after a restart: everything found is uncertain until a pod that
 * wants it sets it up again, or it is torn down. Source: reconstructVolumes of the kubelet's reconciler; that of
 * devices without a pod goes beyond it.
 */
export async function reconstruct(
  options: { host: Host; nodeRoot: string; plugins: PluginRegistry; log: Logger },
  actual: ActualStateOfWorld,
): Promise<{ readonly total: number; readonly failed: readonly FoundVolume[] }> {
  const { host, nodeRoot, plugins, log } = options;
  const failed: FoundVolume[] = [];
  const volumes = await findPodVolumes(host.files, nodeRoot);
  for (const found of volumes) {
    const plugin = plugins.findByName(found.pluginName);
    if (!plugin || (found.mode === 'Block' && !plugin.blockMapper)) {
      log.warn('a volume directory belongs to no known plugin; it stays until there is one', { ...found });
      failed.push(found);
      continue;
    }
    try {
      const from = found.mode === 'Block' ? plugin.blockMapper : plugin.mounter;
      const volume = await from!.reconstruct(found.specName, found.podUid);
      if (!volume) {
        failed.push(found);
        continue;
      }
      const mountable = isDeviceMountable(plugin, volume.spec);
      const name = mountable
        ? uniqueVolumeName(plugin, volume.spec)
        : uniqueVolumeNameForPod(plugin, volume.spec, found.podUid);
      // Only what is mounted once a node can be attached to it.
      actual.markAttached(name, plugin, volume.spec, '', mountable ? 'uncertain' : 'no');
      actual.markMountUncertain(name, found.podUid, volume.spec, true);
      actual.markDeviceLabel(name, volume.seLinuxLabel);
      if (mountable) actual.markDeviceUncertain(name, globalPathOf(plugin, volume.spec), true);
    } catch (error) {
      log.warn('a volume could not be rebuilt from disk', { ...found, error: errorMessage(error) });
      failed.push(found);
    }
  }
  for (const plugin of plugins.all()) await reconstructDevices(plugin, actual);
  return { total: volumes.length, failed };
}

/** What a plugin has mounted once a node, or mapped, be it for no pod any more. What is known already is left as it is. */
export async function reconstructDevices(plugin: VolumePlugin, actual: ActualStateOfWorld): Promise<void> {
  const mounted = (await plugin.deviceMounter?.reconstructDevices?.()) ?? [];
  const mapped = (await plugin.blockMapper?.reconstructDevices?.()) ?? [];
  for (const { spec, seLinuxLabel } of [...mounted, ...mapped]) {
    const name = uniqueVolumeName(plugin, spec);
    if (actual.get(name)) continue;
    actual.markAttached(name, plugin, spec, '', 'uncertain');
    actual.markDeviceLabel(name, seLinuxLabel);
    actual.markDeviceUncertain(name, globalPathOf(plugin, spec), true);
  }
  for (const { spec, podUids } of mapped) {
    const name = uniqueVolumeName(plugin, spec);
    // Published or bound for a pod, and not linked in its directory yet, or any more.
    for (const uid of podUids)
      if (!actual.podMount(uid, name)) actual.markMountUncertain(name, uid, spec, true);
  }
}

/** Completes what was found on disk with what the node's status says about attached volumes. */
export function completeFromNodeStatus(actual: ActualStateOfWorld, node: Node | undefined): void {
  const attached = new Map(node?.status?.volumesAttached?.map((each) => [each.name, each.devicePath]));
  for (const volume of actual.volumes()) {
    if (volume.attachable !== 'uncertain') continue;
    const { volumeName, plugin, spec } = volume;
    const devicePath = attached.get(volumeName);
    actual.markAttached(volumeName, plugin, spec, devicePath ?? '', devicePath === undefined ? 'no' : 'yes');
  }
}

async function subdirectories(files: Files, path: string): Promise<string[]> {
  if ((await files.stat(path))?.kind !== 'directory') return [];
  const names: string[] = [];
  for (const name of await files.list(path))
    if ((await files.stat(join(path, name)))?.kind === 'directory') names.push(name);
  return names;
}
