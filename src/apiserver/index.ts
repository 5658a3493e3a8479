export { publishAuthenticationConfig } from './authentication-config.ts';
export { createKubernetesService } from './kubernetes-service.ts';
export { createLocalClient } from './local-client.ts';
export type * from './registry/contract.ts';
export { createRegistry } from './registry/index.ts';
export {
  BackupError,
  type BackupSummary,
  createBackup,
  DataDirInUseError,
  type Engine,
  type EngineRow,
  type EngineWrite,
  openExistingEngine,
  openStore,
  readEncryption,
  restoreBackup,
} from './store/index.ts';
