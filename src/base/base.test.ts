import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { backoffDelay } from './backoff.ts';
import { rfc3339, rfc3339Micro, sleep, TimeoutError, withDeadline } from './clock.ts';
import { FakeClock } from './fake-clock.ts';
import { createLogger } from './log.ts';
import { nameSuffix, seededRandom, systemRandom } from './random.ts';
import { Trace, type TraceRecord } from './trace.ts';

describe('clock', () => {
  it('fires timers in the order of their times', async () => {
    const clock = new FakeClock(0);
    const fired: string[] = [];
    clock.after(20, () => fired.push('b'));
    clock.after(10, () => fired.push('a'));
    clock.after(20, () => fired.push('c'));
    clock.after(15, () => fired.push('never')).cancel();
    await clock.advance(20);
    assert.deepEqual(fired, ['a', 'b', 'c']);
    assert.equal(clock.now(), 20);
  });

  it('a sleep ends with its signal', async () => {
    const clock = new FakeClock(0);
    const stop = new AbortController();
    const slept = sleep(clock, 1000, stop.signal);
    stop.abort(new Error('stopped'));
    await assert.rejects(slept, /stopped/);
    assert.equal(clock.pending, 0);
  });

  it('a deadline names what was late', async () => {
    const clock = new FakeClock(0);
    const late = withDeadline(clock, 2000, 'the attach', new Promise(() => undefined));
    const failed = assert.rejects(
      late,
      (error) => error instanceof TimeoutError && /the attach: .* 2s/.test(error.message),
    );
    await clock.advance(2000);
    await failed;
  });

  it('writes times as the API does', () => {
    assert.equal(rfc3339(1_700_000_000_123), '2023-11-14T22:13:20Z');
    assert.equal(rfc3339Micro(1_700_000_000_123), '2023-11-14T22:13:20.123000Z');
  });
});

describe('random', () => {
  it('the same seed gives the same sequence', () => {
    const draw = (seed: number) => {
      const random = seededRandom(seed);
      return [random.next(), random.uuid(), nameSuffix(random)];
    };
    assert.deepEqual(draw(7), draw(7));
    assert.notDeepEqual(draw(7), draw(8));
  });

  it('makes version 4 UUIDs', () => {
    assert.match(
      systemRandom.uuid(),
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
  });
});

it('back-off doubles up to its limit', () => {
  const delays = [1, 2, 3, 4, 5].map((failures) => backoffDelay({ initialMs: 500, maxMs: 3000 }, failures));
  assert.deepEqual(delays, [500, 1000, 2000, 3000, 3000]);
});

it('a log line carries its fields and leaves out what is below its level', () => {
  const lines: string[] = [];
  const log = createLogger({ level: 'info', now: () => 5, sink: (line) => lines.push(line) });
  log.debug('no');
  log.child({ node: 'n1' }).warn('mount failed', { error: new Error('busy') });
  assert.equal(lines.length, 1);
  const { error, ...rest } = JSON.parse(lines[0]!);
  assert.deepEqual(rest, { time: 5, level: 'warn', message: 'mount failed', node: 'n1' });
  assert.equal(error.message, 'busy');
});

describe('trace', () => {
  it('tells of begin and end once, with the time it took', async () => {
    const clock = new FakeClock(1000);
    const trace = new Trace(clock);
    const seen: TraceRecord[] = [];
    trace.subscribe((record) => seen.push(record));
    const span = trace.begin('node', 'mount', 'default/data', { pod: 'p' });
    await clock.advance(30);
    span.fail('busy', { path: '/x' });
    span.ok();
    assert.equal(seen.length, 2);
    assert.equal(seen[0]!.end, undefined);
    assert.deepEqual(seen[1], {
      journey: 'default/data',
      step: 'mount',
      component: 'node',
      begin: 1000,
      end: 1030,
      durationMs: 30,
      outcome: 'failed',
      reason: 'busy',
      attributes: { pod: 'p', path: '/x' },
    });
    assert.deepEqual(trace.ended('other'), []);
  });

  it('keeps a bounded number of records', () => {
    const trace = new Trace(new FakeClock(), 3);
    for (let i = 0; i < 5; i++) trace.begin('c', 's', `j${i}`).ok();
    assert.deepEqual(
      trace.ended().map((record) => record.journey),
      ['j2', 'j3', 'j4'],
    );
  });
});
