import type { Clock } from '../base/index.ts';
import type { Channel } from './channel.ts';
import { grpcChannel } from './grpc-channel.ts';
import { type SocketServer, serveRoutes } from './server/grpc-server.ts';
import type { Routes } from './server/router.ts';

/** How drivers are served and reached by their endpoints. The simulation has sockets of its own. */
export interface Sockets {
  /** Serves routes on an endpoint. Resolves when it listens. */
  serve(endpoint: string, routes: Routes, clock: Clock): Promise<SocketServer>;
  /** A channel to whatever is served on the endpoint, now or later. Returns at once. */
  channel(endpoint: string, clock: Clock): Channel;
}

/** gRPC over Unix sockets. */
export const unixSockets: Sockets = { serve: serveRoutes, channel: grpcChannel };
