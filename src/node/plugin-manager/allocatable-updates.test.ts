import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { FakeClock, systemClock } from '../../base/index.ts';
import { waitUntil } from '../../client/index.ts';
import { type CSIDriver, csiDrivers, csiNodes } from '../../kube/index.ts';
import { DRIVER, NODE, start } from './plugin-manager.test-support.ts';

const every10Seconds = { nodeAllocatableUpdatePeriodSeconds: 10 };

async function startNode(test: TestContext) {
  const clock = new FakeClock(systemClock.now());
  const stack = await start(test, { clock });
  let asked = 0;
  /** A registered driver that takes one volume more each time that it is asked. */
  const register = async () => {
    const driver = await stack.serve({ maxVolumes: () => BigInt(++asked) });
    await driver.status();
    return driver;
  };
  const informer = stack.informers.of(csiDrivers);
  const seen = (what: string, look: (object: CSIDriver | undefined) => unknown) =>
    waitUntil([informer] as never, () => look(informer.get(DRIVER)) || undefined, {
      clock: systemClock,
      limitMs: 60_000,
      what,
    });
  const count = async () => {
    const { spec } = await stack.client.get(csiNodes, { name: NODE });
    return spec.drivers[0]?.allocatable?.count;
  };
  return {
    ...stack,
    clock,
    register,
    seen,
    count,
    asked: () => asked,
    counted: (wanted: number) =>
      stack.csiNode(`${wanted} volumes`, ({ spec }) => spec.drivers[0]?.allocatable?.count === wanted),
  };
}

async function startDriver(test: TestContext) {
  const stack = await startNode(test);
  stack.boot();
  await stack.register();
  return stack;
}

describe('how many volumes a node takes', () => {
  it('is asked as often as the CSIDriver object says, while it says so', async (test) => {
    const { client, clock, seen, counted, asked } = await startDriver(test);
    await clock.advance(60_000);
    assert.equal(asked(), 1, 'at the registration only: there is no object');
    const object = await client.create(csiDrivers, { metadata: { name: DRIVER }, spec: every10Seconds });
    await seen('the object', (found) => found);
    await clock.advance(10_000);
    await counted(2);
    await clock.advance(9_000);
    assert.equal(asked(), 2);
    await clock.advance(1_000);
    await counted(3);
    await client.update(csiDrivers, {
      ...object,
      spec: { ...object.spec, nodeAllocatableUpdatePeriodSeconds: 20 },
    });
    await seen('the change', (found) => found?.spec.nodeAllocatableUpdatePeriodSeconds === 20);
    await clock.advance(19_000);
    assert.equal(asked(), 3);
    await clock.advance(1_000);
    await counted(4);
    await client.delete(csiDrivers, { name: DRIVER });
    await seen('the end of the object', (found) => !found);
    await clock.advance(60_000);
    assert.equal(asked(), 4);
  });

  it('is asked of a driver that comes after its object, until it goes', async (test) => {
    const { client, clock, seen, counted, drivers, register, csiNode, boot } = await startNode(test);
    boot();
    await client.create(csiDrivers, { metadata: { name: DRIVER }, spec: every10Seconds });
    await seen('the object', (found) => found);
    const driver = await register();
    await clock.advance(10_000);
    await counted(2);
    const update = test.mock.method(drivers.get(DRIVER)!, 'updateNodeInfo');
    await driver.stop();
    await csiNode('the driver gone', ({ spec }) => spec.drivers.length === 0);
    await clock.advance(60_000);
    assert.equal(update.mock.callCount(), 0);
  });

  it('is asked by who could not attach for want of room', async (test) => {
    const { drivers, counted, count } = await startDriver(test);
    assert.equal(await count(), 1);
    await drivers.get(DRIVER)!.updateNodeInfo(new AbortController().signal);
    await counted(2);
  });
});
