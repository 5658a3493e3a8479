import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { createLocalClient, createRegistry, openStore } from '../../apiserver/index.ts';
import { seededRandom, silentLogger, systemClock, withDeadline } from '../../base/index.ts';
import { Informers, waitUntil } from '../../client/index.ts';
import { serveCsi, serveRegistration } from '../../csi/index.ts';
import { createLinuxHost } from '../../host/index.ts';
import { type CSINode, csiNodes, type Node, nodes, type Stored } from '../../kube/index.ts';
import { CsiDrivers } from '../../volume/plugins/csi/index.ts';
import { createPluginManager } from './index.ts';
import {
  csiNodeWithDriver,
  csiNodeWithoutDriver,
  type DriverNodeInfo,
  nodeWithDriver,
  nodeWithoutDriver,
} from './node-info.ts';
import { highestSupportedVersion } from './versions.ts';

const NODE = 'node-1';
const DRIVER = 'disk.example.org';
const NODE_IDS = 'csi.volume.kubernetes.io/nodeid';

describe('highestSupportedVersion', () => {
  const cases: [string[], string | RegExp][] = [
    [['1.0.0'], '1.0.0'],
    [['v1.2.0', '1.10.0', '0.3.0'], '1.10.0'],
    [['2.0.0', '1.4.0'], '1.4.0'],
    [['2.0.0'], /could not find a highest supported version from versions \[2\.0\.0\]/],
    [[], /could not find a highest supported version/],
    [['0.3.0'], /is 0\.3\.0, must be v1/],
    [['latest'], /could not find a highest supported version/],
  ];
  for (const [versions, expected] of cases) {
    it(`of ${versions.join(' ') || 'none'}`, () => {
      if (typeof expected === 'string') assert.equal(highestSupportedVersion(versions).text, expected);
      else assert.throws(() => highestSupportedVersion(versions), expected);
    });
  }
});

describe('what a driver says about a node', () => {
  const info: DriverNodeInfo = { driver: 'd', nodeId: 'id', maxVolumes: 3n, topology: { zone: 'a' } };
  const node = (labels: Record<string, string>, ids?: string): Node => ({
    metadata: { labels, annotations: ids === undefined ? {} : { [NODE_IDS]: ids } },
  });

  it('becomes an annotation and labels', () => {
    assert.deepEqual(nodeWithDriver(node({}, '{"c":"x"}'), info), {
      labels: { zone: 'a' },
      annotations: { [NODE_IDS]: '{"c":"x","d":"id"}' },
    });
    assert.equal(nodeWithDriver(node({ zone: 'a' }, '{"d":"id"}'), info), undefined);
  });

  it('must not contradict a label', () => {
    assert.throws(
      () => nodeWithDriver(node({ zone: 'b' }), info),
      /detected topology value collision: driver reported "zone":"a" but existing label is "zone":"b"/,
    );
  });

  it('goes from the annotation, not from the labels', () => {
    assert.deepEqual(nodeWithoutDriver(node({ zone: 'a' }, '{"c":"x","d":"id"}'), 'd'), {
      annotations: { [NODE_IDS]: '{"c":"x"}' },
    });
    assert.deepEqual(nodeWithoutDriver(node({}, '{"d":"id"}'), 'd'), { annotations: { [NODE_IDS]: null } });
    assert.equal(nodeWithoutDriver(node({}), 'd'), undefined);
  });

  it('becomes an entry of the CSINode', () => {
    const empty: CSINode = { spec: { drivers: [] } };
    const entry = { name: 'd', nodeID: 'id', topologyKeys: ['zone'], allocatable: { count: 3 } };
    const installed = csiNodeWithDriver(empty, info)!;
    assert.deepEqual(installed.spec.drivers, [entry]);
    assert.equal(csiNodeWithDriver(installed, info), undefined, 'nothing to write');
    const unlimited = csiNodeWithDriver(installed, { ...info, maxVolumes: 0n });
    assert.equal(unlimited?.spec.drivers[0]?.allocatable, undefined);
    const huge = csiNodeWithDriver(installed, { ...info, maxVolumes: 2n ** 40n });
    assert.equal(huge?.spec.drivers[0]?.allocatable?.count, 2 ** 31 - 1);
    assert.deepEqual(csiNodeWithoutDriver(installed, 'd')?.spec.drivers, []);
    assert.equal(csiNodeWithoutDriver(installed, 'other'), undefined);
  });
});

interface DriverOptions {
  readonly topology?: Record<string, string>;
  readonly versions?: string[];
  readonly registrationName?: string;
}

async function start(test: TestContext, options: { node?: boolean } = {}) {
  const root = await fs.mkdtemp(join(tmpdir(), 'plugin-manager-'));
  const registry = join(root, 'plugins_registry');
  const controller = new AbortController();
  const { signal } = controller;
  const store = await openStore({ memory: true });
  const real = createLocalClient(
    await createRegistry({ store, clock: systemClock, random: seededRandom(1) }),
  );
  const hooks: { beforeGet?: () => void } = {};
  const client: typeof real = {
    ...real,
    get: (async (...call: Parameters<typeof real.get>) => {
      hooks.beforeGet?.();
      return real.get(...call);
    }) as typeof real.get,
  };
  const informers = new Informers({ client, clock: systemClock, random: seededRandom(2), log: silentLogger });
  const running = [informers.start(signal)];
  const stops: (() => Promise<void>)[] = [];
  if (options.node !== false) await client.create(nodes, { metadata: { name: NODE } });
  const drivers = new CsiDrivers(systemClock);
  const boot = () => {
    const manager = createPluginManager({
      host: createLinuxHost({ clock: systemClock }),
      client,
      informers,
      nodeName: NODE,
      nodeRoot: root,
      drivers,
      clock: systemClock,
      log: silentLogger,
    });
    running.push(manager.start(signal));
  };
  test.after(async () => {
    controller.abort();
    await Promise.all(running);
    for (const stop of stops) await stop();
    await fs.rm(root, { recursive: true });
  });

  /** A driver and its registration socket. */
  async function serve(driver: DriverOptions = {}) {
    await fs.mkdir(registry, { recursive: true });
    const shared = { clock: systemClock, log: silentLogger };
    const server = await serveCsi({
      ...shared,
      endpoint: join(root, 'csi.sock'),
      identity: { name: DRIVER, vendorVersion: '1' },
      node: {
        nodeGetInfo: () => ({
          nodeId: 'id-1',
          maxVolumesPerNode: 5n,
          accessibleTopology: driver.topology ? { segments: driver.topology } : undefined,
        }),
        nodePublishVolume: () => ({}),
        nodeUnpublishVolume: () => ({}),
      },
    });
    let told = false;
    const outcome = Promise.withResolvers<{ registered: boolean; error: string }>();
    const registration = await serveRegistration({
      ...shared,
      socketPath: join(registry, `${driver.registrationName ?? DRIVER}-reg.sock`),
      driverName: DRIVER,
      endpoint: join(root, 'csi.sock'),
      supportedVersions: driver.versions,
      onStatus(status) {
        told = true;
        outcome.resolve(status);
      },
    });
    const stop = async () => {
      await registration.stop({ graceMs: 0 });
      await server.stop({ graceMs: 0 });
    };
    stops.push(stop);
    return {
      stop,
      /** What the driver was told. */
      status: () => withDeadline(systemClock, 10_000, 'the registration status', outcome.promise),
      wasTold: () => told,
    };
  }

  const csiNode = (what: string, look: (node: Stored<CSINode>) => boolean) =>
    waitUntil(
      [informers.of(csiNodes)] as never,
      () => {
        const found = informers.of(csiNodes).get(NODE);
        return found && look(found) && found;
      },
      { clock: systemClock, limitMs: 10_000, what },
    );
  return { client, hooks, informers, drivers, boot, serve, csiNode, registry, root };
}

describe('the plugin manager', () => {
  it('registers a driver that is there, and lets it go with its socket', async (test) => {
    const { client, drivers, boot, serve, csiNode } = await start(test);
    const driver = await serve({ topology: { 'topology.example.org/zone': 'a' } });
    boot();
    assert.deepEqual(await driver.status(), { registered: true, error: '' });
    assert.ok(drivers.get(DRIVER));
    const node = await client.get(nodes, { name: NODE });
    assert.equal(node.metadata.labels?.['topology.example.org/zone'], 'a');
    assert.equal(node.metadata.annotations?.[NODE_IDS], `{"${DRIVER}":"id-1"}`);
    const registered = await csiNode('the driver in the CSINode', (each) => each.spec.drivers.length === 1);
    assert.deepEqual(registered.spec.drivers, [
      {
        name: DRIVER,
        nodeID: 'id-1',
        topologyKeys: ['topology.example.org/zone'],
        allocatable: { count: 5 },
      },
    ]);
    assert.equal(registered.metadata.ownerReferences?.[0]?.uid, node.metadata.uid);
    const { client: connection } = drivers.get(DRIVER)!;
    assert.equal((await connection.node.nodeGetInfo({})).nodeId, 'id-1');

    await driver.stop();
    await csiNode('the driver gone from the CSINode', (each) => each.spec.drivers.length === 0);
    assert.equal(drivers.get(DRIVER), undefined);
    const after = await waitForNode(client, (each) => each.metadata.annotations?.[NODE_IDS] === undefined);
    assert.equal(after.metadata.labels?.['topology.example.org/zone'], 'a', 'labels stay');
  });

  it('registers a driver that comes later, and again after its restart', async (test) => {
    const { boot, serve, csiNode, drivers } = await start(test);
    boot();
    await csiNode('an empty CSINode', (each) => each.spec.drivers.length === 0);
    const first = await serve();
    assert.equal((await first.status()).registered, true);
    await first.stop();
    await csiNode('the driver gone', (each) => each.spec.drivers.length === 0);
    const second = await serve();
    assert.equal((await second.status()).registered, true);
    await csiNode('the driver back', (each) => each.spec.drivers.length === 1);
    assert.ok(drivers.get(DRIVER));
  });

  it('takes its time when neither the old driver can be let go nor the new one be registered', async (test) => {
    const { hooks, boot, serve, csiNode } = await start(test);
    const first = await serve();
    boot();
    await csiNode('the driver', (each) => each.spec.drivers.length === 1);
    await first.status();
    const triesAtMs: number[] = [];
    const fourth = Promise.withResolvers<void>();
    hooks.beforeGet = () => {
      if (triesAtMs.push(systemClock.monotonic()) === 4) fourth.resolve();
      if (triesAtMs.length < 5) throw new Error('connect ECONNREFUSED 127.0.0.1:6443');
    };
    await first.stop();
    await serve();
    await withDeadline(systemClock, 10_000, 'the fourth try', fourth.promise);
    // The first back-off is half a second; a new socket takes back the one before.
    assert.ok(triesAtMs[3]! - triesAtMs[0]! > 450, `tries at ${triesAtMs}`);
  });

  it('waits for the node to be registered', async (test) => {
    const { client, boot, serve } = await start(test, { node: false });
    const driver = await serve();
    boot();
    await client.create(nodes, { metadata: { name: NODE } });
    assert.equal((await driver.status()).registered, true);
  });

  it('tells a driver why it is refused', async (test) => {
    const { client, boot, serve, drivers } = await start(test);
    await client.patch(
      nodes,
      { name: NODE },
      { type: 'merge', body: { metadata: { labels: { zone: 'b' } } } },
    );
    const driver = await serve({ topology: { zone: 'a' } });
    boot();
    const { registered, error } = await driver.status();
    assert.equal(registered, false);
    assert.match(
      error,
      /^RegisterPlugin error -- plugin registration failed with err: .*topology value collision/,
    );
    assert.equal(drivers.get(DRIVER), undefined);
  });

  it('refuses a driver that speaks no version it knows', async (test) => {
    const { boot, serve } = await start(test);
    const driver = await serve({ versions: ['2.0.0'] });
    boot();
    const { registered, error } = await driver.status();
    assert.equal(registered, false);
    assert.match(
      error,
      /plugin validation failed with err: validation failed for CSI Driver disk\.example\.org at endpoint .*csi\.sock: could not find/,
    );
  });

  it('replaces the CSINode of a former node of its name', async (test) => {
    const { client, boot, serve, csiNode } = await start(test);
    await client.create(csiNodes, {
      metadata: {
        name: NODE,
        ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: NODE, uid: 'former' }],
      },
      spec: { drivers: [{ name: 'old', nodeID: 'x' }] },
    });
    const driver = await serve();
    boot();
    await driver.status();
    const made = await csiNode('its own CSINode', (each) => each.spec.drivers[0]?.name === DRIVER);
    assert.equal(made.spec.drivers.length, 1);
  });

  it('heeds neither hidden files nor those that are no sockets', async (test) => {
    const { boot, csiNode, registry, serve } = await start(test);
    await fs.mkdir(registry, { recursive: true });
    await fs.writeFile(join(registry, 'readme'), 'x');
    const hidden = await serve({ registrationName: '.hidden' });
    boot();
    await csiNode('the CSINode', () => true);
    await hidden.stop();
    const driver = await serve({ registrationName: 'seen' });
    assert.equal((await driver.status()).registered, true);
    assert.equal(hidden.wasTold(), false);
  });
});

async function waitForNode(
  client: Awaited<ReturnType<typeof start>>['client'],
  look: (node: Stored<Node>) => boolean,
): Promise<Stored<Node>> {
  for await (const event of client.watch(nodes, { signal: AbortSignal.timeout(10_000) }))
    if (look(event.object)) return event.object;
  throw new Error('the node did not change as expected within 10 s');
}
