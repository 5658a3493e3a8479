import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { FakeClock, rfc3339, rfc3339Micro } from '../../base/index.ts';
import { leases, nodes, pods } from '../../kube/index.ts';
import { startStack } from '../../testing/component-stack.ts';
import { createNodeLifecycleController } from './index.ts';

async function world(test: TestContext) {
  const clock = new FakeClock();
  const stack = await startStack(test, { clock, watch: [nodes, pods, leases] });
  const { client, context, until } = stack;
  const nodeInformer = context.informers.of(nodes);
  const podInformer = context.informers.of(pods);
  const beating = new Set<string>();
  const taintsOf = (name: string) =>
    (nodeInformer.get(name)?.spec?.taints ?? [])
      .map(({ key, effect }) => `${key.replace('node.kubernetes.io/', '')}:${effect}`)
      .sort()
      .join();
  const readyOf = (name: string) =>
    nodeInformer.get(name)?.status?.conditions?.find(({ type }) => type === 'Ready');

  async function beat(): Promise<void> {
    const spec = { renewTime: rfc3339Micro(clock.now()) };
    for (const name of beating) {
      await client.patch(leases, { namespace: 'kube-node-lease', name }, { type: 'merge', body: { spec } });
      await until(`the lease of ${name}`, () => {
        const lease = context.informers.of(leases).get(name, 'kube-node-lease');
        return lease?.spec?.renewTime === spec.renewTime;
      });
    }
  }

  return {
    ...stack,
    clock,
    taintsOf,
    readyOf,
    /** A node that is ready and beats. */
    async addNode(name: string, labels: Record<string, string> = {}) {
      await client.create(leases, { metadata: { name, namespace: 'kube-node-lease' } });
      await client.create(nodes, { metadata: { name, labels } });
      await this.setReady(name, 'True');
      beating.add(name);
    },
    setReady(name: string, status: string) {
      const lastHeartbeatTime = rfc3339(clock.now());
      const conditions = [
        { type: 'Ready', status, lastHeartbeatTime, lastTransitionTime: lastHeartbeatTime },
      ];
      const body = { status: { conditions } };
      return client.patch(nodes, { name }, { type: 'merge', body }, { subresource: 'status' });
    },
    async addReadyPod(name: string, nodeName?: string) {
      await client.create(pods, {
        metadata: { name, namespace: 'default' },
        spec: { nodeName, containers: [{ name: 'c', image: 'i' }] },
      });
      const body = { status: { conditions: [{ type: 'Ready', status: 'True' }] } };
      await client.patch(
        pods,
        { namespace: 'default', name },
        { type: 'merge', body },
        { subresource: 'status' },
      );
      await until(`pod ${name}`, () => podInformer.get(name, 'default')?.status?.conditions?.length);
    },
    podReady: (name: string) =>
      podInformer.get(name, 'default')?.status?.conditions?.find(({ type }) => type === 'Ready')?.status,
    silence: (name: string) => beating.delete(name),
    beats: (name: string) => beating.add(name),
    /** Seconds pass, with the heartbeats of those that beat. */
    async pass(seconds: number) {
      for (let left = seconds; left > 0; left -= 5) {
        await beat();
        await clock.advance(5_000);
      }
    },
  };
}

describe('node lifecycle controller', () => {
  it('gives up a silent node after its grace: conditions, taints, pods, events; and takes it back', async (test) => {
    const w = await world(test);
    await w.addNode('alive');
    await w.addNode('lost');
    await w.addReadyPod('p', 'lost');
    w.run(createNodeLifecycleController(w.context));
    await w.pass(20);
    w.silence('lost');
    await w.pass(45);
    assert.equal(w.readyOf('lost')?.status, 'True');
    await w.pass(15);
    await w.until('Unknown', () => w.readyOf('lost')?.status === 'Unknown');
    assert.equal(w.readyOf('lost')?.reason, 'NodeStatusUnknown');
    await w.until('both taints', () => w.taintsOf('lost') === 'unreachable:NoExecute,unreachable:NoSchedule');
    await w.until('the pod not ready', () => w.podReady('p') === 'False');
    assert.equal(w.taintsOf('alive'), '');

    await w.setReady('lost', 'True');
    w.beats('lost');
    await w.pass(5);
    await w.until('no taints', () => w.taintsOf('lost') === '');
    assert.deepEqual((await w.events()).sort(), [
      'NodeNotReady: Node is not ready',
      'NodeNotReady: Node lost status is now: NodeNotReady',
      'RegisteredNode: Node alive event: Registered Node alive in Controller',
      'RegisteredNode: Node lost event: Registered Node lost in Controller',
    ]);
  });

  it('changes not-ready to unreachable at once, and taints by conditions of the kubelet', async (test) => {
    const w = await world(test);
    await w.addNode('alive');
    await w.addNode('bad');
    w.run(createNodeLifecycleController(w.context));
    await w.pass(5);
    await w.setReady('bad', 'False');
    await w.pass(5);
    await w.until('both taints', () => w.taintsOf('bad') === 'not-ready:NoExecute,not-ready:NoSchedule');
    w.silence('bad');
    await w.pass(60);
    await w.until('both taints', () => w.taintsOf('bad') === 'unreachable:NoExecute,unreachable:NoSchedule');
  });

  it('taints one node in ten seconds, and none when all are lost', async (test) => {
    const w = await world(test);
    const names = ['a', 'b', 'c', 'd', 'e'];
    for (const name of names) await w.addNode(name);
    w.run(createNodeLifecycleController(w.context));
    await w.pass(5);
    const tainted = () => names.filter((name) => w.taintsOf(name).includes('NoExecute')).length;
    for (const name of ['a', 'b']) await w.setReady(name, 'False');
    await w.pass(5);
    await w.until('the first', () => tainted() === 1);
    await w.pass(5);
    assert.equal(tainted(), 1);
    await w.pass(5);
    await w.until('the second', () => tainted() === 2);
    for (const name of names) await w.setReady(name, 'False');
    await w.pass(5);
    await w.until('the taints of none', () => tainted() === 0);
    await w.pass(30);
    assert.equal(tainted(), 0);
    await w.setReady('c', 'True');
    await w.pass(5);
    await w.pass(15);
    assert.equal(tainted(), 0, 'four of five are not ready: a small zone is not evicted from');
  });

  it('says that a pod is not ready which comes to a lost node, and notices nodes that go', async (test) => {
    const w = await world(test);
    await w.addNode('alive');
    await w.addNode('bad');
    await w.setReady('bad', 'False');
    w.run(createNodeLifecycleController(w.context));
    await w.pass(5);
    await w.until('the taint', () => w.taintsOf('bad').includes('NoExecute'));
    await w.addReadyPod('late');
    await w.client.createSubresource(pods, { namespace: 'default', name: 'late' }, 'binding', {
      metadata: { name: 'late', namespace: 'default' },
      target: { kind: 'Node', name: 'bad' },
    });
    await w.until('the pod not ready', () => w.podReady('late') === 'False');
    await w.client.delete(nodes, { name: 'bad' });
    await w.pass(5);
    assert.ok((await w.events()).includes('RemovingNode: Node bad event: Removing Node bad from Controller'));
  });

  it('taints a cordoned node', async (test) => {
    const w = await world(test);
    await w.addNode('n');
    w.run(createNodeLifecycleController(w.context));
    await w.pass(5);
    const cordon = (unschedulable: boolean | null) =>
      w.client.patch(nodes, { name: 'n' }, { type: 'merge', body: { spec: { unschedulable } } });
    await cordon(true);
    await w.until('the taint', () => w.taintsOf('n') === 'unschedulable:NoSchedule');
    await cordon(null);
    await w.until('no taint', () => w.taintsOf('n') === '');
  });
});
