export { type ApiPluginOptions, CONFIG_MAP_PLUGIN, createConfigMapPlugin } from './config-map.ts';
