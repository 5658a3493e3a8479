export { createDaemonSetController } from './daemon-set-controller.ts';
