import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createSimulatedHost, Machine, NETWORK_FS } from '../../host/simulated/index.ts';
import { NetworkStorage } from './network-storage.ts';

const ALONE = { readOnly: false, exclusive: true };
const TOGETHER = { readOnly: false, exclusive: false };

function setUp() {
  const maker = new Machine(
    'maker',
    () => 0,
    () => 0,
  );
  const storage = new NetworkStorage((device) => maker.newFileSystem('netfs', device, true));
  storage.create('v', 1n);
  let reachable = true;
  const machine = new Machine(
    'n1',
    () => 0,
    () => 0,
    { storage, reachable: () => reachable },
  );
  for (const path of ['/staging', '/pod']) machine.makeDirectory(path);
  const { mounts, files } = createSimulatedHost(machine, () => 0);
  const stage = () => mounts.mount({ source: 'v', target: '/staging', fsType: NETWORK_FS });
  return { storage, mounts, stage, files, cut: () => (reachable = false) };
}

describe('network storage', () => {
  it('is for one node at a time when either of two wants it for itself', () => {
    const { storage } = setUp();
    storage.grant('v', 'n1', TOGETHER);
    assert.equal(storage.holdsOff('v', 'n2', false), undefined);
    assert.equal(storage.holdsOff('v', 'n2', true), 'n1');
    storage.grant('v', 'n1', ALONE);
    assert.equal(storage.holdsOff('v', 'n2', false), 'n1');
    assert.equal(storage.holdsOff('v', 'n1', true), undefined);
    storage.revoke('v', 'n1');
    assert.equal(storage.holdsOff('v', 'n2', true), undefined);
  });

  it('can be mounted only with a grant, and over a network', async () => {
    const { storage, stage, cut } = setUp();
    await assert.rejects(stage(), { code: 'EACCES' });
    storage.grant('v', 'n1', ALONE);
    cut();
    await assert.rejects(stage(), { code: 'EHOSTUNREACH' });
  });

  it('leaves stale what was mounted under a grant that is gone, also when there is a new one', async () => {
    const { storage, stage, mounts, files } = setUp();
    storage.grant('v', 'n1', ALONE);
    await stage();
    await mounts.mount({ source: '/staging', target: '/pod', options: ['bind'] });
    await files.write('/pod/file', 'data');
    storage.revoke('v', 'n1');
    storage.grant('v', 'n1', ALONE);
    for (const path of ['/staging', '/pod/file']) await assert.rejects(files.stat(path), { code: 'ESTALE' });
    for (const target of ['/pod', '/staging']) await mounts.unmount(target);
    await stage();
    assert.equal(await files.read('/staging/file'), 'data');
  });
});
