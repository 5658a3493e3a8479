export { type PodVolumeStats, VolumeStatsCollector } from './collector.ts';
