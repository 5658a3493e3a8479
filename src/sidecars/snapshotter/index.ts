export type { SnapshotterOptions } from './options.ts';
export { createSnapshotter } from './snapshotter.ts';
