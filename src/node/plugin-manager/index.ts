export { createPluginManager, type PluginManager, type PluginManagerOptions } from './plugin-manager.ts';
