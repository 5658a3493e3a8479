import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { FakeClock, silentLogger, systemClock, turn } from '../../base/index.ts';
import { type ControllerService, serveInMemory } from '../../csi/index.ts';
import {
  events,
  type Node,
  nodes,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  type Stored,
} from '../../kube/index.ts';
import { startStack } from '../../testing/component-stack.ts';
import { createHealthMonitor, type HealthMonitorOptions } from './index.ts';
import { judgeNode, type NodeMemory } from './node-health.ts';

const DRIVER = 'test.csi.example.org';
const MINUTE_MS = 60_000;

/** A driver whose volumes are as `conditions` says, and a monitor beside it. */
async function world(test: TestContext, by: 'list' | 'get', options: Partial<HealthMonitorOptions> = {}) {
  const clock = new FakeClock();
  const stack = await startStack(test, {
    watch: [persistentVolumes, persistentVolumeClaims, events, nodes, pods],
    clock,
  });
  const conditions = new Map<string, string>();
  const asked: string[] = [];
  const statusOf = (id: string) => ({
    volumeCondition: { abnormal: conditions.has(id), message: conditions.get(id) ?? '' },
  });
  const listed: ControllerService = {
    capabilities: ['VOLUME_CONDITION'],
    // Two pages.
    listVolumes: ({ startingToken }) => {
      asked.push(`list ${startingToken}`);
      const [id, nextToken] = startingToken === '' ? ['h-pv-0', 'more'] : ['h-pv-1', ''];
      return { nextToken, entries: [{ volume: { volumeId: id, capacityBytes: 1n }, status: statusOf(id) }] };
    },
  };
  const one: ControllerService = {
    capabilities: ['VOLUME_CONDITION'],
    controllerGetVolume: ({ volumeId }) => {
      asked.push(volumeId);
      return { volume: { volumeId, capacityBytes: 1n }, status: statusOf(volumeId) };
    },
  };
  const server = serveInMemory(
    { identity: { name: DRIVER, vendorVersion: '1' }, controller: by === 'list' ? listed : one },
    { clock: systemClock, log: silentLogger },
  );
  const csi = server.connect();
  test.after(() => csi.close());
  const { client } = stack;
  const addVolume = async (name: string, driver = DRIVER) => {
    const claimRef = { namespace: 'default', name: `claim-${name}` };
    await client.create(persistentVolumeClaims, {
      metadata: claimRef,
      spec: {
        accessModes: ['ReadWriteOnce'],
        resources: { requests: { storage: '1Gi' } },
        volumeName: name,
      },
    });
    const volume = await client.create(persistentVolumes, {
      metadata: { name },
      spec: {
        accessModes: ['ReadWriteOnce'],
        capacity: { storage: '1Gi' },
        csi: { driver, volumeHandle: `h-${name}` },
        claimRef,
      },
    });
    await client.update(
      persistentVolumes,
      { ...volume, status: { phase: 'Bound' } },
      { subresource: 'status' },
    );
  };
  const told = async () => {
    await stack.events();
    const { items } = await client.list(events);
    return items.map(
      ({ involvedObject, type, reason, message, count }) =>
        `${count} ${involvedObject.name} ${type} ${reason}: ${message}`,
    );
  };
  /** Until the monitor waits for its next interval. */
  const settle = async () => {
    for (let turns = 0; turns < 30; turns++) {
      await turn();
      await clock.advance(0);
    }
  };
  const pass = async (ms: number) => {
    await clock.advance(ms);
    await settle();
  };
  return {
    ...stack,
    clock,
    conditions,
    asked,
    addVolume,
    told,
    settle,
    pass,
    start: async () => {
      stack.run(createHealthMonitor(stack.context, { csi, ...options }));
      await settle();
    },
  };
}

describe('the health monitor', () => {
  it('tells the claim of an abnormal volume, and that it is well again, by lists of all pages', async (test) => {
    const { addVolume, conditions, start, pass, told, asked } = await world(test, 'list');
    for (const name of ['pv-0', 'pv-1']) await addVolume(name);
    await addVolume('pv-2', 'other.csi.example.org');
    conditions.set('h-pv-1', 'the disk clicks').set('h-pv-2', 'not asked for');
    await start();
    assert.deepEqual(await told(), ['1 claim-pv-1 Warning VolumeConditionAbnormal: the disk clicks']);
    conditions.clear();
    await pass(5 * MINUTE_MS);
    assert.deepEqual(asked, ['list ', 'list more', 'list ', 'list more']);
    assert.deepEqual(await told(), [
      '1 claim-pv-1 Warning VolumeConditionAbnormal: the disk clicks',
      '1 claim-pv-1 Normal VolumeConditionNormal: The Volume returns to the healthy state',
    ]);
  });

  it('asks one by one, in turns, so many each minute, where the driver cannot list', async (test) => {
    const { addVolume, conditions, start, pass, told, asked } = await world(test, 'get', {
      workerThreads: 1,
    });
    for (const name of ['pv-0', 'pv-1']) await addVolume(name);
    conditions.set('h-pv-1', 'gone');
    await start();
    for (let minute = 0; minute < 3; minute++) await pass(MINUTE_MS);
    assert.deepEqual(new Set(asked.slice(0, 2)), new Set(['h-pv-0', 'h-pv-1']));
    assert.deepEqual(asked.slice(2), asked.slice(0, 2));
    assert.deepEqual(await told(), ['2 claim-pv-1 Warning VolumeConditionAbnormal: gone']);
  });

  it('tells the claims of pods on a node that failed or went, when it is to watch nodes', async (test) => {
    const { addVolume, start, pass, told, client } = await world(test, 'get', { enableNodeWatcher: true });
    await addVolume('pv-0');
    const node = await client.create(nodes, { metadata: { name: 'n1' } });
    const claim = { claimName: 'claim-pv-0' };
    for (const [name, nodeName] of [
      ['here', 'n1'],
      ['there', 'n2'],
    ])
      await client.create(pods, {
        metadata: { name, namespace: 'default' },
        spec: {
          nodeName,
          containers: [{ name: 'c', image: 'i' }],
          volumes: [{ name: 'v', persistentVolumeClaim: claim }],
        },
      });
    const condition = (status: string) => ({ conditions: [{ type: 'Ready', status }] });
    const update = (status: string) =>
      client.patch(
        nodes,
        { name: 'n1' },
        { type: 'merge', body: { status: condition(status) } },
        { subresource: 'status' },
      );
    assert.ok(node);
    await update('Unknown');
    await start();
    await pass(5 * MINUTE_MS);
    await pass(5 * MINUTE_MS);
    const failed =
      'Warning NodeFailed: Pods: [ here ] consuming PVC: claim-pv-0 in namespace: default are now on a failed node: n1';
    assert.deepEqual(await told(), [`1 claim-pv-0 ${failed}`]);
    await update('True');
    await pass(0);
    assert.deepEqual(await told(), [
      `1 claim-pv-0 ${failed}`,
      '1 claim-pv-0 Warning NodeRecovered: Node: n1 recovered',
    ]);
    await client.delete(nodes, { name: 'n1' });
    await pass(0);
    assert.equal((await told())[0], `2 claim-pv-0 ${failed}`);
  });
});

describe('whether a node has failed', () => {
  const node = (status: string | undefined, phase?: string) =>
    ({ status: { phase, conditions: status ? [{ type: 'Ready', status }] : [] } }) as unknown as Stored<Node>;
  const table: [what: string, Node, NodeMemory, nowMs: number, ReturnType<typeof judgeNode>][] = [
    ['ready', node('True'), {}, 0, { memory: {} }],
    ['ready again, in time', node('True'), { notReadySinceMs: 1 }, 9, { memory: {} }],
    ['ready again', node('True'), { failed: true }, 9, { news: 'recovered', memory: {} }],
    ['not ready for the first time', node('Unknown'), {}, 7, { memory: { notReadySinceMs: 7 } }],
    ['for five minutes', node('False'), { notReadySinceMs: 0 }, 300_000, { memory: { notReadySinceMs: 0 } }],
    [
      'for longer',
      node('False'),
      { notReadySinceMs: 0 },
      300_001,
      { news: 'failed', memory: { failed: true } },
    ],
    ['terminated', node(undefined, 'Terminated'), {}, 0, { news: 'failed', memory: { failed: true } }],
    ['that says nothing', node(undefined), {}, 0, { memory: {} }],
  ];
  for (const [what, object, memory, nowMs, verdict] of table)
    it(what, () => assert.deepEqual(judgeNode(object, memory, nowMs), verdict));
});
