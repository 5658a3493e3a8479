import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { createLocalClient, createRegistry, openStore } from '../../apiserver/index.ts';
import { FakeClock, seededRandom, silentLogger, systemClock, Trace, turn } from '../../base/index.ts';
import { type Client, Informers } from '../../client/index.ts';
import { createLinuxHost } from '../../host/index.ts';
import {
  nodes,
  type Pod,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  type Stored,
} from '../../kube/index.ts';
import {
  createPluginRegistry,
  type PluginProber,
  specFromPersistentVolume,
  type VolumePlugin,
} from '../../volume/index.ts';
import { createVolumeManager, type PodSource, type VolumeManager } from './index.ts';

export const NODE = 'node-1';
export const VOLUME = 'test/disk/pv-1';

/** A plugin whose volumes are PersistentVolumes with a CSI source; it notes what it is asked for. */
export class FakePlugin implements VolumePlugin {
  readonly name = 'test/disk';
  readonly calls: string[] = [];
  /** Thrown, each once, by the call of that name. */
  readonly failures = new Map<string, Error[]>();
  remount = false;
  supportsMountOptions = false;
  found: { specName: string; podUid: string }[] = [];
  readonly #changed = new Set<() => void>();

  canSupport = (spec: Parameters<VolumePlugin['canSupport']>[0]) => spec.persistentVolume !== undefined;
  volumeName = (spec: Parameters<VolumePlugin['volumeName']>[0]) => spec.name;
  requiresRemount = () => this.remount;
  attacher: NonNullable<VolumePlugin['attacher']> = {
    canAttach: () => true,
    attach: async () => '',
    detach: async () => {},
    waitForAttach: async (_spec, _node, devicePath) => devicePath,
  };
  deviceMounter: NonNullable<VolumePlugin['deviceMounter']> = {
    canMountDevice: () => true,
    deviceMountPath: (spec) => `/global/${spec.name}`,
    mountDevice: async (spec, devicePath) => this.#call('mountDevice', `${spec.name} ${devicePath}`),
    unmountDevice: async (path) => this.#call('unmountDevice', path),
  };
  mounter: VolumePlugin['mounter'] = {
    podPath: (spec, podUid) => `/pods/${podUid}/${spec.name}`,
    setUp: async (spec, { pod }) => this.#call('setUp', `${spec.name} ${pod.metadata.name}`),
    tearDown: async (name) => this.#call('tearDown', name),
    reconstruct: async (name) => ({
      spec: specFromPersistentVolume(volumeObject(name), false),
      volumeName: name,
    }),
  };

  fail(call: string, ...errors: Error[]): void {
    this.failures.set(call, errors);
  }

  /** Resolves once the calls so far are these. */
  async until(...calls: string[]): Promise<void> {
    while (this.calls.length < calls.length) {
      await new Promise<void>((resolve) => this.#changed.add(resolve));
    }
    assert.deepEqual(this.calls, calls);
  }

  #call(name: string, argument: string): void {
    this.calls.push(`${name} ${argument}`);
    for (const wake of this.#changed) wake();
    const failure = this.failures.get(name)?.shift();
    if (failure) throw failure;
  }
}

export class FakePods implements PodSource {
  readonly #pods = new Map<string, Stored<Pod>>();
  readonly #listeners = new Set<(uid?: string, edited?: boolean) => void>();
  readonly running = new Set<string>();

  pods = () => this.#pods.values();
  podMayStillUseVolumes = (uid: string) => this.running.has(uid);

  onChange(callback: (uid?: string, edited?: boolean) => void): () => void {
    this.#listeners.add(callback);
    return () => this.#listeners.delete(callback);
  }

  add(pod: Stored<Pod>): void {
    this.#pods.set(pod.metadata.uid, pod);
    this.#tell(pod.metadata.uid);
  }

  edit(pod: Stored<Pod>): void {
    this.#pods.set(pod.metadata.uid, pod);
    this.#tell(pod.metadata.uid, true);
  }

  remove(pod: Stored<Pod>): void {
    this.#pods.delete(pod.metadata.uid);
    this.#tell(pod.metadata.uid);
  }

  stopped(pod: Stored<Pod>): void {
    this.running.delete(pod.metadata.uid);
    this.#tell(pod.metadata.uid);
  }

  #tell(uid: string, edited?: boolean): void {
    for (const listener of this.#listeners) listener(uid, edited);
  }
}

const volumeObject = (name: string) =>
  ({
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name, uid: '', resourceVersion: '', creationTimestamp: '' },
    spec: { csi: { driver: 'd', volumeHandle: name } },
  }) as Parameters<typeof specFromPersistentVolume>[0];

export interface Stack {
  readonly client: Client;
  readonly plugin: FakePlugin;
  readonly source: FakePods;
  readonly clock: FakeClock;
  readonly manager: VolumeManager;
  readonly trace: Trace;
  readonly signal: AbortSignal;
  readonly events: string[];
  /** The devices that somebody else has in use. */
  readonly busyDevices: Set<string>;
  readonly root: string;
  /** Where the plugin comes late: it comes. */
  plug(): void;
  /** Starts (again) a manager on the same node. */
  boot(): Promise<VolumeManager>;
  attach(): Promise<void>;
}

export async function start(
  test: TestContext,
  options: { claim?: 'Bound' | 'Pending'; boot?: boolean; pluginIsLate?: boolean } = {},
): Promise<Stack> {
  const root = await fs.mkdtemp(join(tmpdir(), 'volume-manager-'));
  const controller = new AbortController();
  const { signal } = controller;
  const running: Promise<void>[] = [];
  test.after(async () => {
    controller.abort();
    await Promise.all(running);
    await fs.rm(root, { recursive: true });
  });
  const store = await openStore({ memory: true });
  const client = createLocalClient(
    await createRegistry({ store, clock: systemClock, random: seededRandom(1) }),
  );
  const informers = new Informers({ client, clock: systemClock, random: seededRandom(2), log: silentLogger });
  running.push(informers.start(signal));
  await client.create(nodes, { metadata: { name: NODE } });
  await makeClaim(client, options.claim ?? 'Bound');
  const clock = new FakeClock();
  const plugin = new FakePlugin();
  const listeners = new Set<() => void>();
  let probed: VolumePlugin[] = [];
  const prober: PluginProber = {
    all: () => probed,
    probed: Promise.resolve(),
    onChange: (callback) => {
      listeners.add(callback);
      return () => listeners.delete(callback);
    },
  };
  const plug = () => {
    probed = [plugin];
    for (const changed of listeners) changed();
  };
  if (!options.pluginIsLate) plug();
  const source = new FakePods();
  const trace = new Trace(clock);
  const events: string[] = [];
  const busyDevices = new Set<string>();
  const machine = createLinuxHost({ clock: systemClock });
  const disks = { ...machine.disks, isInUse: async (device: string) => busyDevices.has(device) };
  const boot = async () => {
    const manager = createVolumeManager({
      client,
      informers,
      host: { ...machine, disks },
      plugins: createPluginRegistry([], prober),
      podSource: source,
      nodeName: NODE,
      nodeRoot: root,
      clock,
      log: silentLogger,
      trace,
      recorder: {
        event: ({ kind }, type, reason, message) => {
          const of = kind === undefined || kind === 'Pod' ? '' : ` (${kind})`;
          events.push(`${type} ${reason} ${message}${of}`);
        },
      },
    });
    running.push(manager.start(signal));
    return manager;
  };
  const attach = async () => {
    const body = { status: { volumesAttached: [{ name: VOLUME, devicePath: '/dev/x' }] } };
    await client.patch(nodes, { name: NODE }, { type: 'merge', body }, { subresource: 'status' });
  };
  const manager = options.boot === false ? (undefined as unknown as VolumeManager) : await boot();
  return {
    client,
    plugin,
    source,
    clock,
    manager,
    trace,
    signal,
    events,
    busyDevices,
    root,
    plug,
    boot,
    attach,
  };
}

export async function makeClaim(client: Client, phase: 'Bound' | 'Pending'): Promise<void> {
  const claim = await client.create(persistentVolumeClaims, {
    metadata: { name: 'claim', namespace: 'default' },
    spec: {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: '1Gi' } },
      volumeName: 'pv-1',
    },
  });
  await client.create(persistentVolumes, {
    metadata: { name: 'pv-1' },
    spec: {
      accessModes: ['ReadWriteOnce'],
      capacity: { storage: '1Gi' },
      claimRef: { namespace: 'default', name: 'claim', uid: claim.metadata.uid },
      csi: { driver: 'd', volumeHandle: 'h' },
    },
  });
  await setPhase(client, phase);
}

export async function setPhase(client: Client, phase: string): Promise<void> {
  await client.patch(
    persistentVolumeClaims,
    { namespace: 'default', name: 'claim' },
    { type: 'merge', body: { status: { phase } } },
    { subresource: 'status' },
  );
}

export async function makePod(client: Client, name: string): Promise<Stored<Pod>> {
  return await client.create(pods, {
    metadata: { name, namespace: 'default' },
    spec: {
      nodeName: NODE,
      containers: [{ name: 'main', image: 'x', volumeMounts: [{ name: 'data', mountPath: '/data' }] }],
      volumes: [
        { name: 'data', persistentVolumeClaim: { claimName: 'claim' } },
        { name: 'unused', emptyDir: {} },
      ],
    },
  });
}

/** Resolves once node.status.volumesInUse is this. */
export async function inUse(stack: Stack, ...names: string[]): Promise<void> {
  for await (const event of stack.client.watch(nodes, { signal: stack.signal }))
    if (JSON.stringify(event.object.status?.volumesInUse ?? []) === JSON.stringify(names)) return;
}

/** Looks, with every turn of the event loop, until it is so. */
export async function eventually(what: string, look: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = systemClock.now() + 30_000;
  while (!(await look())) {
    assert.ok(systemClock.now() < deadline, `${what}: not within half a minute`);
    await turn();
  }
}

export const MOUNTED = ['mountDevice pv-1 /dev/x', 'setUp pv-1 web-0'];
