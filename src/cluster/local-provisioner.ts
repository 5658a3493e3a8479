import { type Logger, Metrics } from '../base/index.ts';
import type { HttpConnection } from '../client/http/index.ts';
import type { Host } from '../host/index.ts';
import { createMachineHost } from '../host/rootless/index.ts';
import { createDiagnosticsServer, metricsRoute } from '../sidecars/http/index.ts';
import type { ContextOf } from './actors.ts';
import { LOCAL_PROVISIONER } from './identities.ts';
import { nameOfNode } from './names.ts';
import type { Running } from './running.ts';
import { openStandalone, type Standalone } from './standalone.ts';

/** The local volumes of a node of this machine. */
export interface LocalVolumes {
  /** What the provisioner is configured by: a file, or the directory of a mounted ConfigMap. */
  readonly config: string;
  /** @default node-1: two nodes must not both give out one disk */
  readonly node?: string;
}

/** Who is to offer what: started after the nodes, whose names and labels the volumes have. */
export async function startLocalProvisioners(
  contextOf: ContextOf,
  volumes: readonly LocalVolumes[],
  { host, running }: { readonly host: Host; readonly running: Running },
): Promise<void> {
  if (volumes.length === 0) return;
  const { createLocalProvisioner, readConfig } = await import('../drivers/local/index.ts');
  const context = await contextOf(LOCAL_PROVISIONER);
  for (const { config, node = nameOfNode(1) } of volumes) {
    const read = () => readConfig(config, host.files);
    // A bad one is told of before anything waits for it.
    await read();
    running.start(createLocalProvisioner(context, { host, nodeName: node, readConfig: read }));
  }
}

export interface StandaloneLocalProvisionerOptions {
  readonly connection: HttpConnection;
  readonly log: Logger;
  readonly config: string;
  readonly nodeName: string;
  readonly discoveryPeriodMs: number;
  readonly configSyncPeriodMs: number;
  readonly jobNamespace: string;
  readonly jobImage: string | undefined;
  /** Where /ready and metrics are served. @default nowhere */
  readonly listenAddress: string | undefined;
  readonly metricsPath: string;
}

/** The provisioner of a node in a process of its own, on any cluster. */
export async function startStandaloneLocalProvisioner(
  options: StandaloneLocalProvisionerOptions,
): Promise<Standalone> {
  const { connection, log, config, listenAddress } = options;
  const { createLocalProvisioner, readConfig } = await import('../drivers/local/index.ts');
  const standalone = openStandalone({ connection, log, userAgent: 'local-volume-provisioner' });
  const { clock, running, contextOf } = standalone;
  try {
    const host = createMachineHost({ clock });
    const readNow = () => readConfig(config, host.files);
    await readNow();
    const metrics = new Metrics();
    const provisioner = createLocalProvisioner(await contextOf(LOCAL_PROVISIONER), {
      ...options,
      host,
      readConfig: readNow,
      metrics,
    });
    if (listenAddress !== undefined) {
      const ready = () => {
        const problem = provisioner.unready();
        return problem === undefined ? { code: 200, body: 'ok' } : { code: 500, body: `${problem}\n` };
      };
      const routes = { '/ready': ready, [options.metricsPath]: metricsRoute(metrics) };
      running.start(createDiagnosticsServer({ address: listenAddress, routes }));
    }
    running.start(provisioner);
    return standalone;
  } catch (error) {
    await running.stop().catch(() => undefined);
    throw error;
  }
}
