import type { Runtime } from './contract.ts';

/** For a runtime that has nothing to make ready: all is done at the start. */
export function nothingToPrepare(start: Runtime['start']): Runtime['prepare'] {
  return (setup) => ({
    start: (program) => start({ ...setup, ...program }),
    discard: async () => undefined,
  });
}
