export type { CapacityOptions } from './capacity/index.ts';
export type { ProvisionerOptions } from './options.ts';
export { createProvisioner } from './provisioner.ts';
