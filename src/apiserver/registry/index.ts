export type * from './contract.ts';
export { createRegistry } from './registry.ts';
