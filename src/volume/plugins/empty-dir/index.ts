export { type NodePluginOptions, setUpEmptyDirectory, tearDownEmptyDirectory } from './directory.ts';
export { createEmptyDirPlugin } from './empty-dir.ts';
