import { type BackoffPolicy, backoffDelay, errorMessage, sleep } from '../base/index.ts';
import type { Component } from '../client/index.ts';
import { type CsiClient, connectCsi } from '../csi/index.ts';
import type { Host } from '../host/index.ts';
import type { CSIDriver } from '../kube/index.ts';
import { createRegistrar } from '../sidecars/registrar/index.ts';
import { pluginsRegistryDirectory } from '../volume/index.ts';
import type { ContextOf } from './actors.ts';
import { askFacts, type DriverFacts, isSameDriver } from './driver-facts.ts';
import { ensureDriverObject } from './driver-object.ts';
import { ADMINISTRATOR } from './identities.ts';
import { Running } from './running.ts';
import { CONTROLLER_SIDECARS, sidecarInCluster } from './sidecars.ts';
import { type ServerPki, snapshotMetadataInCluster } from './snapshot-metadata.ts';

/** Where a driver serves that runs by itself. */
export interface DriverEndpoint {
  readonly endpoint: string;
  /** The node that it belongs to. @default every node has it */
  readonly node?: string;
}

export interface ExternalDriverOptions {
  readonly endpoint: string;
  /** The plugins_registry directories of the nodes that are to have it, if it has a node service. */
  readonly registries: readonly string[];
  /** Which endpoint has the sidecars of a driver, by the driver's name: shared by all external drivers. */
  readonly served: Map<string, string>;
  /** Whether the sidecars of its controller run here. */
  readonly withSidecars: boolean;
  /** For the sidecar that clients reach by the network. */
  readonly pki: ServerPki;
}

interface StartOptions {
  /** The kubelet roots of the nodes, by name. */
  readonly nodeRoots: ReadonlyMap<string, string>;
  readonly host: Host;
  readonly running: Running;
  readonly withSidecars: boolean;
  readonly pki: ServerPki;
}

const BETWEEN_TRIES: BackoffPolicy = { initialMs: 100, maxMs: 10_000 };

/** To be started before the nodes, so that a node that stops still has its drivers to unmount volumes with. */
export async function startExternalDrivers(
  contextOf: ContextOf,
  drivers: readonly DriverEndpoint[],
  { nodeRoots, host, running, withSidecars, pki }: StartOptions,
): Promise<void> {
  const served = new Map<string, string>();
  const registryOf = new Map([...nodeRoots].map(([node, root]) => [node, pluginsRegistryDirectory(root)]));
  await Promise.all([...registryOf.values()].map((path) => host.files.makeDirectory(path, 0o750)));
  for (const { endpoint, node } of drivers) {
    const registries = node === undefined ? [...registryOf.values()] : [registryOf.get(node)!];
    running.start(createExternalDriver(contextOf, { endpoint, registries, served, withSidecars, pki }));
  }
}

/**
 * A CSI driver that somebody else runs: it gets a CSIDriver object, the sidecars that it calls for, and is registered
 * with nodes. It may start late, go and come back, also as one that can do other things. While it is gone nodes do not
 * have it, as when the pod of a driver is gone; the sidecars of its controller wait.
 */
export function createExternalDriver(contextOf: ContextOf, options: ExternalDriverOptions): Component {
  return {
    name: `CSI driver on ${options.endpoint}`,
    async start(signal) {
      const context = await contextOf(ADMINISTRATOR);
      const { clock } = context;
      const log = context.log.child({ endpoint: options.endpoint });
      const csi = connectCsi(options.endpoint, { clock });
      let sidecars: { driver: DriverFacts; running: Running } | undefined;
      try {
        for (let failures = 0; !signal.aborted; ) {
          const registrars = new Running(log);
          try {
            const driver = await askFacts(csi, { clock, log, signal });
            if (!sidecars || !isSameDriver(sidecars.driver, driver)) {
              log.info('the CSI driver is there', { driver: driver.name });
              await sidecars?.running.stop();
              await ensureDriverObject(context, driver.name, driverObjectSpec(driver));
              sidecars = { driver, running: await startSidecars(contextOf, csi, driver, options) };
            }
            for (const pluginRegistrationPath of driver.node ? options.registries : []) {
              const kubeletRegistrationPath = options.endpoint;
              registrars.start(
                createRegistrar({ csi, kubeletRegistrationPath, pluginRegistrationPath, clock, log }),
              );
            }
            failures = 0;
            await Promise.race([csi.lost(signal), registrars.failed, sidecars.running.failed]);
            if (!signal.aborted) log.warn('the CSI driver is gone', { driver: driver.name });
          } catch (error) {
            if (signal.aborted) break;
            log.warn('the CSI driver cannot be used; trying again', { error: errorMessage(error) });
            await sidecars?.running.stop();
            sidecars = undefined;
            await sleep(clock, backoffDelay(BETWEEN_TRIES, ++failures), signal).catch(() => undefined);
          } finally {
            await registrars.stop();
          }
        }
      } finally {
        await sidecars?.running.stop();
        csi.close();
      }
    },
  };
}

/** The sidecars of its controller, unless another endpoint of the same driver has them. */
async function startSidecars(
  contextOf: ContextOf,
  csi: CsiClient,
  driver: DriverFacts,
  { endpoint, served, withSidecars, pki }: ExternalDriverOptions,
): Promise<Running> {
  const { log } = await contextOf(ADMINISTRATOR);
  const running = new Running(log);
  const isElsewhere = (served.get(driver.name) ?? endpoint) !== endpoint;
  if (!withSidecars || isElsewhere || !driver.services.has('CONTROLLER_SERVICE')) return running;
  served.set(driver.name, endpoint);
  running.onStop('ownership', async () => void served.delete(driver.name));
  for (const sidecar of Object.values(CONTROLLER_SIDECARS))
    if (sidecar.isFor(driver)) running.start(await sidecarInCluster(sidecar, contextOf, csi));
  if (driver.services.has('SNAPSHOT_METADATA_SERVICE'))
    running.start(await snapshotMetadataInCluster(contextOf, csi, pki));
  return running;
}

/**
 * What the driver's answers say of its CSIDriver object. The rest is as the API server has it by default: a driver that
 * needs it otherwise brings an object of its own.
 */
export function driverObjectSpec({ services, controller }: DriverFacts): NonNullable<CSIDriver['spec']> {
  return {
    attachRequired: controller.has('PUBLISH_UNPUBLISH_VOLUME'),
    // CSI has no word for inline volumes; without a controller a driver cannot make others.
    volumeLifecycleModes: services.has('CONTROLLER_SERVICE') ? ['Persistent'] : ['Persistent', 'Ephemeral'],
  };
}
