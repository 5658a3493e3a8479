export type { ProvisionerOptions } from './options.ts';
export { createProvisioner } from './provisioner.ts';
