/** The CSI driver that has taken over from each in-tree plugin. Source: k8s.io/csi-translation-lib. */
const DRIVERS: Readonly<Record<string, string>> = {
  'kubernetes.io/aws-ebs': 'ebs.csi.aws.com',
  'kubernetes.io/azure-disk': 'disk.csi.azure.com',
  'kubernetes.io/azure-file': 'file.csi.azure.com',
  'kubernetes.io/cinder': 'cinder.csi.openstack.org',
  'kubernetes.io/gce-pd': 'pd.csi.storage.gke.io',
  'kubernetes.io/portworx-volume': 'pxd.portworx.com',
  'kubernetes.io/vsphere-volume': 'csi.vsphere.vmware.com',
};

/** The plugins of which no code is left in-tree: all work on their volumes is their drivers'. */
export const MIGRATED_PLUGINS: readonly string[] = Object.keys(DRIVERS);

/** The driver that has taken over from a plugin; undefined for a plugin that is still its own master. */
export function driverOfPlugin(pluginName: string): string | undefined {
  return Object.hasOwn(DRIVERS, pluginName) ? DRIVERS[pluginName] : undefined;
}

/** The plugin that a driver has taken over from. */
export function pluginOfDriver(driver: string): string | undefined {
  return MIGRATED_PLUGINS.find((plugin) => DRIVERS[plugin] === driver);
}
