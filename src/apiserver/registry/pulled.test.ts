import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Pulled } from './pulled.ts';

/** Hands out what is put in, until it is closed. */
function source() {
  const values: number[] = [];
  let closed = false;
  let cleaned = 0;
  let ring = () => {};
  const pulled = new Pulled<number>(function* (bell) {
    ring = bell;
    try {
      while (!closed) {
        const value = values.shift();
        if (value === -1) throw new Error('minus one');
        yield value;
      }
    } finally {
      cleaned++;
    }
  });
  return {
    pulled,
    put(...more: number[]) {
      values.push(...more);
      ring();
    },
    close() {
      closed = true;
      ring();
    },
    cleaned: () => cleaned,
  };
}

describe('pulled', () => {
  it('hands over what is there, and waits for what is not', async () => {
    const { pulled, put, close, cleaned } = source();
    const first = pulled.next();
    put(1, 2);
    assert.deepEqual(await first, { done: false, value: 1 });
    assert.deepEqual(await pulled.next(), { done: false, value: 2 });
    const last = pulled.next();
    close();
    assert.deepEqual(await last, { done: true, value: undefined });
    assert.deepEqual(await pulled.next(), { done: true, value: undefined });
    assert.equal(cleaned(), 1);
  });

  it('answers calls in their order when several wait', async () => {
    const { pulled, put } = source();
    const all = Promise.all([pulled.next(), pulled.next(), pulled.next()]);
    put(1);
    put(2, 3);
    assert.deepEqual(
      (await all).map(({ value }) => value),
      [1, 2, 3],
    );
  });

  it('passes on what goes wrong, and has ended then', async () => {
    const { pulled, put, cleaned } = source();
    const failed = assert.rejects(pulled.next(), /minus one/);
    put(-1);
    await failed;
    assert.equal((await pulled.next()).done, true);
    assert.equal(cleaned(), 1);
  });

  it('cleans up when the reader leaves, also one who still waits', async () => {
    const { pulled, put, cleaned } = source();
    const waiting = pulled.next();
    await pulled.return();
    assert.deepEqual(await waiting, { done: true, value: undefined });
    assert.equal(cleaned(), 1);
    put(1);
    assert.equal((await pulled.next()).done, true);
  });

  it('can be read by for await', async () => {
    const { pulled, put, cleaned } = source();
    put(1, 2, 3);
    const seen: number[] = [];
    for await (const value of pulled) {
      seen.push(value);
      if (value === 2) break;
    }
    assert.deepEqual(seen, [1, 2]);
    assert.equal(cleaned(), 1);
  });
});
