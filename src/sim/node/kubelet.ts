import type { Component } from '../../client/index.ts';
import { type KubeletOptions as AllOptions, createKubelet } from '../../cluster/kubelet.ts';
import type { PartContext } from '../part.ts';
import { nodeRootOf } from '../paths.ts';
import { createSimRuntime } from './sim-runtime.ts';

type KubeletOptions = Pick<AllOptions, 'prober' | 'enableControllerAttachDetach'>;

/** A node as it really is, but for its container runtime. */
export function kubelet(context: PartContext, name: string, options: KubeletOptions): Component {
  const { components, host, sockets, process, machine, dice, containers } = context;
  const runtime = createSimRuntime({ containers, machine, process, dice, nodeName: name });
  return createKubelet(components, { host, name, nodeRoot: nodeRootOf(name), runtime, ...options }, sockets);
}
