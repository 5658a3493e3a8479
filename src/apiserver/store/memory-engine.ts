import type { Engine } from './engine.ts';

/** Keeps nothing: state lives as long as the process (`--ephemeral`). */
export function memoryEngine(): Engine {
  return {
    load: () => ({ revision: 0, rows: [] }),
    commit: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}
