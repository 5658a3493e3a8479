export { createLocalClient } from './local-client.ts';
export type * from './registry/contract.ts';
export { createRegistry } from './registry/index.ts';
export { DataDirInUseError, openStore } from './store/index.ts';
