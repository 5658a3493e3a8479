export { createTaintEvictionController } from './taint-eviction-controller.ts';
