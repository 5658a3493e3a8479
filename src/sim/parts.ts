import { controlPlane } from '../cluster/control-plane.ts';
import { nodeSocket } from '../cluster/socket-paths.ts';
import { connectCsi } from '../csi/index.ts';
import { DISK_DRIVER, openDiskDriver } from '../drivers/disk/index.ts';
import { csiDrivers, isAlreadyExists } from '../kube/index.ts';
import { createNode } from '../node/index.ts';
import { createPluginManager } from '../node/plugin-manager/index.ts';
import { createVolumeManager } from '../node/volume-manager/index.ts';
import { createAttacher } from '../sidecars/attacher/index.ts';
import { createProvisioner } from '../sidecars/provisioner/index.ts';
import { createRegistrar } from '../sidecars/registrar/index.ts';
import { createPluginRegistry, pluginsRegistryDirectory } from '../volume/index.ts';
import { createConfigMapPlugin } from '../volume/plugins/config-map/index.ts';
import { CsiDrivers, createCsiPlugin } from '../volume/plugins/csi/index.ts';
import { createEmptyDirPlugin } from '../volume/plugins/empty-dir/index.ts';
import { createHostPathPlugin } from '../volume/plugins/host-path/index.ts';
import { createSecretPlugin } from '../volume/plugins/secret/index.ts';
import { createSimRuntime } from './node/sim-runtime.ts';
import type { Part, PartContext } from './part.ts';
import { CONTROLLER_SOCKET, nodeRootOf, POOL } from './paths.ts';

/** The processes of the simulation. Add yours here. */
export function partsOf(nodeNames: readonly string[]): readonly Part[] {
  return [
    { name: 'controllers', onMachine: false, mayDouble: true, start: controllers },
    { name: 'scheduler', onMachine: false, mayDouble: false, start: scheduler },
    {
      name: 'disk-driver',
      onMachine: true,
      mayDouble: false,
      start: (context) => diskDriver(context, nodeNames),
    },
    { name: 'provisioner', onMachine: false, mayDouble: true, start: provisioner },
    { name: 'attacher', onMachine: false, mayDouble: true, start: attacher },
    ...nodeNames.flatMap((name): Part[] => [
      {
        name: `registrar ${name}`,
        onMachine: true,
        mayDouble: false,
        start: (context) => registrar(context, name),
      },
      {
        name: `kubelet ${name}`,
        onMachine: true,
        mayDouble: false,
        start: (context) => kubelet(context, name),
      },
    ]),
  ];
}

/** Ends only when one of them fails. */
function run(context: PartContext, components: readonly { start(signal: AbortSignal): Promise<void> }[]) {
  // Processes are killed, never asked to end.
  const { signal } = new AbortController();
  void context.components.informers.start(signal);
  return Promise.all(components.map((component) => component.start(signal)));
}

async function controllers(context: PartContext): Promise<unknown> {
  const parts = controlPlane(context.components).filter(({ name }) => name !== 'scheduler');
  return run(context, parts);
}

async function scheduler(context: PartContext): Promise<unknown> {
  const parts = controlPlane(context.components).filter(({ name }) => name === 'scheduler');
  return run(context, parts);
}

async function diskDriver(context: PartContext, nodeNames: readonly string[]): Promise<unknown> {
  const { components, host, sockets } = context;
  const { client, clock, log } = components;
  await ensureDriverObject(client);
  const driver = await openDiskDriver({ pool: POOL, host, clock, log, sockets });
  for (const name of nodeNames) {
    const socket = nodeSocket(nodeRootOf(name));
    await host.files.makeDirectory(socket.slice(0, socket.lastIndexOf('/')), 0o750);
    await driver.serve(`unix://${socket}`, name);
  }
  await driver.serve(`unix://${CONTROLLER_SOCKET}`);
  return new Promise(() => {});
}

async function ensureDriverObject(client: PartContext['components']['client']): Promise<void> {
  try {
    await client.create(csiDrivers, {
      metadata: { name: DISK_DRIVER },
      spec: {
        attachRequired: true,
        podInfoOnMount: false,
        volumeLifecycleModes: ['Persistent'],
        fsGroupPolicy: 'File',
      },
    });
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
}

function connect({ components, sockets }: PartContext, endpoint: string) {
  return connectCsi(endpoint, { clock: components.clock, driver: DISK_DRIVER, sockets });
}

async function provisioner(context: PartContext): Promise<unknown> {
  const csi = connect(context, `unix://${CONTROLLER_SOCKET}`);
  return run(context, [createProvisioner(context.components, { csi })]);
}

async function attacher(context: PartContext): Promise<unknown> {
  const csi = connect(context, `unix://${CONTROLLER_SOCKET}`);
  return run(context, [createAttacher(context.components, { csi })]);
}

async function registrar(context: PartContext, nodeName: string): Promise<unknown> {
  const { components, host, sockets } = context;
  const { clock, log } = components;
  const nodeRoot = nodeRootOf(nodeName);
  const endpoint = `unix://${nodeSocket(nodeRoot)}`;
  const pluginRegistrationPath = pluginsRegistryDirectory(nodeRoot);
  await host.files.makeDirectory(pluginRegistrationPath, 0o750);
  return run(context, [
    createRegistrar({
      csi: connect(context, endpoint),
      kubeletRegistrationPath: endpoint,
      pluginRegistrationPath,
      clock,
      log,
      sockets,
    }),
  ]);
}

async function kubelet(context: PartContext, name: string): Promise<unknown> {
  const { components, host, sockets, process, machine, dice, containers } = context;
  const { client, informers, clock, log, trace } = components;
  const nodeRoot = nodeRootOf(name);
  const drivers = new CsiDrivers(clock);
  const plugins = createPluginRegistry([
    createCsiPlugin({ client, informers, clock, node: { host, drivers, nodeRoot, nodeName: name } }),
    createEmptyDirPlugin({ host, nodeRoot }),
    createHostPathPlugin({ host }),
    createConfigMapPlugin({ client, host, clock, nodeRoot }),
    createSecretPlugin({ client, host, clock, nodeRoot }),
  ]);
  const recorder = components.recorder('kubelet', name);
  const node = createNode(components, {
    host,
    name,
    nodeRoot,
    runtime: createSimRuntime({ containers, machine, process, dice, nodeName: name }),
    createVolumeManager: (podSource) =>
      createVolumeManager({
        client,
        informers,
        host,
        plugins,
        podSource,
        nodeName: name,
        nodeRoot,
        clock,
        log,
        recorder,
        trace,
      }),
    companions: [
      createPluginManager({
        host,
        client,
        informers,
        nodeName: name,
        nodeRoot,
        drivers,
        clock,
        log,
        sockets,
      }),
    ],
  });
  return run(context, [node]);
}
