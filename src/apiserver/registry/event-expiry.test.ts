import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock, rfc3339, silentLogger, turn } from '../../base/index.ts';
import { type Event, events, type Stored } from '../../kube/index.ts';
import { openStore } from '../store/index.ts';
import { EventExpiry, lastWritten } from './event-expiry.ts';
import { startRegistry } from './testing.ts';

const MINUTE_MS = 60_000;
const eventNamed = (name: string) => ({
  metadata: { namespace: 'default', name },
  involvedObject: { kind: 'Pod', namespace: 'default', name: 'p' },
});

describe('events', () => {
  it('go an hour after they were last written', async () => {
    const { client, clock } = await startRegistry();
    const names = async () => (await client.list(events)).items.map((event) => event.metadata.name);
    await client.create(events, eventNamed('old'));
    await client.create(events, eventNamed('again'));
    await clock.advance(30 * MINUTE_MS);
    await client.create(events, eventNamed('young'));
    await client.patch(
      events,
      { namespace: 'default', name: 'again' },
      { type: 'merge', body: { count: 2 } },
    );
    await clock.advance(29 * MINUTE_MS);
    assert.deepEqual(await names(), ['again', 'old', 'young']);
    await clock.advance(2 * MINUTE_MS);
    assert.deepEqual(await names(), ['again', 'young']);
    await clock.advance(30 * MINUTE_MS);
    assert.deepEqual(await names(), []);
    assert.equal(clock.pending, 0);
  });

  it('of one burst go a hundred at a time', async () => {
    const { client, clock } = await startRegistry();
    const all = Array.from({ length: 250 }, (_, index) => client.create(events, eventNamed(`e-${index}`)));
    await Promise.all(all);
    const left = async () => (await client.list(events)).items.length;
    await clock.advance(60 * MINUTE_MS);
    const seen = [await left()];
    while (seen.at(-1)! > 0 && seen.length < 10) {
      await turn();
      await turn();
      await clock.advance(100);
      await turn();
      seen.push(await left());
    }
    assert.deepEqual(seen, [150, 50, 0]);
  });

  it('of an earlier run go by their own timestamps, once the start is over', async () => {
    const clock = new FakeClock();
    const store = await openStore({ memory: true, clock });
    const table = store.table('events');
    const put = async (name: string) => {
      const creationTimestamp = rfc3339(clock.now());
      const object = { metadata: { namespace: 'default', name, creationTimestamp } };
      await store.put(table, `default/${name}`, object).durable;
    };
    await put('old');
    await clock.advance(50 * MINUTE_MS);
    await put('young');
    const gone: string[] = [];
    const expiry = new EventExpiry({
      table,
      clock,
      log: silentLogger,
      ttlMs: 50 * MINUTE_MS,
      remove: async ({ metadata }) => gone.push(metadata.name),
    });
    await clock.advance(MINUTE_MS - 1);
    assert.deepEqual(gone, []);
    await clock.advance(1);
    assert.deepEqual(gone, ['old']);
    await clock.advance(49 * MINUTE_MS);
    assert.deepEqual(gone, ['old', 'young']);
    expiry.stop();
    assert.equal(clock.pending, 0);
    await store.close();
  });
});

describe('lastWritten', () => {
  const at = (minute: number) => new Date(minute * MINUTE_MS).toISOString();
  const event = (parts: object, created = 0) =>
    ({ metadata: { creationTimestamp: at(created) }, ...parts }) as unknown as Stored<Event>;
  const cases: [string, Stored<Event>, number][] = [
    ['its creation', event({}), 0],
    ['its last timestamp', event({ lastTimestamp: at(3) }), 3],
    ['its series', event({ lastTimestamp: at(3), series: { lastObservedTime: at(4) } }), 4],
    ['nothing in the future', event({ lastTimestamp: at(99) }), 0],
    ['now, when its creation is in the future', event({}, 99), 10],
  ];
  for (const [what, given, minute] of cases)
    it(`is ${what}`, () => assert.equal(lastWritten(given, 10 * MINUTE_MS), minute * MINUTE_MS));
});
