import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { FakeClock } from '../../base/index.ts';
import { nodes, pods, type Taint, type Toleration } from '../../kube/index.ts';
import { startStack } from '../../testing/component-stack.ts';
import { createTaintEvictionController } from './index.ts';

const TAINT: Taint = { key: 'lost', effect: 'NoExecute' };

async function world(test: TestContext) {
  const clock = new FakeClock();
  const stack = await startStack(test, { clock, watch: [nodes, pods] });
  const { client, context, until } = stack;
  const informer = context.informers.of(pods);
  const deleted: string[] = [];
  informer.on({ deleted: ({ metadata, status }) => deleted.push(`${metadata.name}: ${reasonOf(status)}`) });
  await client.create(nodes, { metadata: { name: 'n' } });
  stack.run(createTaintEvictionController(context));
  return {
    ...stack,
    clock,
    deleted,
    leaving: (name: string) => {
      const pod = informer.get(name, 'default');
      return !pod || pod.metadata.deletionTimestamp !== undefined;
    },
    reason: (name: string) => reasonOf(informer.get(name, 'default')?.status),
    taint: (...taints: Taint[]) =>
      client.patch(nodes, { name: 'n' }, { type: 'merge', body: { spec: { taints } } }),
    async addPod(name: string, tolerations: Toleration[] = [], nodeName: string | null = 'n') {
      await client.create(pods, {
        metadata: { name, namespace: 'default' },
        spec: { nodeName: nodeName ?? undefined, tolerations, containers: [{ name: 'c', image: 'i' }] },
      });
      await until(`pod ${name}`, () => informer.get(name, 'default'));
    },
    /** All of the node's taints have been seen. */
    seen: (count: number) =>
      until('the taints', () => (context.informers.of(nodes).get('n')?.spec?.taints ?? []).length === count),
  };
}

function reasonOf(status: { conditions?: readonly { type: string; reason?: string }[] } | undefined) {
  return status?.conditions?.find(({ type }) => type === 'DisruptionTarget')?.reason;
}

const tolerate = (seconds?: number): Toleration[] => [
  { key: 'lost', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: seconds },
];

describe('taint eviction controller', () => {
  it('deletes pods that do not tolerate the taint, others after their time, and says why', async (test) => {
    const w = await world(test);
    await w.addPod('none');
    await w.addPod('minute', tolerate(60));
    await w.addPod('ever', tolerate());
    await w.taint({ key: 'soft', effect: 'NoSchedule' });
    await w.seen(1);
    await w.taint(TAINT);
    await w.until('the first', () => w.leaving('none'));
    assert.equal(w.reason('none') ?? w.deleted[0], 'DeletionByTaintManager');
    await w.clock.advance(59_000);
    assert.equal(w.leaving('minute'), false);
    await w.clock.advance(1_000);
    await w.until('the second', () => w.leaving('minute'));
    await w.clock.advance(600_000);
    assert.equal(w.leaving('ever'), false);
    const evicted = (await w.events()).filter((text) => text.startsWith('TaintManagerEviction'));
    assert.deepEqual(evicted.sort(), [
      'TaintManagerEviction: Marking for deletion Pod default/minute',
      'TaintManagerEviction: Marking for deletion Pod default/none',
    ]);
  });

  it('calls it off when the taint goes in time', async (test) => {
    const w = await world(test);
    await w.addPod('p', tolerate(60));
    await w.taint(TAINT);
    await w.seen(1);
    await w.clock.advance(50_000);
    await w.taint();
    await w.seen(0);
    await w.clock.advance(50_000);
    assert.equal(w.leaving('p'), false);
    assert.deepEqual(await w.events(), ['TaintManagerEviction: Cancelling deletion of Pod default/p']);
    await w.taint(TAINT);
    await w.seen(1);
    await w.clock.advance(59_000);
    assert.equal(w.leaving('p'), false);
    await w.clock.advance(1_000);
    await w.until('the eviction', () => w.leaving('p'));
  });

  it('evicts at once when a second taint is not tolerated', async (test) => {
    const w = await world(test);
    await w.addPod('p', tolerate(60));
    await w.taint(TAINT);
    await w.seen(1);
    await w.taint(TAINT, { key: 'node.kubernetes.io/out-of-service', effect: 'NoExecute' });
    await w.until('the eviction', () => w.leaving('p'));
    assert.deepEqual(await w.events(), [
      'TaintManagerEviction: Cancelling deletion of Pod default/p',
      'TaintManagerEviction: Marking for deletion Pod default/p',
    ]);
  });

  it('sees pods that come to a tainted node', async (test) => {
    const w = await world(test);
    await w.taint(TAINT);
    await w.seen(1);
    await w.addPod('free', [], null);
    await w.client.createSubresource(pods, { namespace: 'default', name: 'free' }, 'binding', {
      metadata: { name: 'free', namespace: 'default' },
      target: { kind: 'Node', name: 'n' },
    });
    await w.until('the eviction', () => w.leaving('free'));
  });

  it('spares a pod of the same name that came after', async (test) => {
    const w = await world(test);
    await w.addPod('p', tolerate(60));
    await w.taint(TAINT);
    await w.seen(1);
    await w.clock.advance(30_000);
    await w.client.delete(pods, { namespace: 'default', name: 'p' }, { gracePeriodSeconds: 0 });
    await w.until('it gone', () => w.deleted.length === 1);
    await w.addPod('p', tolerate(60));
    await w.clock.advance(40_000);
    assert.equal(w.leaving('p'), false);
    await w.clock.advance(20_000);
    await w.until('the eviction', () => w.leaving('p'));
  });
});
