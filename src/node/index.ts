export { createNode, type NodeComponent, type NodeOptions, type NodeVolumeManager } from './node.ts';
export type { PodSource } from './pods/index.ts';
