import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ContainerSetup, Runtime } from '../runtime/index.ts';
import { Preparations } from './preparations.ts';

const setup = (containerName: string, more: Partial<ContainerSetup> = {}) =>
  ({ containerName, hostname: 'web-0', attempt: 0, ...more }) as ContainerSetup;

function stage() {
  const told: string[] = [];
  const runtime: Pick<Runtime, 'prepare'> = {
    prepare({ containerName, attempt }) {
      told.push(`prepare ${containerName} ${attempt}`);
      return {
        start: () => Promise.reject(new Error('not here')),
        discard: async () => void told.push(`discard ${containerName} ${attempt}`),
      };
    },
  };
  return { told, preparations: new Preparations(runtime) };
}

describe('containers that are made ready', () => {
  it('are begun once, and given to whom wants exactly them, once', async () => {
    const { told, preparations } = stage();
    preparations.add(setup('main'));
    preparations.add(setup('main'));
    assert.ok(await preparations.take(setup('main')));
    assert.equal(await preparations.take(setup('main')), undefined);
    assert.equal(await preparations.take(setup('other')), undefined);
    await preparations.discard();
    assert.deepEqual(told, ['prepare main 0']);
  });

  it('go when something else is wanted by now', async () => {
    const { told, preparations } = stage();
    preparations.add(setup('main'));
    assert.equal(await preparations.take(setup('main', { attempt: 1 })), undefined);
    assert.deepEqual(told, ['prepare main 0', 'discard main 0']);
  });

  it('go when nobody has wanted them', async () => {
    const { told, preparations } = stage();
    for (const name of ['a', 'b', 'c']) preparations.add(setup(name));
    await preparations.take(setup('b'));
    await preparations.discard();
    await preparations.discard();
    assert.deepEqual(told.slice(3), ['discard a 0', 'discard c 0']);
  });
});
