import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock, turn } from '../../base/index.ts';
import type { Client } from '../../client/index.ts';
import { nodes } from '../../kube/index.ts';
import { unique, world } from './world.test-support.ts';

describe('attach/detach controller: what fails', () => {
  it('does not detach a volume that the node could not be told about, and reports it as attached again', async (test) => {
    const clock = new FakeClock();
    let refusals = 0;
    const w = await world(test, clock, (client: Client) => ({
      ...client,
      list: client.list.bind(client),
      watch: client.watch.bind(client),
      get: client.get.bind(client),
      patch: async (resource, name, patch, options) => {
        if ((resource as unknown) === nodes && refusals > 0 && refusals--) throw new Error('no');
        return client.patch(resource, name, patch, options);
      },
    }));
    w.start();
    await w.attachedOnce();
    refusals = 1;
    await w.setNode('n', { volumesInUse: [] });
    await w.deletePod('p');
    await w.noPod();
    await turn();
    assert.equal(refusals, 0);
    assert.deepEqual(w.plugin.calls, ['attach v n']);
    const node = await w.client.get(nodes, { name: 'n' });
    assert.deepEqual(
      node.status?.volumesAttached?.map(({ name }) => name),
      [unique('v')],
    );
    await clock.advance(2_000);
    await w.noAttachment();
    assert.deepEqual(w.plugin.calls, ['attach v n', 'detach v n']);
  });

  it('attaches again where a detach has failed and a pod wants it once more, and nowhere else', async (test) => {
    const w = await world(test, new FakeClock());
    w.plugin.onDetach = async () => {
      throw new Error('cannot let go');
    };
    w.start();
    await w.attachedOnce();
    await w.addNode('m');
    await w.setNode('n', { volumesInUse: [] });
    await w.deletePod('p');
    await w.attached('n');
    await turn();
    assert.deepEqual(w.plugin.calls, ['attach v n', 'detach v n']);
    await w.addPod('again', 'v', 'n');
    await w.attached('n', 'v');
    await w.addPod('elsewhere', 'v', 'm');
    await w.until('the third', () => w.pods.size === 2);
    await turn();
    assert.deepEqual(w.plugin.calls, ['attach v n', 'detach v n', 'attach v n']);
    const told = await w.events();
    assert.ok(
      told.some((text) => /Multi-Attach error .* used by pod\(s\) again$/.test(text)),
      told.join('\n'),
    );
  });

  it('takes a volume that may be attached from its node before another gets it', async (test) => {
    const clock = new FakeClock();
    const w = await world(test, clock);
    w.plugin.onAttach = async (node) => {
      if (node === 'n') throw new Error('timed out');
    };
    w.start();
    await w.wantedOnce();
    await w.addNode('m');
    await w.deletePod('p');
    await w.addPod('q', 'v', 'm');
    await w.until('the second alone', () => w.pods.get('q', 'default') && w.pods.size === 1);
    await clock.advance(2_000);
    await w.attached('m', 'v');
    assert.deepEqual(w.plugin.calls, ['attach v n', 'detach v n', 'attach v m']);
  });
});
