export type { MountedVolume, MountedVolumes, PodSource, VolumeManager } from './contract.ts';
export { expectedVolumes } from './pod-volumes.ts';
export { createVolumeManager, type VolumeManagerOptions } from './volume-manager.ts';
