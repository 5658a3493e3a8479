import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
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
  specFromPersistentVolume,
  TransientOperationFailure,
  UncertainProgressError,
  type VolumePlugin,
} from '../../volume/index.ts';
import { createVolumeManager, type PodSource, type VolumeManager } from './index.ts';

const NODE = 'node-1';
const VOLUME = 'test/disk/pv-1';

/** A plugin whose volumes are PersistentVolumes with a CSI source; it notes what it is asked for. */
class FakePlugin implements VolumePlugin {
  readonly name = 'test/disk';
  readonly calls: string[] = [];
  /** Thrown, each once, by the call of that name. */
  readonly failures = new Map<string, Error[]>();
  remount = false;
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

class FakePods implements PodSource {
  readonly #pods = new Map<string, Stored<Pod>>();
  readonly #listeners = new Set<(uid?: string) => void>();
  readonly running = new Set<string>();

  pods = () => this.#pods.values();
  podMayStillUseVolumes = (uid: string) => this.running.has(uid);

  onChange(callback: (uid?: string) => void): () => void {
    this.#listeners.add(callback);
    return () => this.#listeners.delete(callback);
  }

  add(pod: Stored<Pod>): void {
    this.#pods.set(pod.metadata.uid, pod);
    this.#tell(pod.metadata.uid);
  }

  remove(pod: Stored<Pod>): void {
    this.#pods.delete(pod.metadata.uid);
    this.#tell(pod.metadata.uid);
  }

  stopped(pod: Stored<Pod>): void {
    this.running.delete(pod.metadata.uid);
    this.#tell(pod.metadata.uid);
  }

  #tell(uid: string): void {
    for (const listener of this.#listeners) listener(uid);
  }
}

const volumeObject = (name: string) =>
  ({
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name, uid: '', resourceVersion: '', creationTimestamp: '' },
    spec: { csi: { driver: 'd', volumeHandle: name } },
  }) as Parameters<typeof specFromPersistentVolume>[0];

interface Stack {
  readonly client: Client;
  readonly plugin: FakePlugin;
  readonly source: FakePods;
  readonly clock: FakeClock;
  readonly manager: VolumeManager;
  readonly trace: Trace;
  readonly signal: AbortSignal;
  readonly events: string[];
  readonly root: string;
  /** Starts (again) a manager on the same node. */
  boot(): Promise<VolumeManager>;
  attach(): Promise<void>;
}

async function start(
  test: TestContext,
  options: { claim?: 'Bound' | 'Pending'; boot?: boolean } = {},
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
  const source = new FakePods();
  const trace = new Trace(clock);
  const events: string[] = [];
  const boot = async () => {
    const manager = createVolumeManager({
      client,
      informers,
      host: createLinuxHost({ clock: systemClock }),
      plugins: createPluginRegistry([plugin]),
      podSource: source,
      nodeName: NODE,
      nodeRoot: root,
      clock,
      log: silentLogger,
      trace,
      recorder: { event: (_subject, type, reason, message) => events.push(`${type} ${reason} ${message}`) },
    });
    running.push(manager.start(signal));
    return manager;
  };
  const attach = async () => {
    const body = { status: { volumesAttached: [{ name: VOLUME, devicePath: '/dev/x' }] } };
    await client.patch(nodes, { name: NODE }, { type: 'merge', body }, { subresource: 'status' });
  };
  const manager = options.boot === false ? (undefined as unknown as VolumeManager) : await boot();
  return { client, plugin, source, clock, manager, trace, signal, events, root, boot, attach };
}

async function makeClaim(client: Client, phase: 'Bound' | 'Pending'): Promise<void> {
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

async function setPhase(client: Client, phase: string): Promise<void> {
  await client.patch(
    persistentVolumeClaims,
    { namespace: 'default', name: 'claim' },
    { type: 'merge', body: { status: { phase } } },
    { subresource: 'status' },
  );
}

async function makePod(client: Client, name: string): Promise<Stored<Pod>> {
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
async function inUse(stack: Stack, ...names: string[]): Promise<void> {
  for await (const event of stack.client.watch(nodes, { signal: stack.signal }))
    if (JSON.stringify(event.object.status?.volumesInUse ?? []) === JSON.stringify(names)) return;
}

/** Looks, with every turn of the event loop, until it is so. */
async function eventually(what: string, look: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = systemClock.now() + 5_000;
  while (!(await look())) {
    assert.ok(systemClock.now() < deadline, `${what}: not within 5 s`);
    await turn();
  }
}

const MOUNTED = ['mountDevice pv-1 /dev/x', 'setUp pv-1 web-0'];

describe('the volume manager', () => {
  it('reports in use, waits for attach, stages, publishes; and undoes it all when the pod has gone', async (test) => {
    const stack = await start(test);
    const { client, plugin, source, manager, signal, trace, attach } = stack;
    const pod = await makePod(client, 'web-0');
    source.add(pod);
    source.running.add(pod.metadata.uid);
    const mounted = manager.waitForAttachAndMount(pod, signal);
    await inUse(stack, VOLUME);
    await turn();
    assert.deepEqual(plugin.calls, [], 'nothing is mounted before it is attached');
    await attach();
    const volumes = await mounted;
    assert.deepEqual(
      [...volumes],
      [
        [
          'data',
          {
            hostPath: `/pods/${pod.metadata.uid}/pv-1`,
            readOnly: false,
            specName: 'pv-1',
            volumeName: VOLUME,
          },
        ],
      ],
    );
    assert.deepEqual(plugin.calls, MOUNTED);
    assert.deepEqual(manager.volumesInUse(), [VOLUME]);

    source.remove(pod); // gone from the API, its containers still run
    await turn();
    await turn();
    assert.deepEqual(plugin.calls, MOUNTED);
    assert.equal(manager.podHasMountedVolumes(pod.metadata.uid), true);
    source.stopped(pod);
    await manager.waitForUnmount(pod, signal);
    await inUse(stack);
    assert.deepEqual(plugin.calls.slice(2), ['tearDown pv-1', 'unmountDevice /global/pv-1']);
    await manager.waitForAllUnmounted(signal);
    const steps = trace.ended('default/claim').map(({ step, outcome }) => `${step} ${outcome}`);
    assert.deepEqual(steps, ['mount ok', 'unmount ok']);
    const [mount] = trace.ended('default/claim');
    assert.equal(mount?.attributes.pod, 'default/web-0');
    assert.equal(mount?.attributes.globalPath, '/global/pv-1');
  });

  it('says why a claim cannot be used, and goes on once it can', async (test) => {
    const { client, source, manager, signal, attach } = await start(test, { claim: 'Pending' });
    await attach();
    const pod = await makePod(client, 'web-0');
    source.add(pod);
    await assert.rejects(
      manager.waitForAttachAndMount(pod, signal),
      /^Error: unmounted volumes=\[data\], unattached volumes=\[\], failed to process volumes=\[data\]: error processing PVC default\/claim: PVC is not bound$/,
    );
    await setPhase(client, 'Bound');
    const volumes = await manager.waitForAttachAndMount(pod, signal);
    assert.equal(volumes.size, 1);
  });

  it('refuses a volume that belongs to another claim of the same name', async (test) => {
    const { client, source, manager, signal } = await start(test);
    const body = { spec: { claimRef: { uid: 'former' } } };
    await client.patch(persistentVolumes, { name: 'pv-1' }, { type: 'merge', body });
    const pod = await makePod(client, 'web-0');
    source.add(pod);
    await assert.rejects(
      manager.waitForAttachAndMount(pod, signal),
      /found PV object pv-1 but its pv\.Spec\.ClaimRef\.UID former does not point to claim\.UID/,
    );
  });

  it('gives up after 2 min 3 s with what is missing', async (test) => {
    const stack = await start(test);
    const { client, source, manager, signal, clock } = stack;
    const pod = await makePod(client, 'web-0');
    source.add(pod);
    const failed = assert.rejects(
      manager.waitForAttachAndMount(pod, signal),
      /^Error: unmounted volumes=\[data\], unattached volumes=\[data\], failed to process volumes=\[\]: context deadline exceeded$/,
    );
    // Only now the pod has been looked at: before, what it wishes for would not be known.
    await inUse(stack, VOLUME);
    await clock.advance(123_000);
    await failed;
  });

  it('tells the pod of a failed mount and tries again after 500 ms', async (test) => {
    const { client, plugin, source, manager, signal, clock, events, attach } = await start(test);
    plugin.fail('mountDevice', new TransientOperationFailure('driver absent'));
    plugin.fail('setUp', new Error('rpc error: code = Internal desc = boom'));
    await attach();
    const pod = await makePod(client, 'web-0');
    source.add(pod);
    const mounted = manager.waitForAttachAndMount(pod, signal);
    await plugin.until('mountDevice pv-1 /dev/x');
    await turn();
    await clock.advance(501);
    await plugin.until('mountDevice pv-1 /dev/x', ...MOUNTED);
    await turn();
    await clock.advance(1_001);
    await mounted;
    assert.deepEqual(plugin.calls.at(-1), 'setUp pv-1 web-0');
    assert.equal(plugin.calls.filter((call) => call.startsWith('mountDevice')).length, 2, 'staged once');
    assert.deepEqual(events, [
      'Warning FailedMount MountVolume.MountDevice failed for volume "pv-1" : driver absent',
      'Warning FailedMount MountVolume.SetUp failed for volume "pv-1" : rpc error: code = Internal desc = boom',
    ]);
  });

  it('undoes a mount that may have happened', async (test) => {
    const stack = await start(test);
    const { client, plugin, source, manager, attach, signal } = stack;
    plugin.fail('setUp', new UncertainProgressError('timed out'));
    await attach();
    const pod = await makePod(client, 'web-0');
    source.add(pod);
    await plugin.until(...MOUNTED);
    await turn();
    assert.equal(manager.podHasMountedVolumes(pod.metadata.uid), true);
    assert.equal(manager.mountedVolumesForPod(pod.metadata.uid).size, 0, 'but it must not be used');
    source.remove(pod);
    await manager.waitForUnmount(pod, signal);
    await inUse(stack);
    assert.deepEqual(plugin.calls.slice(2), ['tearDown pv-1', 'unmountDevice /global/pv-1']);
  });

  it('unstages what may have been staged', async (test) => {
    const stack = await start(test);
    const { client, plugin, source, attach } = stack;
    plugin.fail('mountDevice', new UncertainProgressError('timed out'));
    await attach();
    const pod = await makePod(client, 'web-0');
    source.add(pod);
    await plugin.until('mountDevice pv-1 /dev/x');
    await turn();
    source.remove(pod);
    await inUse(stack);
    assert.deepEqual(plugin.calls, ['mountDevice pv-1 /dev/x', 'unmountDevice /global/pv-1']);
  });

  it('keeps the global mount as long as another pod uses the volume', async (test) => {
    const { client, plugin, source, manager, signal, attach } = await start(test);
    await attach();
    const [first, second] = [await makePod(client, 'web-0'), await makePod(client, 'web-1')];
    source.add(first);
    source.add(second);
    await Promise.all([first, second].map((pod) => manager.waitForAttachAndMount(pod, signal)));
    source.remove(first);
    await manager.waitForUnmount(first, signal);
    await turn();
    assert.deepEqual(plugin.calls.slice(3), ['tearDown pv-1']);
    assert.equal(manager.mountedVolumesForPod(second.metadata.uid).size, 1);
  });

  it('sets up again what wants refreshing, without staging it again', async (test) => {
    const { client, plugin, source, manager, signal, clock, attach } = await start(test);
    plugin.remount = true;
    await attach();
    const pod = await makePod(client, 'web-0');
    source.add(pod);
    await manager.waitForAttachAndMount(pod, signal);
    await clock.advance(60_000);
    await plugin.until(...MOUNTED, 'setUp pv-1 web-0');
  });

  it('removes the directory of a pod that has ended while its object is still there, once', async (test) => {
    const { client, source, manager, root } = await start(test);
    const pod = await makePod(client, 'web-0');
    source.add(pod);
    const directory = join(root, 'pods', pod.metadata.uid);
    await fs.mkdir(join(directory, 'volumes/test~disk/pv-1'), { recursive: true });
    await fs.mkdir(join(directory, 'plugins'));
    const removal = manager.removePodDirectory(pod);
    assert.equal(manager.removePodDirectory(pod), removal, 'who comes second waits for the first');
    await removal;
    assert.deepEqual(await fs.readdir(join(root, 'pods')), []);
    await manager.removePodDirectory(pod);
  });

  it('keeps the directory of a pod that has ended while it may hold data', async (test) => {
    const { client, source, manager, root } = await start(test);
    const pod = await makePod(client, 'web-0');
    source.add(pod);
    const volume = join(root, 'pods', pod.metadata.uid, 'volumes/test~disk/pv-1');
    await fs.mkdir(volume, { recursive: true });
    await fs.writeFile(join(volume, 'precious'), '');
    await manager.removePodDirectory(pod);
    assert.deepEqual(await fs.readdir(volume), ['precious']);
  });

  it('reports in use again when another writer has dropped it', async (test) => {
    const stack = await start(test);
    const { client, source } = stack;
    source.add(await makePod(client, 'web-0'));
    await inUse(stack, VOLUME);
    await client.patch(
      nodes,
      { name: NODE },
      { type: 'merge', body: { status: { volumesInUse: [] } } },
      { subresource: 'status' },
    );
    await inUse(stack, VOLUME);
  });
});

describe('the volume manager after a restart', () => {
  const leave = async (root: string, podUid: string) =>
    fs.mkdir(join(root, 'pods', podUid, 'volumes/test~disk/pv-1'), { recursive: true });

  it('undoes what it finds on disk and no pod wants, then removes the pod’s directory', async (test) => {
    const stack = await start(test, { boot: false });
    const { plugin, root, boot } = stack;
    await stack.attach();
    await leave(root, 'gone');
    await boot();
    await plugin.until('tearDown pv-1');
    // The fake leaves the volume's directory, empty, as a plugin's tear-down would not.
    await plugin.until('tearDown pv-1', 'unmountDevice /global/pv-1');
    await stack.clock.advance(1_000);
    await inUse(stack);
    await eventually(
      'the orphaned pod’s directory goes',
      async () => (await fs.readdir(join(root, 'pods'))).length === 0,
    );
  });

  it('sets up again, idempotently, what a pod still uses, and unmounts nothing of it', async (test) => {
    const stack = await start(test, { boot: false });
    const { client, plugin, source, root, boot, signal } = stack;
    await stack.attach();
    const pod = await makePod(client, 'web-0');
    source.add(pod);
    source.running.add(pod.metadata.uid);
    await leave(root, pod.metadata.uid);
    const manager = await boot();
    await manager.waitForAttachAndMount(pod, signal);
    assert.deepEqual(plugin.calls, MOUNTED);
    assert.deepEqual(manager.volumesInUse(), [VOLUME]);
  });

  it('unmounts nothing of a pod whose wishes it cannot find out', async (test) => {
    const stack = await start(test, { boot: false, claim: 'Pending' });
    const { client, plugin, source, root, boot } = stack;
    const pod = await makePod(client, 'web-0');
    source.add(pod);
    await leave(root, pod.metadata.uid);
    const manager = await boot();
    await eventually('the volume is found on disk', () => manager.podHasMountedVolumes(pod.metadata.uid));
    await stack.clock.advance(5_000);
    assert.deepEqual(plugin.calls, []);
    assert.equal(manager.podHasMountedVolumes(pod.metadata.uid), true);
  });
});
