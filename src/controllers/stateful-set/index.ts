export { createStatefulSetController, type StatefulSetOptions } from './stateful-set-controller.ts';
