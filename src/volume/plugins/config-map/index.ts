export { createConfigMapPlugin } from './config-map.ts';
