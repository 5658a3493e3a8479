export { createPluginManager } from './plugin-manager.ts';
