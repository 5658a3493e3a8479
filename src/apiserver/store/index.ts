export { DataDirInUseError, type Engine, type EngineRow } from './engine.ts';
export { StoredEntry } from './entry.ts';
export type { StoreEvent } from './event-log.ts';
export { openStore } from './open.ts';
export { type AppliedWrite, Store } from './store.ts';
export type { Table } from './table.ts';
