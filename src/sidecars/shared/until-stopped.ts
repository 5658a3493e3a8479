import type { Component } from '../../client/index.ts';

/** A component that works until it is told to stop: what breaks off then has not failed. */
export function untilStopped(name: string, work: (signal: AbortSignal) => Promise<void>): Component {
  return {
    name,
    async start(signal) {
      try {
        await work(signal);
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    },
  };
}
