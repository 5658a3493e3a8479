import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { openPki, type Pki } from '../apiserver/auth/index.ts';
import { systemClock, systemRandom } from '../base/index.ts';
import { type Scratch, scratchDirectory } from '../host/linux/leftovers.test-support.ts';
import { type Node, namespaces, nodes, type Pod, pods, type Stored } from '../kube/index.ts';
import { type ComponentStack, startStack } from '../testing/component-stack.ts';
import type { VolumeStats } from '../volume/index.ts';
import { createNode } from './node.ts';

export interface Stage extends Scratch, ComponentStack {
  readonly pki: Pki;
  /** Runs the node; the returned function stops it, with its pods. */
  start(): Promise<() => Promise<void>>;
  node(): Promise<Stored<Node>>;
  pod(name: string): Promise<Stored<Pod>>;
  /** The pod once `look` says yes to it. */
  when(name: string, what: string, look: (pod: Stored<Pod>) => unknown): Promise<Stored<Pod>>;
  gone(name: string): Promise<void>;
  /**
   * What mounting is to fail with, and a patch of the node's; what is to happen when a pod's directory is removed; how
   * full volumes are.
   */
  readonly hooks: {
    mounting?: (signal: AbortSignal) => void | Promise<void>;
    patching?: (body: unknown) => void;
    removing?: (pod: Stored<Pod>) => Promise<void>;
    stats?: () => Readonly<Record<string, VolumeStats>>;
  };
}

export const NODE = 'node-1';
export const DEFAULT = { namespace: 'default' };

export async function stage(test: TestContext): Promise<Stage> {
  const scratch = scratchDirectory(test);
  const { host, directory } = scratch;
  const stack = await startStack(test, { watch: [pods] });
  const pki = await openPki({ clock: systemClock, random: systemRandom });
  const serving = await pki.issue({ commonName: NODE, addresses: ['127.0.0.1'], usages: ['server'] });
  for (const name of ['default', 'kube-node-lease'])
    await stack.client.create(namespaces, { metadata: { name } }).catch(() => undefined);
  const volume = join(directory, 'volume');
  mkdirSync(volume);
  const hooks: Stage['hooks'] = {};
  const { client } = stack.context;
  const patch = ((resource, name, change, options) => {
    try {
      hooks.patching?.(change.body);
    } catch (error) {
      return Promise.reject(error);
    }
    return client.patch(resource, name, change, options);
  }) as typeof client.patch;
  const start = async () => {
    const node = createNode(
      { ...stack.context, client: { ...client, patch } },
      {
        host,
        name: NODE,
        nodeRoot: join(directory, 'kubelet'),
        stateDirectory: join(directory, 'state'),
        labels: { zone: 'a' },
        tls: { ca: pki.ca, ...serving },
        stopPods: true,
        volumeStatsPeriodMs: 100,
        evictionPeriodMs: 100,
        // Volumes are somebody else's test: here the one that pods may name is there at once.
        createVolumeManager: () => ({
          start: (signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve())),
          waitForAttachAndMount: async (_, signal) => {
            await hooks.mounting?.(signal);
            return new Map([['data', { hostPath: volume, readOnly: false, specName: 'data' }]]);
          },
          waitForUnmount: async () => undefined,
          removePodDirectory: async (pod) => hooks.removing?.(pod),
          waitForAllUnmounted: async () => undefined,
          volumeStats: async () => new Map(Object.entries(hooks.stats?.() ?? {})),
        }),
      },
    );
    const stop = stack.run(node);
    scratch.defer(stop);
    await node.registered;
    return stop;
  };
  const informer = stack.context.informers.of(pods);
  return {
    ...scratch,
    ...stack,
    pki,
    hooks,
    start,
    node: () => stack.client.get(nodes, { name: NODE }),
    pod: (name) => stack.client.get(pods, { ...DEFAULT, name }),
    when: (name, what, look) =>
      stack.until(`${name} ${what}`, () => {
        const pod = informer.get(name, 'default');
        return pod && look(pod) ? pod : undefined;
      }),
    gone: (name) => stack.until(`${name} gone`, () => !informer.get(name, 'default')).then(() => undefined),
  };
}

export function shellPod(name: string, script: string, spec: Partial<NonNullable<Pod['spec']>> = {}): Pod {
  return {
    metadata: { ...DEFAULT, name },
    spec: {
      nodeName: NODE,
      terminationGracePeriodSeconds: 10,
      containers: [{ name: 'main', image: 'example.com/app', command: ['sh', '-c', script] }],
      ...spec,
    },
  };
}

/** Ends at SIGTERM: from its first words on, which may come a little after its start. */
export const staying = (words: string) =>
  `trap "echo bye; exit 0" TERM; ${words}; while :; do sleep 0.02; done`;
export const STAY = staying(':');
export const state = (pod: Stored<Pod>) => pod.status?.containerStatuses?.[0]?.state ?? {};
