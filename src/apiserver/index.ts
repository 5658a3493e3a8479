export { publishKubernetesService } from './kubernetes-service.ts';
export { createLocalClient } from './local-client.ts';
export type * from './registry/contract.ts';
export { createRegistry } from './registry/index.ts';
export {
  DataDirInUseError,
  type Engine,
  type EngineRow,
  type EngineWrite,
  openStore,
  readEncryption,
} from './store/index.ts';
