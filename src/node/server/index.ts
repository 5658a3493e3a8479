export { ClientAccess } from './client-access.ts';
export { NodeServer } from './node-server.ts';
export { addVolumeStatsMetrics } from './stats/volume-metrics.ts';
