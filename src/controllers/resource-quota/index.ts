export { createResourceQuotaController } from './resource-quota-controller.ts';
