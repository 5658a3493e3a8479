export { createExpandController } from './expand-controller.ts';
