import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createLocalClient, createRegistry, openStore } from '../apiserver/index.ts';
import { seededRandom, silentLogger, systemClock } from '../base/index.ts';
import { type ConfigMap, configMaps, expired, keyOf } from '../kube/index.ts';
import type { Client } from './client.ts';
import { Informer, Informers } from './informer.ts';
import { waitUntil } from './wait.ts';

const clock = systemClock;
const random = seededRandom(1);
const deadline = (what: string) => ({ clock, limitMs: 30_000, what });

async function cluster() {
  const store = await openStore({ memory: true });
  const client = createLocalClient(await createRegistry({ store, clock, random }));
  return client;
}

const map = (name: string, data: Record<string, string> = {}): ConfigMap => ({
  metadata: { name, namespace: 'default', labels: { color: data.color ?? 'none' } },
  data,
});

async function running<T>(client: Client, work: (informer: Informer<ConfigMap>) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  const informer = new Informer(configMaps, { client, clock, random, log: silentLogger });
  const run = informer.run(stop.signal);
  try {
    return await work(informer);
  } finally {
    stop.abort();
    await run;
  }
}

describe('informer', () => {
  it('tells of what was there, of changes with the previous state, and of the last state of what goes', async () => {
    const client = await cluster();
    await client.create(configMaps, map('a', { v: '1' }));
    await running(client, async (informer) => {
      const seen: string[] = [];
      informer.on({
        added: (object) => seen.push(`added ${keyOf(object)}`),
        updated: (object, previous) => seen.push(`updated ${previous.data?.v} to ${object.data?.v}`),
        deleted: (object) => seen.push(`deleted ${object.data?.v}`),
      });
      await informer.synced;
      await client.update(configMaps, map('a', { v: '2' }));
      await client.delete(configMaps, { namespace: 'default', name: 'a' });
      await waitUntil([informer], () => seen.length === 3, deadline('three calls'));
      assert.deepEqual(seen, ['added default/a', 'updated 1 to 2', 'deleted 2']);
      assert.equal(informer.size, 0);
    });
  });

  it('keeps its indexes as objects change', async () => {
    const client = await cluster();
    await running(client, async (informer) => {
      informer.addIndex('color', (object) => [object.metadata.labels?.color ?? '']);
      await client.create(configMaps, map('a', { color: 'red' }));
      await waitUntil([informer], () => informer.byIndex('color', 'red').length === 1, deadline('red'));
      await client.update(configMaps, map('a', { color: 'blue' }));
      await waitUntil([informer], () => informer.byIndex('color', 'blue').length === 1, deadline('blue'));
      assert.deepEqual(informer.byIndex('color', 'red'), []);
      assert.throws(() => informer.byIndex('size', 'x'), /no index "size"/);
    });
  });

  it('tells who wants few objects of those only, of their coming and going too', async () => {
    const client = await cluster();
    await client.create(configMaps, map('a', { color: 'red' }));
    await client.create(configMaps, map('b', { color: 'blue' }));
    await running(client, async (informer) => {
      await informer.synced;
      informer.addIndex('color', (object) => [object.metadata.labels?.color ?? '']);
      const heard: string[] = [];
      const tell = (what: string) => (object: { metadata: { name?: string } }) =>
        heard.push(`${what} ${object.metadata.name}`);
      const handler = { added: tell('added'), updated: tell('updated'), deleted: tell('deleted') };
      const stop = informer.on(handler, { index: 'color', value: 'red' });
      await client.update(configMaps, map('b', { color: 'green' }));
      await client.update(configMaps, map('b', { color: 'red' }));
      await client.update(configMaps, map('a', { color: 'blue' }));
      await client.update(configMaps, map('a', { color: 'green' }));
      await client.delete(configMaps, { namespace: 'default', name: 'b' });
      await waitUntil([informer], () => informer.size === 1, deadline('the deletion'));
      assert.deepEqual(heard, ['added a', 'updated b', 'updated a', 'deleted b']);
      stop();
      await client.create(configMaps, map('c', { color: 'red' }));
      await waitUntil([informer], () => informer.size === 2, deadline('another'));
      assert.equal(heard.length, 4);
    });
  });

  it('lists again when its version is too old, and tells the difference', async () => {
    const client = await cluster();
    await client.create(configMaps, map('stays'));
    await client.create(configMaps, map('goes'));
    const breaks = Promise.withResolvers<void>();
    let watches = 0;
    const flaky: Client = {
      ...client,
      list: client.list.bind(client),
      watch(resource, options) {
        watches++;
        if (watches > 1) return client.watch(resource, options);
        return {
          [Symbol.asyncIterator]: () => ({
            next: () => breaks.promise.then(() => Promise.reject(expired('too old'))),
          }),
        };
      },
    };
    await running(flaky, async (informer) => {
      const deleted: string[] = [];
      informer.on({ deleted: (object) => deleted.push(keyOf(object)) });
      await informer.synced;
      await client.delete(configMaps, { namespace: 'default', name: 'goes' });
      await client.create(configMaps, map('new'));
      breaks.resolve();
      await waitUntil(
        [informer],
        () => informer.get('new', 'default') && deleted.length === 1,
        deadline('the difference'),
      );
      assert.deepEqual(deleted, ['default/goes']);
      assert.ok(informer.get('stays', 'default'));
    });
  });

  it('goes on after a watch that broke off from the last event, and never back in time', async () => {
    const client = await cluster();
    await client.create(configMaps, map('a'));
    const breaks = Promise.withResolvers<never>();
    let watches = 0;
    const flaky: Client = {
      ...client,
      async *watch(resource, options) {
        const first = watches++ === 0;
        const events = client.watch(resource, options)[Symbol.asyncIterator]();
        for (;;) {
          const next = await (first ? Promise.race([events.next(), breaks.promise]) : events.next());
          if (next.done) return;
          yield next.value;
        }
      },
    };
    await running(flaky, async (informer) => {
      const seen: string[] = [];
      informer.on({
        added: ({ metadata }) => seen.push(`added ${metadata.name}`),
        deleted: ({ metadata }) => seen.push(`deleted ${metadata.name}`),
      });
      await informer.synced;
      await client.create(configMaps, map('b'));
      await client.delete(configMaps, { namespace: 'default', name: 'b' });
      await waitUntil([informer], () => seen.length === 3, deadline('the first watch'));
      breaks.reject(new Error('unexpected EOF'));
      await client.create(configMaps, map('c'));
      await waitUntil([informer], () => seen.includes('added c'), deadline('the second watch'));
      assert.deepEqual(seen, ['added a', 'added b', 'deleted b', 'added c']);
    });
  });

  it('one handler that fails does not keep the others from hearing', async () => {
    const client = await cluster();
    await running(client, async (informer) => {
      let heard = 0;
      informer.on({
        added() {
          throw new Error('broken handler');
        },
      });
      informer.on({ added: () => heard++ });
      await client.create(configMaps, map('a'));
      await waitUntil([informer], () => heard === 1, deadline('the second handler'));
    });
  });
});

describe('shared informers', () => {
  it('are one a resource, and run from the moment they are asked for', async () => {
    const client = await cluster();
    const stop = new AbortController();
    const informers = new Informers({ client, clock, random, log: silentLogger });
    const run = informers.start(stop.signal);
    const informer = informers.of(configMaps);
    assert.equal(informers.of(configMaps), informer);
    await Informers.synced(stop.signal, informer);
    assert.equal(informer.hasSynced, true);
    stop.abort();
    await run;
  });
});
