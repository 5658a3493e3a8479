export { createJobController } from './job-controller.ts';
