export { DataDirInUseError, type Engine, StorageFullError } from './engine.ts';
export { atRevision, StoredEntry } from './entry.ts';
export type { StoreEvent } from './event-log.ts';
export { openStore, type StoreOptions } from './open.ts';
export { type AppliedWrite, Store } from './store.ts';
export type { Table } from './table.ts';
