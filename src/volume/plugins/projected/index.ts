export { createProjectedPlugin, type ProjectedPluginOptions } from './projected.ts';
