import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createLocalClient, createRegistry, openStore } from '../apiserver/index.ts';
import { FakeClock, rfc3339Micro, seededRandom, silentLogger, systemClock } from '../base/index.ts';
import { configMaps, events } from '../kube/index.ts';
import { Controller } from './controller.ts';
import { Recorder } from './recorder.ts';

const clock = systemClock;

async function cluster() {
  const store = await openStore({ memory: true });
  return createLocalClient(await createRegistry({ store, clock, random: seededRandom(1) }));
}

describe('event recorder', () => {
  it('counts a repeat instead of writing it again, and names its source', async () => {
    const client = await cluster();
    const recorder = new Recorder({
      client,
      clock,
      random: seededRandom(1),
      log: silentLogger,
      component: 'tester',
      host: 'node-1',
    });
    const subject = await client.create(configMaps, { metadata: { name: 'a', namespace: 'default' } });
    for (let i = 0; i < 3; i++) recorder.event(subject, 'Warning', 'Broken', 'it broke');
    recorder.event(subject, 'Normal', 'Mended', 'x'.repeat(2000));
    await recorder.flush();
    const { items } = await client.list(events, { namespace: 'default' });
    const byReason = new Map(items.map((event) => [event.reason, event]));
    assert.equal(items.length, 2);
    assert.equal(byReason.get('Broken')?.count, 3);
    assert.deepEqual(byReason.get('Broken')?.source, { component: 'tester', host: 'node-1' });
    assert.equal(byReason.get('Broken')?.involvedObject.uid, subject.metadata.uid);
    assert.equal(byReason.get('Mended')?.message?.length, 1024);
  });

  it('tells what was done in the newer form: a repeat makes it a series, which ends', async () => {
    const client = await cluster();
    const time = new FakeClock();
    const recorder = new Recorder({
      client,
      clock: time,
      random: seededRandom(1),
      log: silentLogger,
      component: 'tester',
      host: 'here',
    });
    const subject = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'default', name: 'a', uid: 'u' };
    const related = { ...subject, name: 'b', uid: 'v' };
    const record = () => {
      recorder.event(subject, 'Normal', 'Moved', 'it moved', { action: 'Moving', related });
      return recorder.flush();
    };
    const told = async () => (await client.list(events)).items;
    await record();
    const [first] = await told();
    const { metadata, ...rest } = first!;
    assert.match(metadata.name, /^a\.[0-9a-f]+$/);
    assert.deepEqual(rest, {
      apiVersion: 'v1',
      kind: 'Event',
      eventTime: rfc3339Micro(time.now()),
      reportingComponent: 'tester',
      reportingInstance: 'tester-here',
      action: 'Moving',
      involvedObject: subject,
      related,
      type: 'Normal',
      reason: 'Moved',
      message: 'it moved',
      source: {},
      firstTimestamp: null,
      lastTimestamp: null,
    });
    await time.advance(5 * 60_000);
    await record();
    await time.advance(5 * 60_000);
    await record();
    const [series, ...others] = await told();
    assert.deepEqual(series?.series, { count: 3, lastObservedTime: rfc3339Micro(time.now()) });
    assert.equal(others.length, 0);
    await time.advance(7 * 60_000);
    await record();
    assert.equal((await told()).length, 2);
  });

  it('writes anew an event that was deleted in between', async () => {
    const client = await cluster();
    const recorder = new Recorder({
      client,
      clock,
      random: seededRandom(1),
      log: silentLogger,
      component: 'tester',
    });
    const subject = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'default', name: 'a', uid: 'u' };
    recorder.event(subject, 'Normal', 'Seen', 'once');
    await recorder.flush();
    await client.deleteCollection(events, { namespace: 'default' });
    recorder.event(subject, 'Normal', 'Seen', 'once');
    await recorder.flush();
    assert.equal((await client.list(events)).items[0]?.count, 1);
  });

  it('does not flood a server that comes back: what gathered meanwhile goes at once', async () => {
    const client = await cluster();
    const back = Promise.withResolvers<void>();
    let requests = 0;
    const recorder = new Recorder({
      client: {
        ...client,
        async create(resource, object, options) {
          requests++;
          await back.promise;
          return client.create(resource, object, options);
        },
        patch(resource, name, patch, options) {
          requests++;
          return client.patch(resource, name, patch, options);
        },
      },
      clock,
      random: seededRandom(1),
      log: silentLogger,
      component: 'tester',
    });
    const subject = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'default', name: 'a', uid: 'u' };
    const record = () => {
      recorder.event(subject, 'Warning', 'Broken', 'it broke');
      return recorder.flush();
    };
    const first = record();
    // The first is under way from here on.
    await Promise.resolve();
    const flushed = Promise.all([first, ...Array.from({ length: 50 }, record)]);
    back.resolve();
    await flushed;
    assert.equal(requests, 2);
    assert.equal((await client.list(events)).items[0]?.count, 51);
  });
});

describe('controller', () => {
  it('tries a failed key again, and looks again when asked to', async () => {
    const stop = new AbortController();
    const calls: string[] = [];
    const controller = new Controller({
      name: 'test',
      clock,
      log: silentLogger,
      backoff: { initialMs: 1, maxMs: 2 },
      async reconcile(key) {
        calls.push(key);
        if (calls.length === 1) throw new Error('not yet');
        if (calls.length === 2) return 1;
        stop.abort();
        return undefined;
      },
    });
    controller.enqueue('a');
    await controller.run(stop.signal);
    assert.deepEqual(calls, ['a', 'a', 'a']);
  });

  it('ends with what it holds finished', async () => {
    const stop = new AbortController();
    let finished = false;
    const controller = new Controller({
      name: 'test',
      clock,
      log: silentLogger,
      async reconcile() {
        stop.abort();
        await new Promise((resolve) => setImmediate(resolve));
        finished = true;
      },
    });
    controller.enqueue('a');
    await controller.run(stop.signal);
    assert.equal(finished, true);
  });
});
