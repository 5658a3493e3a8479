import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { createLocalClient, createRegistry, openStore } from '../../apiserver/index.ts';
import { aborted, FakeClock, seededRandom, silentLogger } from '../../base/index.ts';
import { leases } from '../../kube/index.ts';
import type { Client } from '../client.ts';
import { LeaderElector, type LeaderElectorOptions, LeadershipLostError } from './leader-elector.ts';

const lease = { namespace: 'default', name: 'lock' };

async function cluster(test: TestContext) {
  const store = await openStore({ memory: true });
  const registry = await createRegistry({ store, clock: new FakeClock(), random: seededRandom(1) });
  test.after(() => registry.close());
  return createLocalClient(registry);
}

/** A candidate with a clock of its own: one that stands still is a process that is frozen. */
function candidate(
  test: TestContext,
  client: Client,
  identity: string,
  options: Partial<LeaderElectorOptions> = {},
) {
  const clock = new FakeClock();
  const random = seededRandom(7);
  const elector = new LeaderElector({
    client,
    clock,
    random,
    log: silentLogger,
    lease,
    identity,
    ...options,
  });
  const stop = new AbortController();
  const state = { leads: false, ended: undefined as string | undefined };
  const done = elector
    .run(async (signal) => {
      state.leads = true;
      await aborted(signal);
      state.leads = false;
    }, stop.signal)
    .then(
      () => {
        state.ended = 'stopped';
      },
      (error: Error) => {
        state.ended = error.name;
      },
    );
  test.after(async () => {
    stop.abort();
    await done;
  });
  return { clock, elector, state, stop: () => stop.abort(), done };
}

type Candidate = ReturnType<typeof candidate>;

/** Lets seconds pass for these, side by side. */
async function pass(seconds: number, ...candidates: Candidate[]) {
  for (let second = 0; second < seconds; second++)
    for (const { clock } of candidates) {
      await clock.advance(1_000);
      // The answers of the server take some turns.
      for (let turn = 0; turn < 5; turn++) await clock.advance(0);
    }
}

describe('leader election', () => {
  it('lets one of two work; the other begins when the lease has stood still for its duration', async (test) => {
    const client = await cluster(test);
    const a = candidate(test, client, 'a');
    await pass(1, a);
    const b = candidate(test, client, 'b');
    await pass(60, a, b);
    assert.deepEqual([a.state.leads, b.state.leads], [true, false]);
    // a is frozen from here on.
    await pass(12, b);
    assert.equal(b.state.leads, false);
    await pass(10, b);
    assert.equal(b.state.leads, true);
    const { spec } = await client.get(leases, lease);
    assert.equal(spec?.holderIdentity, 'b');
    assert.equal(spec?.leaseTransitions, 1);
    assert.equal(spec?.leaseDurationSeconds, 15);
    // It thaws, and learns that it has lost.
    await pass(15, a, b);
    assert.deepEqual([a.state.leads, a.state.ended, b.state.leads], [false, LeadershipLostError.name, true]);
  });

  it('gives up when it could not renew for its deadline, before others may begin', async (test) => {
    const client = await cluster(test);
    let answers = true;
    const cut: Client = {
      ...client,
      get: (...args) => (answers ? client.get(...args) : new Promise(() => undefined)),
      update: (...args) => (answers ? client.update(...args) : new Promise(() => undefined)),
    };
    const a = candidate(test, cut, 'a');
    await pass(1, a);
    assert.equal(a.state.leads, true);
    answers = false;
    await pass(9, a);
    assert.equal(a.state.leads, true);
    await pass(4, a);
    assert.deepEqual([a.state.leads, a.state.ended], [false, LeadershipLostError.name]);
    assert.ok(a.elector.staleMs <= 15_000);
  });

  it('goes on over a server that fails now and then', async (test) => {
    const client = await cluster(test);
    let requests = 0;
    const flaky: Client = {
      ...client,
      update: (...args) =>
        requests++ % 3 === 0 ? Promise.reject(new Error('connection refused')) : client.update(...args),
    };
    const a = candidate(test, flaky, 'a');
    await pass(120, a);
    assert.equal(a.state.leads, true);
  });

  it('lets go of each renewal once it is over', async (test) => {
    const client = await cluster(test);
    const signals: AbortSignal[] = [];
    const seen: Client = {
      ...client,
      update(resource, object, options) {
        if (options?.signal) signals.push(options.signal);
        return client.update(resource, object, options);
      },
    };
    const a = candidate(test, seen, 'a');
    await pass(30, a);
    assert.equal(a.state.leads, true);
    assert.ok(signals.length > 5);
    assert.ok(signals.slice(0, -1).every(({ aborted: over }) => over));
  });

  for (const [releaseOnCancel, soon] of [
    [true, true],
    [false, false],
  ] as const)
    it(`${soon ? 'with' : 'without'} releaseOnCancel the next ${soon ? 'begins at once' : 'waits'}`, async (test) => {
      const client = await cluster(test);
      const a = candidate(test, client, 'a', { releaseOnCancel });
      await pass(1, a);
      const b = candidate(test, client, 'b');
      await pass(5, a, b);
      a.stop();
      await pass(1, a);
      await a.done;
      assert.equal(a.state.ended, 'stopped');
      await pass(5, b);
      assert.equal(b.state.leads, soon);
      await pass(15, b);
      assert.equal(b.state.leads, true);
    });

  it('ends with what the work ends with', async (test) => {
    const client = await cluster(test);
    const clock = new FakeClock();
    const elector = new LeaderElector({
      client,
      clock,
      random: seededRandom(1),
      log: silentLogger,
      lease,
      identity: 'a',
    });
    const work = async () => {
      throw new Error('cannot go on');
    };
    await assert.rejects(elector.run(work, new AbortController().signal), /cannot go on/);
  });

  it('does not begin with durations that do not fit together', async (test) => {
    const client = await cluster(test);
    assert.throws(
      () => candidate(test, client, 'a', { leaseDurationMs: 5_000 }),
      /leaseDuration must be greater than renewDeadline/,
    );
  });
});
