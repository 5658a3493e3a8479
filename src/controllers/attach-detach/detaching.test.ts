import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock, Metrics, turn } from '../../base/index.ts';
import {
  ANN_CONTROLLER_MANAGED_ATTACH,
  ANN_KEEP_TERMINATED_POD_VOLUMES,
  nodes,
  pods,
  TAINT_OUT_OF_SERVICE,
} from '../../kube/index.ts';
import { ready, unique, world } from './world.test-support.ts';

const OUT_OF_SERVICE = [{ key: TAINT_OUT_OF_SERVICE, value: 'nodeshutdown', effect: 'NoExecute' }];

describe('attach/detach controller: detaching', () => {
  it('waits for the node to unmount, after telling it nothing; then takes the volume off its list first', async (test) => {
    const w = await world(test);
    w.start();
    await w.attachedOnce();
    await w.setNode('n', { volumesInUse: [unique('v')] });
    await w.deletePod('p');
    await turn();
    await w.setNode('n', { phase: 'Running' });
    await turn();
    assert.deepEqual(w.plugin.calls, ['attach v n']);
    let listed: string[] | undefined;
    w.plugin.onDetach = async () => {
      const node = await w.client.get(nodes, { name: 'n' });
      listed = node.status?.volumesAttached?.map(({ name }) => name) ?? [];
    };
    await w.setNode('n', { volumesInUse: [] });
    await w.attached('n');
    await w.noAttachment();
    assert.deepEqual(listed, []);
  });

  it('takes a volume from a node that is out of service although it is mounted', async (test) => {
    const w = await world(test);
    w.start();
    await w.attachedOnce();
    await w.setNode('n', { volumesInUse: [unique('v')] });
    await w.deletePod('p');
    await w.client.patch(nodes, { name: 'n' }, { type: 'merge', body: { spec: { taints: OUT_OF_SERVICE } } });
    await w.noAttachment();
  });

  it('takes a volume from an unhealthy node after six minutes, unless that is switched off', async (test) => {
    for (const disableForceDetachOnTimeout of [false, true]) {
      const clock = new FakeClock();
      const w = await world(test, clock);
      w.start({ disableForceDetachOnTimeout });
      await w.attachedOnce();
      await w.setNode('n', { volumesInUse: [unique('v')], conditions: [ready('Unknown')] });
      await w.deletePod('p');
      await w.noPod();
      await turn();
      await clock.advance(359_000);
      assert.deepEqual(w.plugin.calls, ['attach v n']);
      await clock.advance(2_000);
      await turn();
      assert.equal(w.plugin.calls.includes('detach v n'), !disableForceDetachOnTimeout);
    }
  });

  it('detaches a volume whose pod was deleted while it was being attached', async (test) => {
    const w = await world(test);
    const gate = Promise.withResolvers<void>();
    w.plugin.onAttach = () => gate.promise;
    w.start();
    await w.wantedOnce();
    await w.deletePod('p');
    await w.noPod();
    assert.deepEqual(w.plugin.calls, ['attach v n']);
    gate.resolve();
    await w.attached('n', 'v').catch(() => undefined);
    await w.attached('n');
    await w.noAttachment();
    assert.deepEqual(w.plugin.calls, ['attach v n', 'detach v n']);
  });

  it('detaches from a node that is gone, after six minutes if it had the volume mounted', async (test) => {
    const clock = new FakeClock();
    const w = await world(test, clock);
    w.start();
    await w.attachedOnce();
    await w.setNode('n', { volumesInUse: [unique('v')] });
    await w.client.delete(nodes, { name: 'n' });
    await w.deletePod('p');
    await w.until('both gone', () => w.pods.size + w.context.informers.of(nodes).size === 0);
    await turn();
    await clock.advance(300_000);
    assert.deepEqual(w.plugin.calls, ['attach v n']);
    await clock.advance(61_000);
    await w.noAttachment();
  });

  it('leaves a node alone that attaches for itself, beside one that does not', async (test) => {
    const w = await world(test);
    await w.addNode('self', { metadata: { annotations: {} } });
    await w.addNode('n');
    await w.addVolume('v');
    await w.addVolume('w');
    await w.addAttachment('v', 'self');
    w.start();
    await w.addPod('p', 'v', 'self');
    await w.addPod('q', 'w', 'n');
    await w.attached('n', 'w');
    assert.deepEqual(w.plugin.calls, ['attach w n']);
  });

  it('keeps the volumes of ended pods only on nodes that ask for it', async (test) => {
    const w = await world(test);
    w.start();
    const keeps = { [ANN_CONTROLLER_MANAGED_ATTACH]: 'true', [ANN_KEEP_TERMINATED_POD_VOLUMES]: 'true' };
    await w.addNode('keeps', { metadata: { annotations: keeps } });
    await w.addNode('n');
    for (const [pod, volume, node] of [
      ['p', 'v', 'keeps'],
      ['q', 'w', 'n'],
    ] as const) {
      await w.addVolume(volume);
      await w.addPod(pod, volume, node);
      await w.attached(node, volume);
      const body = { status: { phase: 'Succeeded' } };
      const name = { namespace: 'default', name: pod };
      await w.client.patch(pods, name, { type: 'merge', body }, { subresource: 'status' });
    }
    await w.attached('n');
    await w.attached('keeps', 'v');
    assert.ok(!w.plugin.calls.includes('detach v keeps'));
  });

  it('counts what it has, and what it has forced, under the names of upstream', async (test) => {
    const metrics = new Metrics();
    const w = await world(test);
    w.start({ metrics });
    await w.attachedOnce();
    const lines = () =>
      metrics
        .text()
        .split('\n')
        .filter((line) => line !== '' && !/^(#|storage_operation_duration_seconds)/.test(line));
    const plugin = 'kubernetes.io/csi:fake';
    const timed = (operation: string) =>
      metrics
        .text()
        .includes(
          `storage_operation_duration_seconds_count{volume_plugin="${plugin}",operation_name="${operation}",status="success",migrated="false"} 1\n`,
        );
    assert.deepEqual(lines(), [
      `attachdetach_controller_total_volumes{plugin_name="${plugin}",state="desired_state_of_world"} 1`,
      `attachdetach_controller_total_volumes{plugin_name="${plugin}",state="actual_state_of_world"} 1`,
      `storage_count_attachable_volumes_in_use{node="n",volume_plugin="${plugin}"} 1`,
    ]);
    await w.setNode('n', { volumesInUse: [unique('v')] });
    await w.deletePod('p');
    await w.client.patch(nodes, { name: 'n' }, { type: 'merge', body: { spec: { taints: OUT_OF_SERVICE } } });
    await w.noAttachment();
    // Who watches may hear of a deletion before the deleter has his answer.
    await turn();
    assert.deepEqual(lines(), [
      'attach_detach_controller_attachdetach_controller_forced_detaches{reason="out-of-service"} 1',
    ]);
    assert.deepEqual(['volume_attach', 'volume_detach'].filter(timed), ['volume_attach', 'volume_detach']);
  });
});
