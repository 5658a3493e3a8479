export { type ApiPluginOptions, createConfigMapPlugin } from './config-map.ts';
