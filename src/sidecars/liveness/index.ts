import type { Metrics } from '../../base/index.ts';
import type { Component } from '../../client/index.ts';
import type { CsiClient } from '../../csi/index.ts';
import { type Answer, createDiagnosticsServer, metricsRoute, type Routes } from '../http/index.ts';

export interface LivenessProbeOptions {
  readonly csi: CsiClient;
  /** --http-endpoint, or every address with --health-port. */
  readonly address: string;
  /** --probe-timeout. @default 3000 */
  readonly probeTimeoutMs?: number;
  /** Served at --metrics-path. @default none are */
  readonly metrics?: { readonly metrics: Metrics; readonly path: string };
  /** Told the driver's name once it answers. */
  readonly onDriver?: (name: string) => void;
  /** Told the address once requests are taken. */
  readonly onListen?: (address: string) => void;
}

const PROBE_TIMEOUT_MS = 3_000;

/**
 * The livenessprobe: /healthz is as well as the driver says that it is. Until the driver has said who it is nothing
 * listens. Source: kubernetes-csi/livenessprobe.
 */
export function createLivenessProbe(options: LivenessProbeOptions): Component {
  const { csi, address, metrics, onDriver, onListen } = options;
  const routes: Routes = {
    '/healthz': () => probe(csi, options.probeTimeoutMs ?? PROBE_TIMEOUT_MS),
    ...(metrics && { [metrics.path]: metricsRoute(metrics.metrics) }),
  };
  return {
    name: 'livenessprobe',
    async start(signal) {
      try {
        const call = { signal, timeoutMs: Infinity, waitForReady: true };
        const { name } = await csi.identity.getPluginInfo({}, call);
        onDriver?.(name);
        await createDiagnosticsServer({ address, routes, onListen }).start(signal);
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    },
  };
}

async function probe(csi: CsiClient, timeoutMs: number): Promise<Answer> {
  const { ready } = await csi.identity.probe({}, { timeoutMs, waitForReady: true });
  // Absent means ready.
  return ready === false
    ? { code: 500, body: 'driver responded but is not ready' }
    : { code: 200, body: 'ok' };
}
