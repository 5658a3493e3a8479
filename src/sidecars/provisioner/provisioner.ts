import { type Component, type ComponentContext, Informers } from '../../client/index.ts';
import { volumeReaches } from '../../kube/index.ts';
import { askDriver, type Driver, untilAnswered } from '../shared/driver.ts';
import { untilStopped } from '../shared/until-stopped.ts';
import { Accessibility } from './accessibility.ts';
import { CapacityPart } from './capacity/index.ts';
import { ClaimProvisioner } from './claim-provisioner.ts';
import { supportsTopology } from './driver.ts';
import { NodeArbiter, type NodeDeployment } from './node-arbiter.ts';
import { localNode, type NodesOfDriver, nodesOfCluster } from './nodes-of-driver.ts';
import { type Flags, flagsOf, type ProvisionerOptions } from './options.ts';
import { SourceProtection } from './source-protection.ts';
import { VolumeDeleter } from './volume-deleter.ts';
import { VolumeMaker } from './volume-maker.ts';
import { volumeMetrics } from './volume-metrics.ts';
import { observers, type VolumeObserver } from './volume-observer.ts';

/**
 * The external-provisioner of one driver: makes volumes for claims and deletes them when they are released. It waits
 * until the driver is there. Source: kubernetes-csi/external-provisioner 6.
 */
export function createProvisioner(context: ComponentContext, options: ProvisionerOptions): Component {
  const flags = flagsOf(options);
  return untilStopped('external-provisioner', (signal) => work(context, options, flags, signal));
}

async function work(
  context: ComponentContext,
  options: ProvisionerOptions,
  flags: Flags,
  signal: AbortSignal,
): Promise<void> {
  const { clock, log } = context;
  const { csi, driverName, metrics, capacity: capacityOptions } = options;
  const deployment = options.nodeDeployment && withDefaults(options.nodeDeployment);
  const driver = await askDriver(csi, { clock, log, signal, timeoutMs: flags.timeoutMs, driverName });
  const nodes = await nodesOf(context, options, driver, flags, signal);
  const accessibility = supportsTopology(driver)
    ? new Accessibility(driver.name, nodes, flags, context.random)
    : undefined;
  const capacity =
    capacityOptions &&
    new CapacityPart(context, {
      csi,
      driver: driver.name,
      capacity: capacityOptions,
      nodes,
      nodeName: deployment?.nodeName,
      flags,
      metrics,
    });
  const observer = observers(
    [metrics && volumeMetrics(metrics), capacity?.observer].filter(
      (one): one is VolumeObserver => one !== undefined,
    ),
  );
  const suffix = deployment ? `-${deployment.nodeName}` : '';
  const maker = new VolumeMaker(context, { csi, driver, flags, accessibility, suffix });
  const arbiter =
    deployment &&
    new NodeArbiter(context, {
      deployment,
      isAllowedHere: (claim, storageClass) =>
        !storageClass.allowedTopologies?.length ||
        !accessibility ||
        !('error' in accessibility.ask(claim, storageClass, deployment.nodeName)),
      hasRoom: (claim, storageClass, stopped) =>
        maker.hasRoomOn(deployment.nodeName, claim, storageClass, stopped),
    });
  const recorder = context.recorder(`${driver.name}_${context.random.uuid()}`);
  const local = deployment && nodes.node(deployment.nodeName);
  const claims = new ClaimProvisioner(context, { driver, flags, maker, arbiter, observer, recorder });
  const parts = [
    claims,
    new VolumeDeleter(context, {
      csi,
      driver,
      flags,
      recorder,
      observer,
      // A driver that says nothing of places reaches all of them.
      isReachable: (volume) =>
        !local || Object.keys(local.metadata?.labels ?? {}).length === 0 || volumeReaches(volume, local),
    }),
    new SourceProtection(context, {
      driver,
      workers: flags.cloningProtectionThreads,
      underWay: () => claims.underWay(),
    }),
  ];
  const informers = parts.flatMap((part) => part.informers);
  await Informers.synced(signal, ...informers, ...(accessibility ? Object.values(nodes.informers) : []));
  await Promise.all([...parts.map((part) => part.run(signal)), capacity?.run(signal)]);
}

/** The nodes that volumes are for. */
async function nodesOf(
  { informers, clock, log }: ComponentContext,
  { csi, nodeDeployment }: ProvisionerOptions,
  { name }: Driver,
  { timeoutMs }: Flags,
  signal: AbortSignal,
): Promise<NodesOfDriver> {
  if (!nodeDeployment) return nodesOfCluster(informers, name);
  const info = await untilAnswered('on which node it is', { clock, log, signal }, () =>
    csi.node.nodeGetInfo({}, { timeoutMs, signal }),
  );
  return localNode(name, nodeDeployment.nodeName, info);
}

function withDefaults(given: NodeDeployment): Required<NodeDeployment> {
  return { immediateBinding: true, baseDelayMs: 20_000, maxDelayMs: 60_000, ...given };
}
