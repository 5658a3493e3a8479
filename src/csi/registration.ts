import type { Clock, Logger } from '../base/index.ts';
import { DEFAULT_TIMEOUT_MS } from './client.ts';
import { parseEndpoint } from './endpoint.ts';
import { Registration, type RegistrationStatus } from './generated/registration_pb.js';
import type { SocketServer } from './server/grpc-server.ts';
import type { Handlers } from './server/handlers.ts';
import { createRoutes } from './server/router.ts';
import { type ServiceClient, serviceClient } from './service-client.ts';
import { type Sockets, unixSockets } from './sockets.ts';

/** PluginInfo.type of a CSI driver. Source: k8s.io/kubelet, pluginregistration/v1. */
export const CSI_PLUGIN_TYPE = 'CSIPlugin';

export interface ServeRegistrationOptions {
  /** In the kubelet's plugins_registry directory, `<driver>-reg.sock` by custom. */
  socketPath: string;
  driverName: string;
  /** The driver's own socket as the kubelet sees it. */
  endpoint: string;
  /** Versions of CSI as the kubelet compares them. @default ['1.0.0'], as node-driver-registrar */
  supportedVersions?: readonly string[];
  /** What the kubelet made of it: registered, or why not. */
  onStatus(status: { registered: boolean; error: string }): void;
  clock: Clock;
  log: Logger;
  /** @default gRPC over Unix sockets */
  sockets?: Sockets | undefined;
}

/**
 * Offers a driver to the kubelet: the plugin's side of the kubelet's plugin registration.
 * @throws Error as serveCsi for the socket.
 */
export async function serveRegistration(options: ServeRegistrationOptions): Promise<SocketServer> {
  const { clock, log, sockets = unixSockets } = options;
  const info = {
    type: CSI_PLUGIN_TYPE,
    name: options.driverName,
    endpoint: parseEndpoint(options.endpoint), // the kubelet takes a path
    supportedVersions: [...(options.supportedVersions ?? ['1.0.0'])],
  };
  const handlers: Handlers<typeof Registration> = {
    getInfo: () => info,
    notifyRegistrationStatus(status: RegistrationStatus) {
      options.onStatus({ registered: status.pluginRegistered, error: status.error });
      return {};
    },
  };
  const routes = createRoutes([{ service: Registration, handlers }], { clock, log });
  return await sockets.serve(options.socketPath, routes, clock);
}

/** The kubelet's side: asks a plugin who it is and tells it the outcome. Calls fail with CsiError. */
export interface RegistrationClient extends ServiceClient<typeof Registration> {
  close(): void;
  [Symbol.dispose](): void;
}

/** Connects to a registration socket, as connectCsi does to a driver. */
export function connectRegistration(
  socketPath: string,
  options: { clock: Clock; timeoutMs?: number | undefined; sockets?: Sockets | undefined },
): RegistrationClient {
  const channel = (options.sockets ?? unixSockets).channel(socketPath, options.clock);
  const methods = serviceClient(Registration, channel, {
    clock: options.clock,
    timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
  });
  const close = () => channel.close();
  return { ...methods, close, [Symbol.dispose]: close };
}
