import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { errorMessage, FakeClock, turn } from '../../base/index.ts';
import { world } from './world.test-support.ts';

describe('attach/detach controller: attaching', () => {
  it('attaches the volume of a scheduled pod, tells the node, the pod and the trace; detaches when the pod is gone', async (test) => {
    const w = await world(test);
    w.start();
    await w.attachedOnce();
    assert.deepEqual(await w.events(), [
      'SuccessfulAttachVolume: AttachVolume.Attach succeeded for volume "v" ',
    ]);
    await w.deletePod('p');
    await w.attached('n');
    await w.noAttachment();
    // Who watches may hear of a deletion before the deleter has his answer.
    await turn();
    assert.deepEqual(w.plugin.calls, ['attach v n', 'detach v n']);
    const steps = w.context.trace.ended('default/v');
    assert.deepEqual(
      steps.map(({ step, outcome, attributes }) => [step, outcome, attributes]),
      [
        ['attach', 'ok', { pod: 'default/p', node: 'n', volume: 'v' }],
        ['detach', 'ok', { node: 'n', volume: 'v' }],
      ],
    );
  });

  it('attaches whatever of node, claim, volume and pod comes last', async (test) => {
    const w = await world(test);
    w.start();
    await w.addPod('p', 'v', 'n');
    await w.addVolume('v');
    await w.addNode('n');
    await w.attached('n', 'v');
    await w.addPod('q', 'w', 'n');
    await w.addVolume('w');
    await w.attached('n', 'v', 'w');
  });

  it('refuses a ReadWriteOnce volume to a second node, naming its user, until the first lets go', async (test) => {
    const w = await world(test);
    w.start();
    await w.addNode('n');
    await w.addNode('m');
    await w.addVolume('v');
    await w.addPod('p', 'v', 'n');
    await w.attached('n', 'v');
    await w.addPod('q', 'v', 'm');
    await w.setNode('m', { volumesInUse: [] });
    await turn();
    const told = await w.events();
    assert.equal(
      told.at(-1),
      'FailedAttachVolume: Multi-Attach error for volume "v" Volume is already used by pod(s) p',
    );
    assert.equal(told.length, 2, 'told once');
    await w.deletePod('p');
    await w.attached('n');
    await w.attached('m', 'v');
    assert.deepEqual(w.plugin.calls, ['attach v n', 'detach v n', 'attach v m']);
  });

  it('attaches a ReadWriteMany volume to several nodes at once', async (test) => {
    const w = await world(test);
    const both = Promise.withResolvers<void>();
    const waiting = new Set<string>();
    w.plugin.onAttach = async (node) => {
      waiting.add(node);
      if (waiting.size === 2) both.resolve();
      await both.promise;
    };
    w.start();
    for (const node of ['n', 'm']) await w.addNode(node);
    await w.addVolume('v', 'ReadWriteMany');
    await w.addPod('p', 'v', 'n');
    await w.addPod('q', 'v', 'm');
    await w.attached('n', 'v');
    await w.attached('m', 'v');
  });

  it('tries a failed attach again after its back-off and tells the pod why', async (test) => {
    const clock = new FakeClock();
    const w = await world(test, clock);
    let failures = 2;
    w.plugin.onAttach = async () => {
      if (failures-- > 0) throw new Error('no room');
    };
    w.start();
    await w.addNode('n');
    await w.addVolume('v');
    await w.addPod('p', 'v', 'n');
    const tries = () => w.plugin.calls.length;
    await w.until('the pod', () => w.pods.size === 1);
    await turn();
    assert.equal(tries(), 1);
    await clock.advance(400);
    assert.equal(tries(), 1);
    await clock.advance(200);
    assert.equal(tries(), 2);
    await clock.advance(1_100);
    assert.equal(tries(), 3);
    await w.attached('n', 'v');
    assert.equal(
      (await w.events()).at(0),
      'FailedAttachVolume: AttachVolume.Attach failed for volume "v" : no room',
    );
  });

  it('stops at once although an attach is under way', async (test) => {
    const w = await world(test);
    w.plugin.onAttach = (_node, signal) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    const stop = w.start();
    await w.wantedOnce();
    assert.deepEqual(w.plugin.calls, ['attach v n']);
    await stop();
    assert.deepEqual(await w.events(), []);
  });

  it('forgets a volume that turns out not to be attachable', async (test) => {
    const clock = new FakeClock();
    const w = await world(test, clock);
    w.plugin.onAttach = async () => {
      throw new Error('nobody attaches this');
    };
    w.start();
    await w.wantedOnce();
    w.plugin.attachable = false;
    await clock.advance(61_000);
    const tries = w.plugin.calls.filter((call) => call.startsWith('attach')).length;
    await clock.advance(600_000);
    assert.equal(w.plugin.calls.filter((call) => call.startsWith('attach')).length, tries);
    assert.match(errorMessage(w.plugin.calls.at(-1)), /^detach v n/);
  });
});
