export { createCsiPlugin } from './csi.ts';
export { CsiDrivers, type RegisteredDriver } from './drivers.ts';
export { attachmentName, CSI_PLUGIN } from './names.ts';
