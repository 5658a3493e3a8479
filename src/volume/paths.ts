import { join } from 'node:path';

/** A plugin's name as part of a path: kubernetes.io/csi is kubernetes.io~csi (EscapeQualifiedName). */
export function escapePluginName(name: string): string {
  return name.replaceAll('/', '~');
}

export function unescapePluginName(name: string): string {
  return name.replaceAll('~', '/');
}

/** Where the kubelet keeps what belongs to pods. `nodeRoot` is the kubelet's root directory. */
export function podsDirectory(nodeRoot: string): string {
  return join(nodeRoot, 'pods');
}

export function podDirectory(nodeRoot: string, podUid: string): string {
  return join(nodeRoot, 'pods', podUid);
}

export function podVolumesDirectory(nodeRoot: string, podUid: string): string {
  return join(nodeRoot, 'pods', podUid, 'volumes');
}

/** Where parts of a pod's volumes are mounted, for its containers: VOLUME/CONTAINER/INDEX. */
export function podSubpathsDirectory(podDirectory: string): string {
  return join(podDirectory, 'volume-subpaths');
}

/** What of a pod's volumes it gets as devices. */
export function podVolumeDevicesDirectory(nodeRoot: string, podUid: string): string {
  return join(nodeRoot, 'pods', podUid, 'volumeDevices');
}

/** pods/UID/volumes/kubernetes.io~PLUGIN/NAME */
export function podVolumeDirectory(
  nodeRoot: string,
  podUid: string,
  pluginName: string,
  name: string,
): string {
  return join(nodeRoot, 'pods', podUid, 'volumes', escapePluginName(pluginName), name);
}

/** pods/UID/plugins/kubernetes.io~PLUGIN: what a plugin notes about a pod's volumes. */
export function podPluginDirectory(nodeRoot: string, podUid: string, pluginName: string): string {
  return join(nodeRoot, 'pods', podUid, 'plugins', escapePluginName(pluginName));
}

/** plugins/kubernetes.io/PLUGIN: what a plugin keeps for the whole node. */
export function pluginDirectory(nodeRoot: string, pluginName: string): string {
  return join(nodeRoot, 'plugins', pluginName);
}

/** Where drivers put their registration sockets. */
export function pluginsRegistryDirectory(nodeRoot: string): string {
  return join(nodeRoot, 'plugins_registry');
}
