import { type Clock, systemClock } from '../../base/index.ts';
import { type Encryption, encryptingEngine } from './encryption/index.ts';
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
  /** Which resources are kept encrypted, and how. @default none */
  readonly encryption?: Encryption;
};

/**
 * @throws DataDirInUseError when another process works on the directory; EncryptionKeyError when its objects need
 * another key.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const clock = options.clock ?? systemClock;
  if ('engine' in options) return openEncrypted(options.engine, clock, options);
  if ('memory' in options) return new Store(memoryEngine(), clock, options);
  return openEncrypted(await openEngine(options.dataDir), clock, options);
}

/** What keeps the state of a data directory. @throws DataDirInUseError */
export async function openEngine(dataDir: string): Promise<Engine> {
  // SQLite is loaded only where it is used.
  const { sqliteEngine } = await import('./sqlite-engine.ts');
  return sqliteEngine(dataDir);
}

/** A directory whose keys are missing is let go of as it was. */
async function openEncrypted(
  engine: Engine,
  clock: Pick<Clock, 'soon'>,
  options: { readonly encryption?: Encryption; readonly logCapacity?: number },
): Promise<Store> {
  const encrypting = encryptingEngine(engine, options.encryption ?? []);
  try {
    const store = new Store(encrypting, clock, options);
    await encrypting.rewrite();
    return store;
  } catch (error) {
    await engine.close();
    throw error;
  }
}
