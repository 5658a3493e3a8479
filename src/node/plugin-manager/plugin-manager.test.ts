import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { FakeClock, systemClock } from '../../base/index.ts';
import { csiNodes, type Node, nodes, type Stored } from '../../kube/index.ts';
import { DRIVER, NODE, start } from './plugin-manager.test-support.ts';

const NODE_IDS = 'csi.volume.kubernetes.io/nodeid';

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
    const clock = new FakeClock(systemClock.now());
    const { hooks, boot, serve, csiNode, backoffs } = await start(test, { clock });
    const first = await serve();
    boot();
    await csiNode('the driver', (each) => each.spec.drivers.length === 1);
    await first.status();
    hooks.beforeGet = () => {
      throw new Error('connect ECONNREFUSED 127.0.0.1:6443');
    };
    await first.stop();
    assert.deepEqual(await backoffs(1), [500]);
    const second = await serve();
    await clock.advance(501);
    assert.deepEqual(await backoffs(2), [500, 1000]);
    await clock.advance(1_001);
    assert.deepEqual(await backoffs(3), [500, 1000, 2000]);
    assert.equal(second.wasTold(), false);
    hooks.beforeGet = undefined;
    await clock.advance(2_001);
    assert.equal((await second.status()).registered, true);
  });

  it('makes the CSINode as soon as the server can be reached', async (test) => {
    const clock = new FakeClock(systemClock.now());
    const { client, hooks, boot, csiNode, backoffs } = await start(test, { clock });
    hooks.beforeGet = () => {
      throw new Error('connect ECONNREFUSED 127.0.0.1:6443');
    };
    boot();
    await backoffs(1);
    await clock.advance(30);
    await backoffs(2);
    hooks.beforeGet = undefined;
    await clock.advance(239);
    await assert.rejects(client.get(csiNodes, { name: NODE }), /not found/);
    await clock.advance(1);
    await csiNode('the CSINode', ({ spec }) => spec.drivers.length === 0);
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
      /plugin validation failed with err: validation failed for CSI Driver disk\.example\.org at endpoint .*csi\.sock: kubernetes\.io\/csi: ValidatePlugin for CSI driver "disk\.example\.org" failed\. None of the versions specified \["2\.0\.0"\] are supported/,
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
  for await (const event of client.watch(nodes, { signal: AbortSignal.timeout(60_000) }))
    if (look(event.object)) return event.object;
  throw new Error('the node did not change as expected within a minute');
}
