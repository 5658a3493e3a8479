export { createDeploymentController } from './deployment-controller.ts';
