import { type Clock, systemClock } from '../../base/index.ts';
import type { Engine } from './engine.ts';
import { memoryEngine } from './memory-engine.ts';
import { Store } from './store.ts';

/** Where state lives: a directory of its own (made with mode 0700), only in memory, or what the engine makes of it. */
export type StoreOptions = (
  | { readonly dataDir: string }
  | { readonly memory: true }
  | { readonly engine: Engine }
) & {
  readonly clock?: Pick<Clock, 'soon'>;
  /** Changes that each resource keeps for watches. @default 8192 */
  readonly logCapacity?: number;
};

/** @throws DataDirInUseError when another process works on the directory. */
export async function openStore(options: StoreOptions): Promise<Store> {
  const clock = options.clock ?? systemClock;
  if ('engine' in options) return new Store(options.engine, clock, options);
  if ('memory' in options) return new Store(memoryEngine(), clock, options);
  // SQLite is loaded only where it is used.
  const { sqliteEngine } = await import('./sqlite-engine.ts');
  return new Store(sqliteEngine(options.dataDir), clock, options);
}
