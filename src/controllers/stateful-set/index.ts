export { createStatefulSetController } from './stateful-set-controller.ts';
