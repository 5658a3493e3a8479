import { errorMessage, Metrics, sleep } from '../../base/index.ts';
import type { Component, ComponentContext } from '../../client/index.ts';
import {
  type CsiClient,
  createRoutes,
  HealthService,
  pluginCapabilities,
  type ServerKeyPair,
  serveTls,
  snapshotMetadataApi,
  type TlsDemands,
  type TlsServer,
  waitForDriver,
} from '../../csi/index.ts';
import { untilAnswered } from '../shared/driver.ts';
import { streamMetrics } from './metrics.ts';
import { snapshotMetadataHandlers } from './service.ts';

/** Flags of upstream's csi-snapshot-metadata; durations are milliseconds. */
export interface SnapshotMetadataOptions {
  readonly csi: CsiClient;
  /** Where it listens; `::` is every address, port 0 takes a free one. */
  readonly listen: { readonly host: string; readonly port: number };
  /** Its certificate and key; asked for again and again, so that they can be renewed. */
  keyPair(): Promise<ServerKeyPair>;
  /** --tls-min-version, --tls-cipher-suites, --tls-curve-preferences. @default Node's */
  readonly tls?: TlsDemands | undefined;
  /** --audience. @default what the driver's SnapshotMetadataService says */
  readonly audience?: string | undefined;
  /** --timeout, for short questions to the driver. @default 60000 */
  readonly timeoutMs?: number;
  /** --max-streaming-duration-min. @default 600000 */
  readonly maxStreamMs?: number;
  /** @default they are not served */
  readonly metrics?: Metrics;
  /** Told the driver's name and the port once requests are taken. */
  readonly onListen?: (driver: string, port: number) => Promise<void> | void;
}

/** Upstream's watcher sees changes at once; a certificate is valid long enough for this. */
const KEY_PAIR_PERIOD_MS = 10_000;

/** It, and whether it serves: /health says so. */
export interface SnapshotMetadataComponent extends Component {
  isReady(): boolean;
}

/**
 * The csi-snapshot-metadata sidecar: tells backup programs which blocks of a snapshot have data, and which differ between
 * two, by gRPC over TLS. While the driver is gone it is not ready.
 */
export function createSnapshotMetadata(
  context: ComponentContext,
  options: SnapshotMetadataOptions,
): SnapshotMetadataComponent {
  const { client, clock, log } = context;
  const { csi, timeoutMs = 60_000, maxStreamMs = 600_000, audience, onListen } = options;
  const health = new HealthService();

  const serve = (driver: string, keyPair: ServerKeyPair): Promise<TlsServer> => {
    const handlers = snapshotMetadataHandlers({
      client,
      csi,
      clock,
      driver,
      audience,
      maxStreamMs,
      isReady: () => health.isServing,
      startStream: streamMetrics(options.metrics ?? new Metrics(), clock, () => driver),
    });
    const bindings = [{ service: snapshotMetadataApi.SnapshotMetadata, handlers }, health.binding];
    return serveTls(createRoutes(bindings, { clock, log }), {
      ...options.listen,
      keyPair,
      demands: options.tls,
      clock,
    });
  };

  /** @throws Error when the driver has no such service, or is another one than before. */
  const followDriver = async (driver: string, signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      const { name, services } = await untilAnswered('what it can do', { clock, log, signal }, async () => {
        await waitForDriver(csi, { clock, signal });
        const call = { timeoutMs, signal };
        const info = await csi.identity.getPluginInfo({}, call);
        return { name: info.name, services: (await pluginCapabilities(csi, call)).services };
      });
      if (name !== driver) throw new Error(`CSI driver ${driver} came back as ${name}: start again`);
      if (!services.has('SNAPSHOT_METADATA_SERVICE'))
        throw new Error(`CSI driver ${driver} does not support the SNAPSHOT_METADATA_SERVICE`);
      health.isServing = true;
      await csi.lost(signal);
      health.isServing = false;
    }
  };

  const renewKeyPair = async (
    server: TlsServer,
    first: ServerKeyPair,
    signal: AbortSignal,
  ): Promise<void> => {
    let known = JSON.stringify(first);
    while (true) {
      await sleep(clock, KEY_PAIR_PERIOD_MS, signal);
      try {
        const pair = await options.keyPair();
        if (JSON.stringify(pair) === known) continue;
        server.setKeyPair(pair);
        known = JSON.stringify(pair);
        log.info('serving with a new certificate');
      } catch (error) {
        log.warn('the certificate cannot be renewed; keeping the former one', { error: errorMessage(error) });
      }
    }
  };

  return {
    name: 'csi-snapshot-metadata',
    isReady: () => health.isServing,
    async start(signal) {
      try {
        const { name: driver } = await untilAnswered('its name', { clock, log, signal }, () =>
          csi.identity.getPluginInfo({}, { timeoutMs, signal, waitForReady: true }),
        );
        const keyPair = await options.keyPair();
        const server = await serve(driver, keyPair);
        const over = new AbortController();
        const stop = AbortSignal.any([signal, over.signal]);
        try {
          await onListen?.(driver, server.port);
          await Promise.race([followDriver(driver, stop), renewKeyPair(server, keyPair, stop)]);
        } finally {
          over.abort();
          health.isServing = false;
          await server.stop();
        }
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    },
  };
}
