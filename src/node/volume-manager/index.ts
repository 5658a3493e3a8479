export type { PodSource, VolumeManager } from './contract.ts';
export { createVolumeManager } from './volume-manager.ts';
