export { createReplicaSetController } from './replica-set-controller.ts';
