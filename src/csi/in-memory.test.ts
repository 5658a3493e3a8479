import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock, silentLogger } from '../base/index.ts';
import { serveInMemory } from './in-memory.ts';
import { driver, gate } from './test-support.ts';

const log = silentLogger;

describe('a driver in memory', { timeout: 120_000 }, () => {
  it('has deadlines of the simulated clock', async () => {
    const clock = new FakeClock();
    const never = new Promise<never>(() => {});
    const client = serveInMemory(driver({ node: { nodeGetInfo: () => never } }), { clock, log }).connect();
    let outcome: unknown;
    const call = client.node.nodeGetInfo({}, { timeoutMs: 60_000 }).catch((error: unknown) => {
      outcome = error;
    });
    await clock.advance(59_999);
    assert.equal(outcome, undefined);
    await clock.advance(1);
    await call;
    assert.equal((outcome as unknown as { codeName: string }).codeName, 'DEADLINE_EXCEEDED');
  });

  it('leaves no timer behind', async () => {
    const clock = new FakeClock();
    const client = serveInMemory(driver({ node: { nodeGetInfo: () => ({}) } }), { clock, log }).connect();
    await client.node.nodeGetInfo();
    assert.equal(clock.pending, 0);
  });

  it('that stops breaks off running calls and answers no more', async () => {
    const clock = new FakeClock();
    const entered = gate();
    const aborted = gate();
    const nodeGetInfo = async (_request: unknown, { signal }: { signal: AbortSignal }) => {
      signal.addEventListener('abort', () => aborted.open());
      entered.open();
      await aborted.opened;
      return {};
    };
    const served = serveInMemory(driver({ node: { nodeGetInfo } }), { clock, log });
    const client = served.connect();
    const call = client.node.nodeGetInfo();
    await entered.opened;
    served.stop();
    await assert.rejects(call, { codeName: 'UNAVAILABLE' });
    await aborted.opened;
    await assert.rejects(client.node.nodeGetInfo(), { codeName: 'UNAVAILABLE' });
  });

  it('is found again when it starts again, also by calls that wait for it', async () => {
    const clock = new FakeClock();
    const named = (nodeId: string) => driver({ node: { nodeGetInfo: () => ({ nodeId }) } });
    const served = serveInMemory(named('first'), { clock, log });
    const client = served.connect();
    served.stop();
    const waiting = client.node.nodeGetInfo({}, { waitForReady: true });
    const impatient = client.node.nodeGetInfo({}, { waitForReady: true, timeoutMs: 10 });
    const late = assert.rejects(impatient, { codeName: 'DEADLINE_EXCEEDED' });
    await clock.advance(10);
    await late;
    served.start(named('second'));
    assert.equal((await waiting).nodeId, 'second');
    assert.equal((await client.node.nodeGetInfo()).nodeId, 'second');
    assert.equal(clock.pending, 0);
  });

  it('shares its locks among clients, and no object with them', async () => {
    const release = gate();
    const seen: Record<string, string>[] = [];
    const served = serveInMemory(
      driver({
        controller: {
          createVolume: () => ({}),
          deleteVolume: async () => {
            await release.opened;
            return {};
          },
          async getCapacity(request) {
            seen.push(request.parameters);
            request.parameters.changed = 'by the driver';
            return {};
          },
        },
      }),
      { clock: new FakeClock(), log },
    );
    const [a, b] = [served.connect(), served.connect()];
    const first = a.controller.deleteVolume({ volumeId: 'v' });
    await assert.rejects(b.controller.deleteVolume({ volumeId: 'v' }), { codeName: 'ABORTED' });
    release.open();
    await first;
    const parameters = { pool: 'p' };
    await a.controller.getCapacity({ parameters });
    assert.deepEqual(parameters, { pool: 'p' });
    assert.equal(seen[0]?.pool, 'p');
  });
});
