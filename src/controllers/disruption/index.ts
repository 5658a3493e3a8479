export { createDisruptionController } from './disruption-controller.ts';
