import type { Clock } from '../base/index.ts';
import { parseEndpoint } from './endpoint.ts';
import { memoryChannel } from './memory-channel.ts';
import type { Routes } from './server/router.ts';
import type { Sockets } from './sockets.ts';

/** The names of sockets in the file system of a simulated machine, by which they are found. */
export interface SocketFiles {
  place(path: string): void;
  remove(path: string): void;
}

/** The Unix sockets of a simulated machine: as unixSockets, but in memory. A second server on an endpoint takes it over. */
export function memorySockets(files: SocketFiles): Sockets {
  const listening = new Map<string, { routes: Routes; stopped: AbortController }>();
  const waiting = new Map<string, PromiseWithResolvers<void>>();
  const starting = (path: string): PromiseWithResolvers<void> => {
    const known = waiting.get(path) ?? Promise.withResolvers<void>();
    waiting.set(path, known);
    return known;
  };
  return {
    async serve(endpoint, routes) {
      const path = parseEndpoint(endpoint);
      const stopped = new AbortController();
      listening.get(path)?.stopped.abort();
      listening.set(path, { routes, stopped });
      files.remove(path);
      files.place(path);
      waiting.get(path)?.resolve();
      waiting.delete(path);
      const stop = async () => {
        stopped.abort();
        if (listening.get(path)?.stopped !== stopped) return;
        listening.delete(path);
        files.remove(path);
      };
      return { endpoint: `unix://${path}`, socketPath: path, stop, [Symbol.asyncDispose]: stop };
    },
    channel(endpoint, clock: Clock) {
      const path = parseEndpoint(endpoint);
      const running = () => {
        const found = listening.get(path);
        return found && { routes: found.routes, stopped: found.stopped.signal };
      };
      const channel = memoryChannel({ running, started: () => starting(path).promise }, clock);
      return { ...channel, endpoint: `unix://${path}` };
    },
  };
}
