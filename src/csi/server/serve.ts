import type { Clock, Logger } from '../../base/index.ts';
import { type Sockets, unixSockets } from '../sockets.ts';
import { driverRoutes } from './driver-routes.ts';
import type { SocketServer } from './grpc-server.ts';
import type { CsiServices } from './handlers.ts';

export interface ServeCsiOptions extends CsiServices {
  /** `unix:///path`, `unix:/path` or an absolute path. The parent directory must exist. */
  endpoint: string;
  clock: Clock;
  log: Logger;
  /** @default gRPC over Unix sockets */
  sockets?: Sockets | undefined;
}

/**
 * Serves a driver on a Unix socket. Resolves when it listens.
 *
 * Requests reach a handler only with the arguments that CSI requires, and none that the driver has no capability for
 * (else INVALID_ARGUMENT), and one at a time for each volume or snapshot (else ABORTED). Capabilities are derived from the handlers; see CsiServices for what
 * must be said besides. Each call is logged, failures at `warn`, others at `debug`, without secrets.
 * @throws Error if the driver contradicts itself (see driverRoutes) or the socket cannot be had (see placeSocket).
 */
export async function serveCsi(options: ServeCsiOptions): Promise<SocketServer> {
  const { endpoint, clock, log, sockets = unixSockets } = options;
  const server = await sockets.serve(endpoint, driverRoutes(options, { clock, log }), clock);
  log.info('CSI driver listens', { driver: options.identity.name, endpoint: server.endpoint });
  return server;
}
