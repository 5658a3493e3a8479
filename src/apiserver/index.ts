export { createLocalClient } from './local-client.ts';
export type * from './registry/contract.ts';
export { createRegistry } from './registry/index.ts';
export { DataDirInUseError, type Engine, type EngineRow, openStore } from './store/index.ts';
