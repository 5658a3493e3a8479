import type { Component } from '../../client/index.ts';
import { createNode } from '../../node/index.ts';
import { createPluginManager } from '../../node/plugin-manager/index.ts';
import { createVolumeManager } from '../../node/volume-manager/index.ts';
import { createPluginRegistry } from '../../volume/index.ts';
import { createConfigMapPlugin } from '../../volume/plugins/config-map/index.ts';
import { CsiDrivers, createCsiPlugin } from '../../volume/plugins/csi/index.ts';
import { createEmptyDirPlugin } from '../../volume/plugins/empty-dir/index.ts';
import { createHostPathPlugin } from '../../volume/plugins/host-path/index.ts';
import { createSecretPlugin } from '../../volume/plugins/secret/index.ts';
import type { PartContext } from '../part.ts';
import { nodeRootOf } from '../paths.ts';
import { createSimRuntime } from './sim-runtime.ts';

/** A node as it really is, but for its container runtime. */
export function kubelet(context: PartContext, name: string): Component {
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
  return createNode(components, {
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
}
