export type { PodVolume } from './container-config.ts';
export type { PodDependencies, PodVolumes } from './dependencies.ts';
export { PodManager, type PodManagerOptions, type PodSource } from './pod-manager.ts';
