import type { Clock, Logger } from '../base/index.ts';
import { type CsiClient, type CsiClientOptions, csiClient } from './client.ts';
import { type MemoryServer, memoryChannel } from './memory-channel.ts';
import { driverRoutes } from './server/driver-routes.ts';
import type { CsiServices } from './server/handlers.ts';
import type { Routes } from './server/router.ts';

/** A driver that is served in memory. */
export interface InMemoryDriver {
  /** A new client. All clients of a driver meet in its one-operation-per-volume rule. */
  connect(options?: Omit<CsiClientOptions, 'clock'>): CsiClient;
  /** As if the process died: running calls and later ones fail with UNAVAILABLE, handlers see their signal abort. */
  stop(): void;
  /** As if it was started again, with other services perhaps: clients find it, what waits for it goes on. */
  start(services?: CsiServices): void;
}

/**
 * Serves a driver in memory: the same checks, locks, errors and log lines as serveCsi, no socket.
 * With a simulated clock the deadlines are simulated, too.
 * @throws Error as serveCsi, but for the socket.
 */
export function serveInMemory(services: CsiServices, options: { clock: Clock; log: Logger }): InMemoryDriver {
  let up: { routes: Routes; stopped: AbortController } | undefined;
  let starting = Promise.withResolvers<void>();
  const server: MemoryServer = {
    running: () => up && { routes: up.routes, stopped: up.stopped.signal },
    started: () => starting.promise,
  };
  const driver: InMemoryDriver = {
    connect: (client) =>
      csiClient(memoryChannel(server, options.clock), {
        clock: options.clock,
        driver: services.identity.name,
        ...client,
      }),
    stop() {
      const stopped = up?.stopped;
      up = undefined;
      stopped?.abort();
    },
    start(next = services) {
      const routes = driverRoutes(next, options);
      driver.stop();
      up = { routes, stopped: new AbortController() };
      starting.resolve();
      starting = Promise.withResolvers();
    },
  };
  driver.start();
  return driver;
}

/** serveInMemory for one client. */
export function connectInMemory(
  services: CsiServices,
  options: CsiClientOptions & { log: Logger },
): CsiClient {
  return serveInMemory(services, options).connect(options);
}
