import type { UserInfo } from '../apiserver/index.ts';
import type { Metrics } from '../base/index.ts';
import type { Component, ComponentContext } from '../client/index.ts';
import { type CsiClient, connectCsi } from '../csi/index.ts';
import { createAttacher } from '../sidecars/attacher/index.ts';
import { createHealthMonitor, tellsConditions } from '../sidecars/health/index.ts';
import { createProvisioner, type ProvisionerOptions } from '../sidecars/provisioner/index.ts';
import { createRegistrar } from '../sidecars/registrar/index.ts';
import { createResizer } from '../sidecars/resizer/index.ts';
import type { Driver } from '../sidecars/shared/driver.ts';
import { createSnapshotter } from '../sidecars/snapshotter/index.ts';
import { pluginsRegistryDirectory } from '../volume/index.ts';
import type { ContextOf } from './actors.ts';
import {
  CSI_ATTACHER,
  CSI_HEALTH_MONITOR,
  CSI_PROVISIONER,
  CSI_RESIZER,
  CSI_SNAPSHOTTER,
} from './identities.ts';
import type { Running } from './running.ts';

/** What runs beside a driver's controller. */
export interface ControllerSidecar {
  readonly user: UserInfo;
  /** The Lease that one of its kind must hold to work, as its upstream twin names it. */
  lease(driver: string): string;
  /** Whether a driver that can do so much calls for it. */
  isFor(driver: Driver): boolean;
  create(context: ComponentContext, options: { csi: CsiClient; metrics?: Metrics }): Component;
  /** Further options where it runs beside the API server. */
  readonly inCluster?: object;
}

/** By the names that `stowage sidecar` knows them by. */
export const CONTROLLER_SIDECARS = {
  provisioner: {
    user: CSI_PROVISIONER,
    lease: (driver) => driver,
    isFor: ({ controller }) => controller.has('CREATE_DELETE_VOLUME'),
    create: createProvisioner,
    inCluster: {
      capacity: { namespace: 'kube-system', onlyIfTracked: true },
      // As most drivers are deployed: some make names of it.
      extraCreateMetadata: true,
    } satisfies Partial<ProvisionerOptions>,
  },
  attacher: {
    user: CSI_ATTACHER,
    lease: (driver) => `external-attacher-leader-${driver}`,
    // What a driver without ControllerPublishVolume need not do must be said to be done all the same.
    isFor: () => true,
    create: createAttacher,
  },
  resizer: {
    user: CSI_RESIZER,
    lease: (driver) => `external-resizer-${driver}`,
    // Volumes may grow on their nodes alone, which only the nodes' side of the driver can tell.
    isFor: () => true,
    create: createResizer,
  },
  snapshotter: {
    user: CSI_SNAPSHOTTER,
    lease: (driver) => `external-snapshotter-leader-${driver}`,
    isFor: ({ controller }) => controller.has('CREATE_DELETE_SNAPSHOT'),
    create: createSnapshotter,
  },
  'health-monitor': {
    user: CSI_HEALTH_MONITOR,
    lease: (driver) => `external-health-monitor-leader-${driver}`,
    isFor: tellsConditions,
    create: createHealthMonitor,
  },
} as const satisfies Readonly<Record<string, ControllerSidecar>>;

export interface SidecarOptions {
  readonly endpoint: string;
  /** The driver's name, where it is known: for errors. */
  readonly driver?: string;
  readonly running: Running;
}

/** One of them, beside the API server. */
export async function sidecarInCluster(
  { user, create, inCluster }: ControllerSidecar,
  contextOf: ContextOf,
  csi: CsiClient,
): Promise<Component> {
  return create(await contextOf(user), { ...inCluster, csi });
}

/** What runs beside the controller of a driver of ours. Returns their client of the driver. */
export async function startControllerSidecars(
  contextOf: ContextOf,
  options: SidecarOptions,
): Promise<CsiClient> {
  const csi = connect(await contextOf(CSI_PROVISIONER), options);
  await startSidecarsOf(contextOf, csi, options.running);
  return csi;
}

/** What runs beside the controller of a driver of ours that is connected to already. */
export async function startSidecarsOf(contextOf: ContextOf, csi: CsiClient, running: Running): Promise<void> {
  for (const sidecar of Object.values(CONTROLLER_SIDECARS))
    running.start(await sidecarInCluster(sidecar, contextOf, csi));
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
