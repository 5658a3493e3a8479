export { type CsiPluginOptions, createCsiPlugin } from './csi.ts';
export { CsiDrivers, type RegisteredDriver } from './drivers.ts';
export { attachmentName, CSI_PLUGIN, csiVolumeName, deviceMountPath, splitCsiVolumeName } from './names.ts';
