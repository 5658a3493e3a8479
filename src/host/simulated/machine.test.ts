import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createSimulatedHost } from './host.ts';
import { Machine } from './machine.ts';

/** A machine whose power cuts take all that they may. */
const unlucky = () =>
  new Machine(
    'm',
    () => 0,
    (limit) => limit - 1,
  );

describe('a simulated machine that loses its power', () => {
  it('has its devices again, also when that comes as soon as it runs', async () => {
    const machine = unlucky();
    const { files, loops, mounts } = createSimulatedHost(machine, () => 0);
    machine.reboot();
    await files.allocate('/disk.img', 1n);
    await files.write('/target', '');
    const source = await loops.attach('/disk.img');
    await mounts.mount({ source, target: '/target', options: ['bind'] });
    assert.equal(await mounts.isMountPoint('/target'), true);
  });

  it('may lose what was not made durable, and keeps the rest', async () => {
    const machine = unlucky();
    const { files } = createSimulatedHost(machine, () => 0);
    await files.write('/durable', '');
    await files.syncDirectory('/');
    await files.write('/fresh', '');
    machine.reboot();
    assert.equal((await files.stat('/durable'))?.kind, 'file');
    assert.equal(await files.stat('/fresh'), undefined);
  });
});
