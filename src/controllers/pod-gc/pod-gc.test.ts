import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock, turn } from '../../base/index.ts';
import { nodes, pods } from '../../kube/index.ts';
import { startStack } from '../../testing/component-stack.ts';
import { createPodGc } from './index.ts';

describe('pod garbage collector', () => {
  it('deletes the pods of a node that has been gone for the quarantine, as Failed', async (test) => {
    const clock = new FakeClock();
    const phases: (string | undefined)[] = [];
    const stack = await startStack(test, { clock, watch: [pods, nodes] });
    const { client, context } = stack;
    const informer = context.informers.of(pods);
    informer.on({ deleted: ({ status }) => phases.push(status?.phase) });
    await client.create(nodes, { metadata: { name: 'here' } });
    for (const nodeName of ['here', 'gone']) {
      await client.create(pods, {
        metadata: { name: `on-${nodeName}`, namespace: 'default' },
        spec: { nodeName, containers: [{ name: 'c', image: 'i' }] },
      });
    }
    stack.run(createPodGc(context));
    await stack.until('both pods', () => informer.size === 2);
    await turn();
    await clock.advance(39_000);
    assert.equal(informer.size, 2);
    await clock.advance(21_000);
    await stack.until('one pod', () => informer.size === 1);
    assert.ok(informer.get('on-here', 'default'));
    assert.deepEqual(phases, ['Failed']);
  });
});
