import type { ComponentContext } from '../client/index.ts';
import { type CsiClient, connectCsi } from '../csi/index.ts';
import { createAttacher } from '../sidecars/attacher/index.ts';
import { createProvisioner } from '../sidecars/provisioner/index.ts';
import { createRegistrar } from '../sidecars/registrar/index.ts';
import { pluginsRegistryDirectory } from '../volume/index.ts';
import type { ContextOf } from './actors.ts';
import { CSI_ATTACHER, CSI_PROVISIONER } from './identities.ts';
import type { Running } from './running.ts';

/** A CSI driver that runs by itself. Its sockets may appear after the cluster is up, go, and come back. */
export interface ExternalDriver {
  /** Endpoint of its controller service. Without one nothing is provisioned or attached for it. */
  readonly controller?: string;
  /** Endpoint of its node service on each node that has one, by the node's name. */
  readonly nodes?: Readonly<Record<string, string>>;
}

export interface SidecarOptions {
  readonly endpoint: string;
  /** The driver's name, where it is known: for errors. */
  readonly driver?: string;
  readonly running: Running;
}

/** What runs beside a driver's controller. */
export async function startControllerSidecars(contextOf: ContextOf, options: SidecarOptions): Promise<void> {
  const csi = connect(await contextOf(CSI_PROVISIONER), options);
  await startSidecarsOf(contextOf, csi, options.running);
}

/** What runs beside the controller of a driver that is connected to already. */
export async function startSidecarsOf(contextOf: ContextOf, csi: CsiClient, running: Running): Promise<void> {
  const [provisioner, attacher] = await Promise.all([contextOf(CSI_PROVISIONER), contextOf(CSI_ATTACHER)]);
  running.start(createProvisioner(provisioner, { csi }));
  running.start(createAttacher(attacher, { csi }));
}

/**
 * What runs beside a driver's node service. To be started before the node, so that it ends after it: a node that stops
 * unmounts its volumes, for which the driver must still be registered.
 */
export function startNodeSidecars(
  context: ComponentContext,
  options: SidecarOptions & { readonly nodeRoot: string },
): void {
  const { clock, log } = context;
  options.running.start(
    createRegistrar({
      csi: connect(context, options),
      kubeletRegistrationPath: options.endpoint,
      pluginRegistrationPath: pluginsRegistryDirectory(options.nodeRoot),
      clock,
      log,
    }),
  );
}

function connect({ clock }: ComponentContext, { endpoint, driver, running }: SidecarOptions): CsiClient {
  const csi = connectCsi(endpoint, { clock, driver });
  running.onStop('CSI connection', async () => csi.close());
  return csi;
}
