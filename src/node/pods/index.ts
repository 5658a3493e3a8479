export type { PodVolumes } from './dependencies.ts';
export { PodManager, type PodSource } from './pod-manager.ts';
export { ProbeMetrics } from './probe-metrics.ts';
