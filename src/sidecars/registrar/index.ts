import { aborted, type Clock, errorMessage, type Logger } from '../../base/index.ts';
import type { Component } from '../../client/index.ts';
import {
  type CsiClient,
  connectRegistration,
  type Sockets,
  serveRegistration,
  waitForDriver,
} from '../../csi/index.ts';
import type { Host } from '../../host/index.ts';
import type { Answer } from '../http/index.ts';

export interface RegistrarOptions {
  /** The driver. It may start later than the registrar. */
  readonly csi: CsiClient;
  /** --kubelet-registration-path: the driver's endpoint as the kubelet reaches it. */
  readonly kubeletRegistrationPath: string;
  /** --plugin-registration-path: the kubelet's plugins_registry directory. */
  readonly pluginRegistrationPath: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Whether it ends, failed, when the kubelet refuses the driver, for somebody to start it again. @default false */
  readonly endWhenRefused?: boolean;
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
  const refused = Promise.withResolvers<never>();
  const server = await serveRegistration({
    socketPath: registrationSocket(options.pluginRegistrationPath, name),
    driverName: name,
    endpoint: options.kubeletRegistrationPath,
    clock,
    log,
    sockets,
    onStatus: ({ registered, error }) => {
      if (registered) return log.info('registered with the kubelet', { driver: name });
      log.error('the kubelet refused the registration', { driver: name, error });
      if (options.endWhenRefused)
        refused.reject(
          new Error(`Registration process failed with error, restarting registration container: ${error}`),
        );
    },
  });
  try {
    await Promise.race([aborted(signal), refused.promise]);
  } finally {
    await server.stop();
  }
}

function registrationSocket(pluginRegistrationPath: string, driver: string): string {
  return `${pluginRegistrationPath}/${driver}-reg.sock`;
}

export interface RegistrarHealthOptions extends Pick<RegistrarOptions, 'csi' | 'clock' | 'sockets'> {
  readonly pluginRegistrationPath: string;
  readonly files: Pick<Host['files'], 'stat'>;
  /** --timeout. @default 1000 */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 1_000;

/** What the registrar's /healthz says: whether its socket is there, and answers for the driver. */
export async function registrarHealth(options: RegistrarHealthOptions): Promise<Answer> {
  const { csi, clock, sockets, timeoutMs = TIMEOUT_MS } = options;
  const { name } = await csi.identity.getPluginInfo({}, { timeoutMs });
  const socket = registrationSocket(options.pluginRegistrationPath, name);
  if ((await options.files.stat(socket))?.kind !== 'socket')
    return { code: 404, body: 'registration socket does not exist' };
  const registration = connectRegistration(socket, { clock, timeoutMs, sockets });
  try {
    const info = await registration.getInfo({}, { waitForReady: true });
    return info.name === name
      ? { code: 200, body: 'ok' }
      : { code: 500, body: `invalid driver name ${info.name}` };
  } catch (error) {
    return { code: 500, body: `error getting info from node-registrar socket: ${errorMessage(error)}` };
  } finally {
    registration.close();
  }
}
