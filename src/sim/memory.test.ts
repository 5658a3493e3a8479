import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { simulate } from './simulate.ts';

/** All controllers run in seeds of this size, and watch custom kinds: those of snapshots. */
const SEEDS = [1, 2, 3];
const TURNS = 100;

test('a world that has ended is forgotten, though nothing in it was ever asked to end', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const clients: WeakRef<object>[] = [];
  const remember = <T extends object>(client: T): T => {
    clients.push(new WeakRef(client));
    return client;
  };
  for (const seed of SEEDS)
    await simulate({ seed, only: [], faults: [] }, { sabotage: { client: remember } });
  const left = () => clients.filter((client) => client.deref() !== undefined).length;
  assert.ok(clients.length > 0);
  // What is still under way, or was looked at in this turn of the event loop, is kept for a few turns more.
  for (let turn = 0; turn < TURNS && left() > 0; turn++) {
    await setImmediate();
    collect();
  }
  assert.equal(left(), 0);
});
