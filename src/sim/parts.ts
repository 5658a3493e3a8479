import type { UserInfo } from '../apiserver/index.ts';
import type { Component, ComponentContext } from '../client/index.ts';
import { controlPlane } from '../cluster/control-plane.ts';
import { openFlexVolumes } from '../cluster/flexvolume.ts';
import { KUBE_SCHEDULER } from '../cluster/identities.ts';
import { CONTROLLER_SIDECARS } from '../cluster/sidecars.ts';
import { nodeSocket } from '../cluster/socket-paths.ts';
import { type CsiClient, connectCsi, serveCsi } from '../csi/index.ts';
import { DISK_DRIVER, openDiskDriver } from '../drivers/disk/index.ts';
import { csiDrivers, isAlreadyExists } from '../kube/index.ts';
import { createAttacher } from '../sidecars/attacher/index.ts';
import { createHealthMonitor } from '../sidecars/health/index.ts';
import { createProvisioner } from '../sidecars/provisioner/index.ts';
import { createRegistrar } from '../sidecars/registrar/index.ts';
import { createResizer } from '../sidecars/resizer/index.ts';
import { createSnapshotter } from '../sidecars/snapshotter/index.ts';
import { pluginsRegistryDirectory } from '../volume/index.ts';
import { CONTROL } from './computer.ts';
import { NETWORK_DRIVER, networkController, networkNode } from './csi/network-driver.ts';
import { FLEX_DIRECTORY } from './flex/programs.ts';
import { LEASE_ENDS, LEASE_GIVEN_BACK } from './leadership.ts';
import { kubelet } from './node/kubelet.ts';
import type { Part, PartContext } from './part.ts';
import { CONTROLLER_SOCKET, nodeRootOf, POOL } from './paths.ts';
import type { Driver } from './sizes.ts';

export interface PartsOptions {
  readonly nodes: readonly string[];
  /** The node that has the disk driver's pool. */
  readonly poolNode: string;
  readonly drivers: readonly Driver[];
  /** The accounts of the controllers that run. @default all */
  readonly controllers?: ReadonlySet<string>;
  /** Claims come to ask for more, or for other attributes. @default false */
  readonly resizes?: boolean;
  /** @default false */
  readonly snapshots?: boolean;
  /** FlexVolume drivers are looked for. @default false */
  readonly flexVolumes?: boolean;
  /** Nodes attach what is attached to them, not the controller. @default false */
  readonly nodesAttach?: boolean;
  /** The scheduler asks for room. @default false */
  readonly tracksCapacity?: boolean;
  /** A health monitor runs beside the disk driver. @default false */
  readonly watchesHealth?: boolean;
}

/** The processes of the simulation. Add yours here. */
export function partsOf(options: PartsOptions): readonly Part[] {
  const { nodes, drivers, controllers } = options;
  const isScheduler = ({ name }: UserInfo) => name === KUBE_SCHEDULER.name;
  const isController = (user: UserInfo) => !isScheduler(user) && (controllers?.has(user.name) ?? true);
  const leaders: Part[] = [
    {
      name: 'controllers',
      computer: CONTROL,
      takeOverMs: LEASE_ENDS,
      start: plane(isController, options.flexVolumes),
    },
    { name: 'scheduler', computer: CONTROL, takeOverMs: LEASE_GIVEN_BACK, start: plane(isScheduler) },
  ];
  return [
    ...leaders,
    ...(drivers.includes('disk') ? diskParts(options) : []),
    ...(drivers.includes('network') ? networkParts(options) : []),
    ...nodes.map(
      (name): Part => ({
        name: `kubelet ${name}`,
        computer: name,
        start: (context) => runKubelet(context, name, options),
      }),
    ),
  ];
}

/** The pool is on one machine, and so is everything that serves it. */
function diskParts({ poolNode, resizes, snapshots, tracksCapacity, watchesHealth }: PartsOptions): Part[] {
  const parts = [
    ...sidecars('disk', poolNode, tracksCapacity),
    ...(resizes ? [sidecar('resizer', createResizer, 'disk', poolNode)] : []),
    ...(snapshots ? [sidecar('snapshotter', createSnapshotter, 'disk', poolNode)] : []),
    ...(watchesHealth ? [sidecar('health-monitor', createHealthMonitor, 'disk', poolNode)] : []),
  ];
  const registers = registrar('disk', poolNode);
  return [
    {
      name: 'disk-driver',
      computer: poolNode,
      start: (context) => diskDriver(context, poolNode, tracksCapacity),
    },
    ...parts,
    registers,
  ];
}

function networkParts({ nodes, tracksCapacity }: PartsOptions): Part[] {
  return [
    {
      name: 'network-driver',
      computer: CONTROL,
      start: (context) => networkDriver(context, nodes, tracksCapacity),
    },
    ...sidecars('network', CONTROL, tracksCapacity),
    ...nodes.flatMap((name): Part[] => [
      {
        name: `network-driver ${name}`,
        computer: name,
        start: (context) => networkPlugin(context, name),
      },
      registrar('network', name),
    ]),
  ];
}

const { inCluster } = CONTROLLER_SIDECARS.provisioner;

const DRIVER_NAMES: Readonly<Record<Driver, string>> = { disk: DISK_DRIVER, network: NETWORK_DRIVER };

function sidecars(driver: Driver, computer: string, tracksCapacity = false): Part[] {
  const provisioner: typeof createProvisioner = (components, options) =>
    createProvisioner(components, tracksCapacity ? { ...inCluster, ...options } : options);
  return [
    sidecar('provisioner', provisioner, driver, computer),
    sidecar('attacher', createAttacher, driver, computer),
  ];
}

function sidecar(
  name: string,
  create: (components: ComponentContext, options: { csi: CsiClient }) => Component,
  driver: Driver,
  computer: string,
): Part {
  return {
    name: `${name} ${driver}`,
    computer,
    takeOverMs: LEASE_ENDS,
    start(context) {
      const csi = connect(context, `unix://${CONTROLLER_SOCKET}`, driver);
      return run(context, [create(context.components, { csi })]);
    },
  };
}

/** Ends only when one of them fails. */
function run(context: PartContext, components: readonly { start(signal: AbortSignal): Promise<void> }[]) {
  // Processes are killed, never asked to end.
  const { signal } = new AbortController();
  void context.components.informers.start(signal);
  return Promise.all(components.map((component) => component.start(signal)));
}

function runKubelet(
  context: PartContext,
  name: string,
  { flexVolumes, nodesAttach = false }: PartsOptions,
): Promise<unknown> {
  const flex = flexVolumes ? lookForFlexVolumes(context) : undefined;
  const prober = flex?.volumes.forNode(context.components, nodeRootOf(name));
  const node = kubelet(context, name, { prober, enableControllerAttachDetach: !nodesAttach });
  return run(context, [...(flex?.components ?? []), node]);
}

function lookForFlexVolumes({ components, host }: PartContext) {
  const { clock, log } = components;
  const found: Component[] = [];
  const running = { start: (component: Component) => void found.push(component) };
  const volumes = openFlexVolumes(FLEX_DIRECTORY, { host, clock, log, running });
  return { volumes, components: found };
}

/** Only those that are to run in the process are made: each has its informers. */
function plane(mine: (user: UserInfo) => boolean, flexVolumes = false): Part['start'] {
  return (context) => {
    const flex = flexVolumes ? lookForFlexVolumes(context) : undefined;
    // Nobody in the simulation looks at certificates or tokens.
    const secrets = { rootCa: 'simulated', signSecretToken: async () => 'simulated' };
    const parts = controlPlane({
      ...secrets,
      get host() {
        return context.host;
      },
      flexVolumes: flex?.volumes,
    });
    const components = parts.filter(({ user }) => mine(user)).map(({ create }) => create(context.components));
    return run(context, [...(flex?.components ?? []), ...components]);
  };
}

async function diskDriver(context: PartContext, nodeName: string, storageCapacity = false): Promise<unknown> {
  const { components, host, sockets } = context;
  const { clock, log } = components;
  await ensureDriverObject(context, DISK_DRIVER, storageCapacity);
  const driver = await openDiskDriver({ pool: POOL, host, clock, log, sockets });
  const socket = nodeSocket(nodeRootOf(nodeName));
  await host.files.makeDirectory(directoryOf(socket), 0o750);
  await driver.serve(`unix://${socket}`, nodeName);
  await driver.serve(`unix://${CONTROLLER_SOCKET}`);
  return new Promise(() => {});
}

async function networkDriver(
  context: PartContext,
  nodeNames: readonly string[],
  storageCapacity = false,
): Promise<unknown> {
  const { components, sockets, process, dice, storage, faults } = context;
  const { clock, log } = components;
  await ensureDriverObject(context, NETWORK_DRIVER, storageCapacity);
  const at = <T>(work: () => T) => {
    const slow = faults.strikes('storage-slow') ? faults.dice('storage-slow').between(500, 120_000) : 0;
    return process.cross(dice.delay(5) + slow, work);
  };
  const services = networkController({ storage, nodeNames, at });
  await serveCsi({ endpoint: `unix://${CONTROLLER_SOCKET}`, clock, log, sockets, ...services });
  return new Promise(() => {});
}

async function networkPlugin(context: PartContext, nodeName: string): Promise<unknown> {
  const { components, host, sockets } = context;
  const { clock, log } = components;
  const socket = networkSocket(nodeName);
  await host.files.makeDirectory(directoryOf(socket), 0o750);
  await serveCsi({ endpoint: `unix://${socket}`, clock, log, sockets, ...networkNode(host, nodeName) });
  return new Promise(() => {});
}

function networkSocket(nodeName: string): string {
  return `${nodeRootOf(nodeName)}/plugins/${NETWORK_DRIVER}/csi.sock`;
}

function directoryOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

async function ensureDriverObject(
  { components }: PartContext,
  name: string,
  storageCapacity: boolean,
): Promise<void> {
  try {
    await components.client.create(csiDrivers, {
      metadata: { name },
      spec: {
        attachRequired: true,
        podInfoOnMount: false,
        storageCapacity,
        volumeLifecycleModes: ['Persistent'],
        fsGroupPolicy: 'File',
      },
    });
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
}

function connect({ components, sockets }: PartContext, endpoint: string, driver: Driver) {
  return connectCsi(endpoint, { clock: components.clock, driver: DRIVER_NAMES[driver], sockets });
}

function registrar(driver: Driver, nodeName: string): Part {
  const nodeRoot = nodeRootOf(nodeName);
  const socket = driver === 'disk' ? nodeSocket(nodeRoot) : networkSocket(nodeName);
  return {
    name: `registrar ${driver} ${nodeName}`,
    computer: nodeName,
    async start(context) {
      const { components, host, sockets } = context;
      const { clock, log } = components;
      const endpoint = `unix://${socket}`;
      const pluginRegistrationPath = pluginsRegistryDirectory(nodeRoot);
      await host.files.makeDirectory(pluginRegistrationPath, 0o750);
      const csi = connect(context, endpoint, driver);
      const kubeletRegistrationPath = endpoint;
      return run(context, [
        createRegistrar({ csi, kubeletRegistrationPath, pluginRegistrationPath, clock, log, sockets }),
      ]);
    },
  };
}
