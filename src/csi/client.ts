import type { Clock } from '../base/index.ts';
import type { Channel } from './channel.ts';
import { type CallRecord, type ServiceClient, serviceClient } from './service-client.ts';
import { CSI_SERVICE_NAMES, CSI_SERVICES, type CsiServiceName } from './services.ts';
import { type Sockets, unixSockets } from './sockets.ts';

/** A driver, as its callers see it: one group of methods for each service. Calls fail with CsiError. */
export type CsiClient = {
  readonly [Name in CsiServiceName]: ServiceClient<(typeof CSI_SERVICES)[Name]>;
} & {
  /** For messages to people: `unix:///run/csi.sock`, or `memory:`. */
  readonly endpoint: string;
  /** Resolves when the driver is no longer connected, or the signal aborts; at once when it is not connected now. */
  lost(signal: AbortSignal): Promise<void>;
  /** Pending and later calls fail with CANCELLED. */
  close(): void;
  [Symbol.dispose](): void;
};

export interface CsiClientOptions {
  clock: Clock;
  /** The driver's name if it is known; errors then say it in place of the socket. */
  driver?: string | undefined;
  /** Milliseconds for calls that do not say; `Infinity`: no limit. @default 15000, as the sidecars' --timeout */
  timeoutMs?: number | undefined;
  /** Hears of every call that ended, for metrics and traces. */
  onCall?: ((call: CallRecord) => void) | undefined;
}

export const DEFAULT_TIMEOUT_MS = 15_000;

/**
 * A client of the driver on a Unix socket: `unix:///path`, `unix:/path` or an absolute path. It returns at once
 * and connects with the first call; a driver that starts late or again is found within a second. Until then
 * calls fail with UNAVAILABLE or, with `waitForReady`, wait.
 * @throws Error if the endpoint is not such an address.
 */
export function connectCsi(endpoint: string, options: CsiClientOptions & { sockets?: Sockets }): CsiClient {
  return csiClient((options.sockets ?? unixSockets).channel(endpoint, options.clock), options);
}

/** A CSI client over any channel. */
export function csiClient(channel: Channel, options: CsiClientOptions): CsiClient {
  const shared = { ...options, timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS };
  const services = Object.fromEntries(
    CSI_SERVICE_NAMES.map((name) => [name, serviceClient(CSI_SERVICES[name], channel, shared)]),
  );
  const { endpoint } = channel;
  const lost = (signal: AbortSignal) => channel.lost(signal);
  const close = () => channel.close();
  return { ...services, endpoint, lost, close, [Symbol.dispose]: close } as unknown as CsiClient;
}
