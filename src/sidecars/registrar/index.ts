import { aborted, type Clock, type Logger } from '../../base/index.ts';
import type { Component } from '../../client/index.ts';
import { type CsiClient, type Sockets, serveRegistration, waitForDriver } from '../../csi/index.ts';

export interface RegistrarOptions {
  /** The driver. It may start later than the registrar. */
  readonly csi: CsiClient;
  /** --kubelet-registration-path: the driver's endpoint as the kubelet reaches it. */
  readonly kubeletRegistrationPath: string;
  /** --plugin-registration-path: the kubelet's plugins_registry directory. */
  readonly pluginRegistrationPath: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** @default gRPC over Unix sockets */
  readonly sockets?: Sockets;
}

/**
 * The node-driver-registrar: tells the kubelet of a CSI driver through a socket `DRIVER-reg.sock` in plugins_registry,
 * which goes when the registrar ends.
 */
export function createRegistrar(options: RegistrarOptions): Component {
  return { name: 'node-driver-registrar', start: (signal) => start(options, signal) };
}

async function start(options: RegistrarOptions, signal: AbortSignal): Promise<void> {
  const { csi, clock, log, sockets } = options;
  await waitForDriver(csi, { clock, signal });
  const { name } = await csi.identity.getPluginInfo({}, { signal });
  const server = await serveRegistration({
    socketPath: `${options.pluginRegistrationPath}/${name}-reg.sock`,
    driverName: name,
    endpoint: options.kubeletRegistrationPath,
    clock,
    log,
    sockets,
    onStatus: ({ registered, error }) => {
      if (registered) log.info('registered with the kubelet', { driver: name });
      else log.error('the kubelet refused the registration', { driver: name, error });
    },
  });
  try {
    await aborted(signal);
  } finally {
    await server.stop();
  }
}
