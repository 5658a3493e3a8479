export { createCsiPlugin } from './csi.ts';
export { allocatableUpdatePeriodMs } from './csi-driver-policy.ts';
export { CsiDrivers, type RegisteredDriver } from './drivers.ts';
export { attachmentName, CSI_PLUGIN, isAttachmentName } from './names.ts';
