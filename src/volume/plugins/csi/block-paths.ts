import { join } from 'node:path';
import { escapePluginName, pluginDirectory, podDirectory } from '../../paths.ts';
import { CSI_PLUGIN } from './names.ts';

/**
 * Where volumes that are given to pods as devices are on a node. Below plugins/kubernetes.io/csi/volumeDevices, with
 * NAME of the PersistentVolume: `NAME/dev` links for each pod, `NAME/data` the note, `staging/NAME`, `publish/NAME/UID`.
 * Source: csi_block.go of pkg/volume/csi.
 */
export function blockPaths(nodeRoot: string, name: string) {
  const root = join(pluginDirectory(nodeRoot, CSI_PLUGIN), 'volumeDevices');
  const volume = join(root, name);
  const publish = join(root, 'publish', name);
  return {
    volume,
    map: join(volume, 'dev'),
    data: join(volume, 'data'),
    staging: join(root, 'staging', name),
    publish,
    publishFor: (podUid: string) => join(publish, podUid),
  };
}

/** pods/UID/volumeDevices/kubernetes.io~csi */
export function podDeviceDirectory(nodeRoot: string, podUid: string): string {
  return join(podDirectory(nodeRoot, podUid), 'volumeDevices', escapePluginName(CSI_PLUGIN));
}
