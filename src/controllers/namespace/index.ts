export { createNamespaceController, type NamespaceControllerOptions } from './namespace-controller.ts';
