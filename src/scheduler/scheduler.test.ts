import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  ANN_SELECTED_NODE,
  annotation,
  nodes,
  type PersistentVolumeClaim,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  type Stored,
  storageClasses,
} from '../kube/index.ts';
import { newClaim, newClass, newVolume } from './fixtures.ts';
import { type Stack, startScheduler } from './test-support.ts';

/** Does for claims with a selected node what provisioner and PV controller do. */
function provision(stack: Stack, outcome: 'bind' | 'give up' = 'bind'): void {
  const handle = async (claim: Stored<PersistentVolumeClaim>) => {
    const node = annotation(claim, ANN_SELECTED_NODE);
    if (!node || claim.spec?.volumeName) return;
    const { name, uid, annotations } = claim.metadata;
    if (outcome === 'give up') {
      await stack.client.update(persistentVolumeClaims, {
        ...claim,
        metadata: { ...claim.metadata, annotations: { ...annotations, [ANN_SELECTED_NODE]: '' } },
      });
      return;
    }
    const reach = ['kubernetes.io/hostname', node] as const;
    await stack.create(persistentVolumes, newVolume(`pv-${name}`, { claim: { name, uid }, reach }));
    await stack.client.update(persistentVolumeClaims, {
      ...claim,
      metadata: {
        ...claim.metadata,
        annotations: { ...annotations, 'pv.kubernetes.io/bind-completed': 'yes' },
      },
      spec: { ...claim.spec, volumeName: `pv-${name}` },
    });
  };
  const call = (claim: Stored<PersistentVolumeClaim>) => void handle(claim);
  stack.informers.of(persistentVolumeClaims).on({ added: call, updated: call });
}

describe('the scheduler on a real registry', () => {
  it('binds a pod with one write, records the event and the step', async (test) => {
    const stack = await startScheduler(test);
    await stack.node('n1');
    await stack.pod('a', { requests: { cpu: '1' } });
    assert.equal(await stack.placed('a'), 'n1');
    await stack.until('the step has ended', () => stack.trace.ended('pod:default/a').length === 1);
    assert.deepEqual(stack.writes, ['post pods/binding a']);
    assert.deepEqual(await stack.messages('Scheduled'), ['Successfully assigned default/a to n1']);
    const [step] = stack.trace.ended('pod:default/a');
    assert.equal(step?.step, 'schedule');
    assert.equal(step?.outcome, 'ok');
    assert.deepEqual(step?.attributes, { pod: 'default/a', node: 'n1' });
  });

  it('leaves pods of other schedulers alone', async (test) => {
    const stack = await startScheduler(test);
    await stack.node('n1');
    await stack.pod('theirs', { schedulerName: 'other' });
    await stack.pod('ours');
    await stack.placed('ours');
    assert.equal(stack.informers.of(pods).get('theirs', 'default')?.spec?.nodeName, undefined);
  });

  it('waits for the first node, and takes it at once', async (test) => {
    const stack = await startScheduler(test);
    await stack.pod('early');
    assert.equal(await stack.refused('early'), 'no nodes available to schedule pods');
    await stack.node('n1');
    assert.equal(await stack.placed('early'), 'n1');
  });

  it('says why no node fits, in the words of kube-scheduler, and goes on when a node is labelled', async (test) => {
    const stack = await startScheduler(test);
    await stack.node('small', { allocatable: { cpu: '500m' } });
    await stack.node('cordoned', { unschedulable: true });
    await stack.node('tainted', { taints: [{ key: 'dedicated', value: 'x', effect: 'NoSchedule' }] });
    await stack.node('plain');
    await stack.pod('picky', { requests: { cpu: '1' }, nodeSelector: { disk: 'ssd' } });
    const message =
      "0/4 nodes are available: 1 node(s) had untolerated taint(s), 1 node(s) were unschedulable, 2 node(s) didn't match Pod's node affinity/selector. " +
      'no new claims to deallocate, preemption: 0/4 nodes are available: 4 Preemption is not helpful for scheduling.';
    assert.equal(await stack.refused('picky'), message);
    assert.deepEqual(await stack.messages('FailedScheduling'), [message]);
    await stack.client.patch(
      nodes,
      { name: 'plain' },
      { type: 'merge', body: { metadata: { labels: { disk: 'ssd' } } } },
    );
    assert.equal(await stack.placed('picky'), 'plain');
  });

  it('puts a pod that waits for room in when another goes', async (test) => {
    const stack = await startScheduler(test);
    await stack.node('n1', { allocatable: { cpu: '1' } });
    await stack.pod('first', { requests: { cpu: '1' } });
    await stack.placed('first');
    await stack.pod('low', { requests: { cpu: '1' } });
    assert.equal(
      await stack.refused('low'),
      '0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.',
    );
    await stack.client.delete(pods, { namespace: 'default', name: 'first' }, { gracePeriodSeconds: 0 });
    assert.equal(await stack.placed('low'), 'n1');
  });

  it('has a volume made for a claim that waits for its consumer, and binds the pod after it', async (test) => {
    const stack = await startScheduler(test);
    provision(stack);
    await stack.create(storageClasses, newClass('late'));
    await stack.node('n1');
    await stack.create(persistentVolumeClaims, newClaim('data'));
    await stack.pod('db', { claims: ['data'] });
    assert.equal(await stack.placed('db'), 'n1');
    await stack.until('the step has ended', () => stack.trace.ended('default/data').length === 1);
    assert.deepEqual(stack.writes, [
      'patch pods db',
      'update persistentvolumeclaims data',
      'post pods/binding db',
    ]);
    const claim = stack.informers.of(persistentVolumeClaims).get('data', 'default')!;
    assert.equal(annotation(claim, ANN_SELECTED_NODE), 'n1');
  });

  it('names the node on the pod while its volumes are made, and takes that back when they are not', async (test) => {
    const stack = await startScheduler(test, { bindTimeoutMs: 200 });
    await stack.node('n1');
    await stack.create(storageClasses, newClass('late'));
    await stack.create(persistentVolumeClaims, newClaim('data'));
    await stack.pod('app', { claims: ['data'] });
    const find = () => stack.informers.of(pods).get('app', 'default');
    await stack.until('the pod is promised a node', () => find()?.status?.nominatedNodeName === 'n1');
    assert.equal(find()?.spec?.nodeName, undefined);
    await stack.refused('app', 'SchedulerError');
    assert.equal(find()?.status?.nominatedNodeName, undefined);
  });

  it('tries again when the provisioner gives the claim back', async (test) => {
    const stack = await startScheduler(test);
    provision(stack, 'give up');
    await stack.create(storageClasses, newClass('late'));
    await stack.node('n1');
    await stack.create(persistentVolumeClaims, newClaim('data'));
    await stack.pod('db', { claims: ['data'] });
    assert.equal(
      await stack.refused('db', 'SchedulerError'),
      'running PreBind plugin "VolumeBinding": binding volumes: provisioning failed for PVC "data"',
    );
  });

  it('holds an existing volume on the node that reaches it, the smallest that is large enough', async (test) => {
    const stack = await startScheduler(test);
    await stack.create(storageClasses, newClass('late', { provisioner: 'kubernetes.io/no-provisioner' }));
    for (const name of ['n1', 'n2']) await stack.node(name);
    const reach = ['kubernetes.io/hostname', 'n2'] as const;
    for (const [name, size] of Object.entries({ large: '9Gi', fits: '3Gi', small: '1Gi' })) {
      await stack.volume(name, { size, reach });
    }
    await stack.create(persistentVolumeClaims, newClaim('data', { size: '2Gi' }));
    await stack.pod('db', { claims: ['data'] });
    const held = await stack.until('a volume is held', () => {
      return [...stack.informers.of(persistentVolumes).values()].find(({ spec }) => spec?.claimRef);
    });
    assert.equal(held.metadata.name, 'fits');
    assert.equal(annotation(held, 'pv.kubernetes.io/bound-by-controller'), 'yes');
    const claim = stack.informers.of(persistentVolumeClaims).get('data', 'default')!;
    await stack.client.patch(
      persistentVolumeClaims,
      { namespace: 'default', name: 'data' },
      {
        type: 'merge',
        body: {
          metadata: { uid: claim.metadata.uid, annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } },
          spec: { volumeName: 'fits' },
        },
      },
    );
    assert.equal(await stack.placed('db'), 'n2');
  });

  it('gives up the node when the claims are not bound in time, and frees what the pod had taken', async (test) => {
    const stack = await startScheduler(test, { bindTimeoutMs: 50 });
    await stack.create(storageClasses, newClass('late'));
    await stack.node('n1', { allocatable: { cpu: '1' } });
    await stack.create(persistentVolumeClaims, newClaim('data'));
    await stack.pod('db', { claims: ['data'], requests: { cpu: '1' } });
    assert.equal(
      await stack.refused('db', 'SchedulerError'),
      'running PreBind plugin "VolumeBinding": binding volumes: context deadline exceeded',
    );
    await stack.pod('other', { requests: { cpu: '1' } });
    assert.equal(await stack.placed('other'), 'n1');
  });

  it('promises one volume to one of two pods, before anything is written', async (test) => {
    const stack = await startScheduler(test);
    await stack.create(storageClasses, newClass('late', { provisioner: 'kubernetes.io/no-provisioner' }));
    await stack.volume('only');
    for (const name of ['a', 'b']) {
      await stack.create(persistentVolumeClaims, newClaim(name));
      await stack.pod(name, { claims: [name] });
      await stack.refused(name);
    }
    // Both are tried in one turn of the event loop.
    await stack.node('n1');
    const waiting = "0/1 nodes are available: 1 node(s) didn't find available persistent volumes to bind.";
    await stack.until('one of them is refused', () =>
      [...stack.informers.of(pods).values()].find(({ status }) =>
        status?.conditions?.some(({ message }) => message?.startsWith(waiting)),
      ),
    );
    assert.deepEqual(
      stack.writes.filter((write) => write.includes('persistentvolumes')),
      ['update persistentvolumes only'],
    );
  });

  it('frees the node when a pod is deleted while it waits for its volumes', async (test) => {
    const stack = await startScheduler(test);
    await stack.create(storageClasses, newClass('late'));
    await stack.node('n1', { allocatable: { cpu: '1' } });
    await stack.create(persistentVolumeClaims, newClaim('data'));
    await stack.pod('db', { claims: ['data'], requests: { cpu: '1' } });
    await stack.until('the claim is sent to the node', () => {
      const claim = stack.informers.of(persistentVolumeClaims).get('data', 'default');
      return claim && annotation(claim, ANN_SELECTED_NODE);
    });
    await stack.pod('next', { requests: { cpu: '1' } });
    await stack.refused('next');
    await stack.client.delete(pods, { namespace: 'default', name: 'db' }, { gracePeriodSeconds: 0 });
    assert.equal(await stack.placed('next'), 'n1');
    assert.equal(stack.trace.ended('default/data')[0]?.outcome, 'failed');
  });

  const claimCases: readonly [string, () => Stored<PersistentVolumeClaim>[], string][] = [
    ['a claim that is not there', () => [], 'persistentvolumeclaim "data" not found'],
    [
      'a claim that should be bound already',
      () => [newClaim('data', { className: 'now' })],
      'pod has unbound immediate PersistentVolumeClaims',
    ],
  ];
  for (const [what, claims, problem] of claimCases) {
    it(`refuses ${what} until it is right`, async (test) => {
      const stack = await startScheduler(test);
      provision(stack);
      await stack.create(storageClasses, newClass('late'));
      await stack.create(storageClasses, newClass('now', { volumeBindingMode: 'Immediate' }));
      await stack.node('n1');
      for (const claim of claims()) await stack.create(persistentVolumeClaims, claim);
      await stack.pod('db', { claims: ['data'] });
      assert.equal(await stack.refused('db'), `0/1 nodes are available: ${problem}. not found`);
      for (const claim of claims()) {
        const body = { metadata: { annotations: { [ANN_SELECTED_NODE]: 'n1' } } };
        const { name } = claim.metadata;
        await stack.client.patch(
          persistentVolumeClaims,
          { namespace: 'default', name },
          { type: 'merge', body },
        );
      }
      if (claims().length === 0) await stack.create(persistentVolumeClaims, newClaim('data'));
      assert.equal(await stack.placed('db'), 'n1');
    });
  }

  it('lets a gated pod wait without a word until its gates are gone', async (test) => {
    const stack = await startScheduler(test);
    await stack.node('n1');
    await stack.pod('gated', { schedulingGates: [{ name: 'example.com/hold' }] });
    await stack.pod('free');
    await stack.placed('free');
    assert.equal(stack.informers.of(pods).get('gated', 'default')?.spec?.nodeName, undefined);
    const body = { spec: { schedulingGates: null } };
    await stack.client.patch(pods, { namespace: 'default', name: 'gated' }, { type: 'merge', body });
    assert.equal(await stack.placed('gated'), 'n1');
  });

  it('ends the step of a pod that is deleted before it has a node', async (test) => {
    const stack = await startScheduler(test);
    await stack.pod('gone');
    await stack.refused('gone');
    await stack.client.delete(pods, { namespace: 'default', name: 'gone' }, { gracePeriodSeconds: 0 });
    const [step] = await stack.until('the step has ended', () => {
      const ended = stack.trace.ended('pod:default/gone');
      return ended.length > 0 && ended;
    });
    assert.equal(step?.outcome, 'failed');
  });
});
