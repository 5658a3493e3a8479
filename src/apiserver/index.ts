export { createLocalClient } from './local-client.ts';
export type * from './registry/contract.ts';
export { createRegistry, type RegistryOptions } from './registry/index.ts';
export { DataDirInUseError, openStore, type Store, type StoreOptions } from './store/index.ts';
