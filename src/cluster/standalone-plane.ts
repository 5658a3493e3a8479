import type { Logger, Metrics } from '../base/index.ts';
import type { HttpConnection } from '../client/http/index.ts';
import type { Component, RateLimit } from '../client/index.ts';
import { createDiagnosticsServer, metricsRoute } from '../sidecars/http/index.ts';
import type { Part } from './actors.ts';
import { openStandalone, type Standalone } from './standalone.ts';
import { type LeaderElectionOptions, underLease } from './under-lease.ts';

export interface StandalonePlaneOptions {
  readonly connection: HttpConnection;
  /** Who it is to the server: kube-controller-manager, kube-scheduler. */
  readonly userAgent: string;
  readonly parts: readonly Part[];
  readonly log: Logger;
  readonly limit?: RateLimit | undefined;
  /** One Lease for all parts. @default none: there must be one such process only */
  readonly leaderElection?: (LeaderElectionOptions & { readonly lease: string }) | undefined;
  /** What is served as /metrics beside /healthz. @default nothing */
  readonly metrics?: Metrics | undefined;
  /** Where /healthz is served. @default nowhere */
  readonly healthAddress?: string | undefined;
}

/** Parts of the control plane in a process of their own, on any API server. */
export async function startStandalonePlane(options: StandalonePlaneOptions): Promise<Standalone> {
  const { leaderElection, healthAddress, parts } = options;
  const standalone = openStandalone(options);
  const { running, contextOf, client } = standalone;
  const all = together(
    options.userAgent,
    await Promise.all(parts.map(async ({ user, create }) => create(await contextOf(user)))),
  );
  const context = await contextOf(parts[0]!.user);
  const led = leaderElection && underLease(context, all, leaderElection.lease, { ...leaderElection, client });
  if (healthAddress !== undefined) {
    const health = () => led?.health() ?? { code: 200, body: 'ok' };
    const routes = {
      '/healthz': health,
      ...(options.metrics && { '/metrics': metricsRoute(options.metrics) }),
    };
    running.start(createDiagnosticsServer({ address: healthAddress, routes }));
  }
  running.start(led ?? all);
  return standalone;
}

/** Several components as one: it ends when one of them fails, and not before all have ended. */
function together(name: string, components: readonly Component[]): Component {
  return {
    name,
    async start(signal) {
      const over = new AbortController();
      const stop = AbortSignal.any([signal, over.signal]);
      const parts = components.map((component) => component.start(stop));
      try {
        await Promise.all(parts);
      } finally {
        over.abort();
        await Promise.allSettled(parts);
      }
    },
  };
}
