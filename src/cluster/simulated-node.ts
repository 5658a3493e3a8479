import { aborted } from '../base/index.ts';
import type { Component, ComponentContext } from '../client/index.ts';
import { connectCsi, memorySockets, serveCsi } from '../csi/index.ts';
import { SIMULATED_DRIVER, simulatedNode } from '../drivers/simulated/index.ts';
import type { Network } from '../host/index.ts';
import { createSimulatedHost, Machine } from '../host/simulated/index.ts';
import { nodes, pods } from '../kube/index.ts';
import { containerEnd, createSimulatedRuntime } from '../node/simulated/index.ts';
import { createRegistrar } from '../sidecars/registrar/index.ts';
import { pluginsRegistryDirectory } from '../volume/index.ts';
import { createKubelet } from './kubelet.ts';

/** `off`: the machine has lost its power. Nothing of the node answers until the annotation goes. */
export const ANN_POWER = 'simulated.stowage.dev/power';
/** By it pods can choose simulated nodes, or keep off them. */
export const LABEL_SIMULATED = 'stowage.dev/simulated';

const NODE_ROOT = '/var/lib/kubelet';
const DRIVER_DIRECTORY = `${NODE_ROOT}/plugins/${SIMULATED_DRIVER}`;
const ENDPOINT = `unix://${DRIVER_DIRECTORY}/csi.sock`;
const BY_NAME = 'metadata.name';
/** Of containers to probes: there is nothing that could be unwell. */
const ANSWERS: Pick<Network, 'connect' | 'httpGet'> = {
  connect: async () => undefined,
  httpGet: async () => ({ statusCode: 200, body: '' }),
};

export interface SimulatedNodeOptions {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/**
 * A node as it really is, on a machine that exists in memory only: it registers, attaches, mounts and runs pods through
 * all steps. When it stops, its machine has lost its power: containers and mounts are gone, what the API says stays.
 */
export function createSimulatedNode(context: ComponentContext, options: SimulatedNodeOptions): Component {
  const { clock, informers } = context;
  const { name } = options;
  const labels = { [LABEL_SIMULATED]: 'true', ...options.labels };
  const machine = new Machine(
    name,
    () => clock.now(),
    // No power is lost in the midst of a write: there is nobody who would read it afterwards.
    () => 0,
  );
  const byName = informers.of(nodes).addIndex(BY_NAME, ({ metadata }) => [metadata.name]);
  const isOff = () => byName.get(name)?.metadata.annotations?.[ANN_POWER] === 'off';

  /** Resolves when the power is as asked for, or the signal aborts. */
  const power = async (off: boolean, signal: AbortSignal): Promise<void> => {
    const switched = Promise.withResolvers<void>();
    const look = () => {
      if (isOff() === off) switched.resolve();
    };
    const stop = byName.on({ added: look, updated: look, deleted: look }, { index: BY_NAME, value: name });
    look();
    await Promise.race([switched.promise, aborted(signal)]);
    stop();
  };

  return {
    name: `simulated node ${name}`,
    async start(signal) {
      await Promise.race([byName.synced, aborted(signal)]);
      while (!signal.aborted) {
        await power(false, signal);
        if (signal.aborted) return;
        const on = new AbortController();
        const life = AbortSignal.any([signal, on.signal]);
        const lived = live(life);
        // What fails for good ends it too.
        await Promise.race([power(true, life), lived]);
        on.abort(new Error(`${name} has no power`));
        await lived;
        machine.reboot();
      }
    },
  };

  /** From power on to power off. */
  async function live(signal: AbortSignal): Promise<void> {
    const { random, log } = context;
    const simulated = createSimulatedHost(machine, () => clock.now());
    const host = { ...simulated, network: { ...simulated.network, ...ANSWERS } };
    const sockets = memorySockets({
      place: (path) => machine.makeFile(path, 'socket', 0o600),
      remove: (path) => void host.files.removeFile(path),
    });
    await host.files.makeDirectory(DRIVER_DIRECTORY, 0o750);
    await host.files.makeDirectory(pluginsRegistryDirectory(NODE_ROOT), 0o750);
    const services = simulatedNode({ host, nodeId: name, labels });
    const driver = await serveCsi({ endpoint: ENDPOINT, clock, log, sockets, ...services });
    const csi = connectCsi(ENDPOINT, { clock, driver: SIMULATED_DRIVER, sockets });
    const registrar = createRegistrar({
      csi,
      kubeletRegistrationPath: ENDPOINT,
      pluginRegistrationPath: pluginsRegistryDirectory(NODE_ROOT),
      clock,
      log,
      sockets,
    });
    const podInformer = informers.of(pods);
    const runtime = createSimulatedRuntime({
      files: host.files,
      clock,
      random,
      endOf({ podNamespace, podName, containerName }) {
        const pod = podInformer.get(podName, podNamespace);
        return pod && containerEnd(pod, containerName);
      },
    });
    const kubelet = createKubelet(
      context,
      { host, name, labels, nodeRoot: NODE_ROOT, runtime, runtimeVersion: 'simulated://0.1.0' },
      sockets,
    );
    try {
      await Promise.all([kubelet.start(signal), registrar.start(signal)]);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      csi.close();
      await driver.stop();
    }
  }
}
