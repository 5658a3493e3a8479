export { ANN_EXIT_AFTER, ANN_EXIT_CODE, type ContainerEnd, containerEnd } from './container-end.ts';
export { createSimulatedRuntime } from './simulated-runtime.ts';
