import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { type EventsV1Event, events, eventsV1, type StatusError } from '../../../kube/index.ts';
import { type Fixture, startRegistry } from '../testing.ts';

let fixture: Fixture;
beforeEach(async () => {
  fixture = await startRegistry();
});

const event = (name: string): EventsV1Event => ({
  metadata: { namespace: 'default', name },
  eventTime: '2026-01-01T00:00:00.000000Z',
  reportingController: 'example.com/tester',
  reportingInstance: 'tester-1',
  action: 'Testing',
  reason: 'Tested',
  type: 'Normal',
  note: 'it works',
  regarding: { kind: 'Pod', namespace: 'default', name: 'p' },
});

describe('events of events.k8s.io', () => {
  it('are those of core/v1 in another form', async () => {
    const { client } = fixture;
    const made = await client.create(eventsV1, event('e'));
    assert.equal(made.apiVersion, 'events.k8s.io/v1');
    assert.equal(made.note, 'it works');
    const core = await client.get(events, { namespace: 'default', name: 'e' });
    assert.equal(core.apiVersion, 'v1');
    assert.equal(core.message, 'it works');
    assert.equal(core.involvedObject?.name, 'p');
    assert.equal(core.reportingComponent, 'example.com/tester');
    const { source, firstTimestamp, lastTimestamp } = core;
    assert.deepEqual([source, firstTimestamp, lastTimestamp], [{}, null, null]);
    const old = await client.create(events, {
      metadata: { namespace: 'default', name: 'old' },
      involvedObject: { kind: 'Pod', namespace: 'default', name: 'q' },
      message: 'as before',
      count: 3,
    });
    const list = await client.list(eventsV1, { fieldSelector: 'regarding.name=q' });
    assert.deepEqual(
      list.items.map((one) => [one.apiVersion, one.note, one.deprecatedCount, one.metadata.uid]),
      [['events.k8s.io/v1', 'as before', 3, old.metadata.uid]],
    );
    const patched = await client.patch(
      eventsV1,
      { namespace: 'default', name: 'e' },
      { type: 'strategic', body: { series: { count: 2, lastObservedTime: '2026-01-01T00:00:01.000000Z' } } },
    );
    assert.equal(patched.series?.count, 2);
    await client.delete(eventsV1, { namespace: 'default', name: 'old' });
    assert.equal((await client.list(events)).items.length, 1);
  });

  it('are seen by watches of either form', async () => {
    const { client } = fixture;
    const abort = new AbortController();
    const seen = client.watch(eventsV1, { signal: abort.signal })[Symbol.asyncIterator]();
    const first = seen.next();
    await client.create(events, {
      metadata: { namespace: 'default', name: 'w' },
      involvedObject: { kind: 'Pod', namespace: 'default', name: 'q' },
      message: 'm',
    });
    const { value } = await first;
    assert.deepEqual(
      [value.type, value.object.apiVersion, value.object.note],
      ['ADDED', 'events.k8s.io/v1', 'm'],
    );
    abort.abort();
    await seen.next();
  });

  it('must be complete', async () => {
    const bare = { metadata: { namespace: 'default', name: 'x' }, eventTime: undefined as never };
    await assert.rejects(fixture.client.create(eventsV1, bare), (error: StatusError) => {
      const fields = error.status.details?.causes?.map((cause) => cause.field);
      assert.deepEqual(fields, [
        ...['reportingController', 'reportingController', 'reportingController', 'reportingInstance'],
        ...['action', 'reason', 'eventTime', 'type'],
      ]);
      return error.code === 422;
    });
  });
});
