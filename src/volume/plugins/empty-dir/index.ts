export {
  EMPTY_DIR_PLUGIN,
  type EmptyDirectory,
  type EmptyDirectoryWish,
  setUpEmptyDirectory,
  tearDownEmptyDirectory,
} from './directory.ts';
export { createEmptyDirPlugin, type NodePluginOptions } from './empty-dir.ts';
