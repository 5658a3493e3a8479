import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock, turn } from '../../base/index.ts';
import { type OperationKey, PendingOperations } from './pending-operations.ts';

const forever = () => new Promise<void>(() => undefined);
const fail = () => Promise.reject(new Error('no'));

describe('which operations may run beside each other', () => {
  const cases: [running: OperationKey, asked: OperationKey, starts: boolean][] = [
    [{ volume: 'v' }, { volume: 'v' }, false],
    [{ volume: 'v' }, { volume: 'w' }, true],
    [{ volume: 'v' }, { volume: 'v', pod: 'p' }, false],
    [{ volume: 'v', pod: 'p' }, { volume: 'v' }, false],
    [{ volume: 'v', pod: 'p' }, { volume: 'v', pod: 'p' }, false],
    [{ volume: 'v', pod: 'p' }, { volume: 'v', pod: 'q' }, true],
    [{ volume: 'v', node: 'n' }, { volume: 'v', node: 'n' }, false],
    [{ volume: 'v', node: 'n' }, { volume: 'v', node: 'm' }, true],
    [{ volume: 'v', node: 'n' }, { volume: 'v' }, false],
    [{ volume: 'v' }, { volume: 'v', node: 'n' }, false],
  ];
  for (const [running, asked, starts] of cases) {
    it(`${JSON.stringify(asked)} ${starts ? 'starts' : 'does not start'} beside ${JSON.stringify(running)}`, () => {
      const operations = new PendingOperations({ clock: new FakeClock() });
      assert.equal(operations.run(running, 'a', forever), true);
      assert.equal(operations.isPending(asked), !starts);
      assert.equal(operations.run(asked, 'b', forever), starts);
    });
  }
});

describe('back-off of a failed operation', () => {
  it('is 500 ms, doubles with each failure up to 2 min 2 s, and ends with a success', async () => {
    const clock = new FakeClock();
    const operations = new PendingOperations({ clock });
    const key = { volume: 'v', node: 'n' };
    for (const delayMs of [500, 1000, 2000, 4000, 8000, 16000, 32000, 64000, 122000, 122000]) {
      assert.equal(operations.run(key, 'attach', fail), true);
      await turn();
      await clock.advance(delayMs - 1);
      assert.equal(operations.run(key, 'attach', fail), false, `before ${delayMs} ms`);
      await clock.advance(1);
    }
    assert.equal(
      operations.run(key, 'attach', async () => undefined),
      true,
    );
    await operations.idle();
    assert.equal(operations.run(key, 'attach', fail), true, 'a success resets the back-off');
  });

  it('holds back only the same operation', async () => {
    const operations = new PendingOperations({ clock: new FakeClock() });
    operations.run({ volume: 'v' }, 'attach', fail);
    await operations.idle();
    assert.equal(operations.refusal({ volume: 'v' }, 'attach'), 'back-off');
    assert.equal(operations.refusal({ volume: 'v' }, 'detach'), undefined);
    assert.equal(operations.isPending({ volume: 'v' }), false);
  });

  it('is forgotten with its volume', async () => {
    const operations = new PendingOperations({ clock: new FakeClock() });
    operations.run({ volume: 'v' }, 'attach', fail);
    await operations.idle();
    operations.forget('v');
    assert.equal(operations.refusal({ volume: 'v' }, 'attach'), undefined);
  });

  it('tells when an operation has ended, when the next may start', async () => {
    const ended: string[] = [];
    const operations = new PendingOperations({
      clock: new FakeClock(),
      settled: (key, error) => ended.push(`${key.volume} ${error} ${operations.isPending(key)}`),
    });
    operations.run({ volume: 'v' }, 'attach', fail);
    operations.run({ volume: 'w' }, 'attach', async () => undefined);
    assert.equal(operations.running, 2);
    await operations.idle();
    assert.deepEqual(ended.sort(), ['v Error: no false', 'w undefined false']);
  });
});
