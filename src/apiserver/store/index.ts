export {
  BackupError,
  type BackupSummary,
  createBackup,
  openExistingEngine,
  restoreBackup,
} from './backup/index.ts';
export { type Encryption, readEncryption } from './encryption/index.ts';
export { DataDirInUseError, type Engine, type EngineRow, type EngineWrite } from './engine.ts';
export { StoredEntry } from './entry.ts';
export type { StoreEvent } from './event-log.ts';
export { openStore } from './open.ts';
export { type AppliedWrite, Store } from './store.ts';
export type { Table } from './table.ts';
