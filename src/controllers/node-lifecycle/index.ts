export { createNodeLifecycleController, type NodeLifecycleOptions } from './node-lifecycle-controller.ts';
