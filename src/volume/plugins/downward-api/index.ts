export { createDownwardApiPlugin, type DownwardPluginOptions } from './downward-api.ts';
