export type * from './contract.ts';
export { createRegistry, type RegistryOptions } from './registry.ts';
