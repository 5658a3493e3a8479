export { setUpEmptyDirectory, tearDownEmptyDirectory } from './directory.ts';
export { createEmptyDirPlugin, type NodePluginOptions } from './empty-dir.ts';
