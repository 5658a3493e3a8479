import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { errorMessage, FakeClock, turn } from '../../base/index.ts';
import {
  ANN_CONTROLLER_MANAGED_ATTACH,
  ANN_KEEP_TERMINATED_POD_VOLUMES,
  type Node,
  nodes,
  type PersistentVolume,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  TAINT_OUT_OF_SERVICE,
  type VolumeAttachment,
  volumeAttachments,
} from '../../kube/index.ts';
import { type ComponentStack, startStack } from '../../testing/component-stack.ts';
import { type Attacher, createPluginRegistry, type Mounter, type VolumePlugin } from '../../volume/index.ts';
import { type AttachDetachOptions, createAttachDetachController } from './index.ts';

const watch = [nodes, pods, persistentVolumeClaims, persistentVolumes, volumeAttachments];

/** A plugin of CSI volumes that attaches by making a VolumeAttachment and calling it attached. */
class FakePlugin implements VolumePlugin {
  readonly name = 'kubernetes.io/csi';
  readonly calls: string[] = [];
  /** Replaces what an attach does. */
  onAttach: ((node: string, signal: AbortSignal) => Promise<void>) | undefined;
  onDetach: ((node: string) => Promise<void>) | undefined;
  attachable = true;
  readonly #stack: ComponentStack;

  constructor(stack: ComponentStack) {
    this.#stack = stack;
  }

  readonly canSupport: VolumePlugin['canSupport'] = (spec) => spec.persistentVolume?.spec?.csi !== undefined;
  readonly volumeName: VolumePlugin['volumeName'] = (spec) =>
    `fake^${spec.persistentVolume?.spec?.csi?.volumeHandle}`;
  readonly requiresRemount = () => false;
  readonly mounter = undefined as unknown as Mounter;
  readonly attacher: Attacher = {
    canAttach: () => this.attachable,
    attach: async (spec, node, signal) => {
      this.calls.push(`attach ${spec.name} ${node}`);
      await this.onAttach?.(node, signal);
      const { client } = this.#stack;
      const name = attachmentName(spec.name, node);
      await client
        .create<VolumeAttachment>(volumeAttachments, {
          metadata: { name },
          spec: { attacher: 'fake', nodeName: node, source: { persistentVolumeName: spec.name } },
        })
        .catch(() => undefined);
      await client.patch(
        volumeAttachments,
        { name },
        { type: 'merge', body: { status: { attached: true } } },
        { subresource: 'status' },
      );
      return '';
    },
    detach: async (volumeName, node) => {
      const volume = volumeName.replace('fake^handle-', '');
      this.calls.push(`detach ${volume} ${node}`);
      await this.onDetach?.(node);
      await this.#stack.client
        .delete(volumeAttachments, { name: attachmentName(volume, node) })
        .catch(() => undefined);
    },
    waitForAttach: async () => '',
  };
}

const attachmentName = (volume: string, node: string) => `csi-${volume}-${node}`;
const unique = (volume: string) => `kubernetes.io/csi/fake^handle-${volume}`;

interface World extends ComponentStack {
  readonly plugin: FakePlugin;
  start(options?: Partial<AttachDetachOptions>): () => Promise<void>;
  addNode(name: string, more?: Partial<Node>): Promise<void>;
  addVolume(name: string, accessMode?: string): Promise<void>;
  addPod(name: string, volume: string, nodeName: string): Promise<void>;
  deletePod(name: string): Promise<void>;
  setNode(name: string, status: Node['status']): Promise<void>;
  /** Waits until the node's status lists exactly these volumes as attached. */
  attached(node: string, ...volumes: string[]): Promise<void>;
}

async function world(test: TestContext, clock?: FakeClock): Promise<World> {
  const stack = await startStack(test, { clock, watch });
  const { client, until } = stack;
  const plugin = new FakePlugin(stack);
  const statusOf = (name: string) => stack.context.informers.of(nodes).get(name)?.status;
  return {
    ...stack,
    plugin,
    start: (options) =>
      stack.run(
        createAttachDetachController(stack.context, { plugins: createPluginRegistry([plugin]), ...options }),
      ),
    async addNode(name, more = {}) {
      const annotations = { [ANN_CONTROLLER_MANAGED_ATTACH]: 'true' };
      await client.create<Node>(nodes, { ...more, metadata: { name, annotations, ...more.metadata } });
      await client.patch(
        nodes,
        { name },
        { type: 'merge', body: { status: { conditions: [ready('True')], ...more.status } } },
        { subresource: 'status' },
      );
    },
    async addVolume(name, accessMode = 'ReadWriteOnce') {
      const resources = { requests: { storage: '1Gi' } };
      const claim = await client.create(persistentVolumeClaims, {
        metadata: { name, namespace: 'default' },
        spec: { accessModes: [accessMode], resources, volumeName: name, storageClassName: '' },
      });
      await client.create<PersistentVolume>(persistentVolumes, {
        metadata: { name },
        spec: {
          accessModes: [accessMode],
          capacity: { storage: '1Gi' },
          csi: { driver: 'fake', volumeHandle: `handle-${name}` },
          claimRef: { namespace: 'default', name, uid: claim.metadata.uid },
        },
      });
      await client.patch(
        persistentVolumeClaims,
        { namespace: 'default', name },
        { type: 'merge', body: { status: { phase: 'Bound' } } },
        { subresource: 'status' },
      );
    },
    async addPod(name, volume, nodeName) {
      await client.create(pods, {
        metadata: { name, namespace: 'default' },
        spec: {
          nodeName,
          containers: [{ name: 'c', image: 'i' }],
          volumes: [{ name: 'data', persistentVolumeClaim: { claimName: volume } }],
        },
      });
    },
    async deletePod(name) {
      await client.delete(pods, { namespace: 'default', name }, { gracePeriodSeconds: 0 });
    },
    async setNode(name, status) {
      await client.patch(nodes, { name }, { type: 'merge', body: { status } }, { subresource: 'status' });
    },
    async attached(node, ...volumes) {
      const wanted = volumes.map(unique).sort().join();
      await until(`${volumes.join() || 'nothing'} attached to ${node}`, () => {
        const found = statusOf(node)?.volumesAttached ?? [];
        return found.map(({ name }) => name).join() === wanted;
      });
    },
  };
}

const ready = (status: 'True' | 'Unknown') => ({ type: 'Ready', status });

describe('attach/detach controller', () => {
  it('attaches the volume of a scheduled pod, tells the node, the pod and the trace; detaches when the pod is gone', async (test) => {
    const w = await world(test);
    w.start();
    await w.addNode('n');
    await w.addVolume('v');
    await w.addPod('p', 'v', 'n');
    await w.attached('n', 'v');
    assert.deepEqual(await w.events(), [
      'SuccessfulAttachVolume: AttachVolume.Attach succeeded for volume "v" ',
    ]);
    await w.deletePod('p');
    await w.attached('n');
    await w.until('no attachment', () => w.context.informers.of(volumeAttachments).size === 0);
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

  it('waits for the node to unmount, after telling it nothing; then takes the volume off its list first', async (test) => {
    const w = await world(test);
    w.start();
    await w.addNode('n');
    await w.addVolume('v');
    await w.addPod('p', 'v', 'n');
    await w.attached('n', 'v');
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
    await w.until('no attachment', () => w.context.informers.of(volumeAttachments).size === 0);
    assert.deepEqual(listed, []);
  });

  it('takes a volume from a node that is out of service although it is mounted', async (test) => {
    const w = await world(test);
    w.start();
    await w.addNode('n');
    await w.addVolume('v');
    await w.addPod('p', 'v', 'n');
    await w.attached('n', 'v');
    await w.setNode('n', { volumesInUse: [unique('v')] });
    await w.deletePod('p');
    const taints = [{ key: TAINT_OUT_OF_SERVICE, value: 'nodeshutdown', effect: 'NoExecute' }];
    await w.client.patch(nodes, { name: 'n' }, { type: 'merge', body: { spec: { taints } } });
    await w.until('no attachment', () => w.context.informers.of(volumeAttachments).size === 0);
  });

  it('takes a volume from an unhealthy node after six minutes, unless that is switched off', async (test) => {
    for (const disableForceDetachOnTimeout of [false, true]) {
      const clock = new FakeClock();
      const w = await world(test, clock);
      w.start({ disableForceDetachOnTimeout });
      await w.addNode('n');
      await w.addVolume('v');
      await w.addPod('p', 'v', 'n');
      await w.attached('n', 'v');
      await w.setNode('n', { volumesInUse: [unique('v')], conditions: [ready('Unknown')] });
      await w.deletePod('p');
      await w.until('the pod gone', () => w.context.informers.of(pods).size === 0);
      await turn();
      await clock.advance(359_000);
      assert.deepEqual(w.plugin.calls, ['attach v n']);
      await clock.advance(2_000);
      await turn();
      assert.equal(w.plugin.calls.includes('detach v n'), !disableForceDetachOnTimeout);
    }
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
    await w.until('the pod', () => w.context.informers.of(pods).size === 1);
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

  it('detaches a volume whose pod was deleted while it was being attached', async (test) => {
    const w = await world(test);
    const gate = Promise.withResolvers<void>();
    w.plugin.onAttach = () => gate.promise;
    w.start();
    await w.addNode('n');
    await w.addVolume('v');
    await w.addPod('p', 'v', 'n');
    await w.until('the pod', () => w.context.informers.of(pods).size === 1);
    await turn();
    await w.deletePod('p');
    await w.until('the pod gone', () => w.context.informers.of(pods).size === 0);
    assert.deepEqual(w.plugin.calls, ['attach v n']);
    gate.resolve();
    await w.attached('n', 'v').catch(() => undefined);
    await w.attached('n');
    await w.until('no attachment', () => w.context.informers.of(volumeAttachments).size === 0);
    assert.deepEqual(w.plugin.calls, ['attach v n', 'detach v n']);
  });

  it('detaches from a node that is gone, after six minutes if it had the volume mounted', async (test) => {
    const clock = new FakeClock();
    const w = await world(test, clock);
    w.start();
    await w.addNode('n');
    await w.addVolume('v');
    await w.addPod('p', 'v', 'n');
    await w.attached('n', 'v');
    await w.setNode('n', { volumesInUse: [unique('v')] });
    await w.client.delete(nodes, { name: 'n' });
    await w.deletePod('p');
    await w.until(
      'both gone',
      () => w.context.informers.of(pods).size + w.context.informers.of(nodes).size === 0,
    );
    await turn();
    await clock.advance(300_000);
    assert.deepEqual(w.plugin.calls, ['attach v n']);
    await clock.advance(61_000);
    await w.until('no attachment', () => w.context.informers.of(volumeAttachments).size === 0);
  });

  it('attaches again when somebody deletes the VolumeAttachment', async (test) => {
    const w = await world(test);
    w.start();
    await w.addNode('n');
    await w.addVolume('v');
    await w.addPod('p', 'v', 'n');
    await w.attached('n', 'v');
    const before = await w.client.get(volumeAttachments, { name: attachmentName('v', 'n') });
    await w.client.delete(volumeAttachments, { name: attachmentName('v', 'n') });
    await w.until('a new attachment', () => {
      const found = w.context.informers.of(volumeAttachments).get(attachmentName('v', 'n'));
      return found?.status?.attached && found.metadata.uid !== before.metadata.uid;
    });
    await w.attached('n', 'v');
    assert.deepEqual(w.plugin.calls, ['attach v n', 'attach v n']);
  });

  it('finds out within a minute that a volume is no longer attached', async (test) => {
    const clock = new FakeClock();
    const w = await world(test, clock);
    w.start();
    await w.addNode('n');
    await w.addVolume('v');
    await w.addPod('p', 'v', 'n');
    await w.attached('n', 'v');
    await w.client.patch(
      volumeAttachments,
      { name: attachmentName('v', 'n') },
      { type: 'merge', body: { status: { attached: false } } },
      { subresource: 'status' },
    );
    await w.until(
      'not attached',
      () =>
        w.context.informers.of(volumeAttachments).get(attachmentName('v', 'n'))?.status?.attached === false,
    );
    await clock.advance(60_000);
    await w.until(
      'attached again',
      () => w.context.informers.of(volumeAttachments).get(attachmentName('v', 'n'))?.status?.attached,
    );
  });

  it('carries on after a restart: keeps what is wanted, detaches what is not', async (test) => {
    const w = await world(test);
    const stop = w.start();
    await w.addNode('n');
    await w.addVolume('v');
    await w.addVolume('w');
    await w.addPod('p', 'v', 'n');
    await w.addPod('q', 'w', 'n');
    await w.attached('n', 'v', 'w');
    await stop();
    await w.deletePod('q');
    w.plugin.calls.length = 0;
    w.start();
    await w.attached('n', 'v');
    await w.until('one attachment', () => w.context.informers.of(volumeAttachments).size === 1);
    assert.deepEqual(w.plugin.calls, ['detach w n']);
  });

  it('after a restart detaches what only a VolumeAttachment tells of', async (test) => {
    const w = await world(test);
    await w.addNode('n');
    await w.addVolume('v');
    await w.client.create(volumeAttachments, {
      metadata: { name: attachmentName('v', 'n') },
      spec: { attacher: 'fake', nodeName: 'n', source: { persistentVolumeName: 'v' } },
    });
    w.start();
    await w.until('an attachment', () => w.context.informers.of(volumeAttachments).size === 1);
    await w.until('no attachment', () => w.context.informers.of(volumeAttachments).size === 0);
    assert.deepEqual(w.plugin.calls, ['detach v n']);
  });

  it('detaches within a minute what somebody else has attached for no pod: a leader that was replaced', async (test) => {
    const clock = new FakeClock();
    const w = await world(test, clock);
    w.start();
    await w.addNode('n');
    await w.addVolume('v');
    await w.addVolume('w');
    await w.addPod('p', 'w', 'n');
    await w.attached('n', 'w');
    await w.client.create<VolumeAttachment>(volumeAttachments, {
      metadata: { name: attachmentName('v', 'n') },
      spec: { attacher: 'fake', nodeName: 'n', source: { persistentVolumeName: 'v' } },
    });
    const attachments = w.context.informers.of(volumeAttachments);
    await w.until('seen', () => attachments.size === 2);
    await clock.advance(60_000);
    await w.until('one attachment', () => attachments.size === 1);
    assert.deepEqual(w.plugin.calls, ['attach w n', 'detach v n']);
  });

  it('leaves a node alone that attaches for itself, beside one that does not', async (test) => {
    const w = await world(test);
    await w.addNode('self', { metadata: { annotations: {} } });
    await w.addNode('n');
    await w.addVolume('v');
    await w.addVolume('w');
    await w.client.create(volumeAttachments, {
      metadata: { name: attachmentName('v', 'self') },
      spec: { attacher: 'fake', nodeName: 'self', source: { persistentVolumeName: 'v' } },
    });
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

  it('stops at once although an attach is under way', async (test) => {
    const w = await world(test);
    w.plugin.onAttach = (_node, signal) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    const stop = w.start();
    await w.addNode('n');
    await w.addVolume('v');
    await w.addPod('p', 'v', 'n');
    await w.until('the pod', () => w.context.informers.of(pods).size === 1);
    await turn();
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
    await w.addNode('n');
    await w.addVolume('v');
    await w.addPod('p', 'v', 'n');
    await w.until('the pod', () => w.context.informers.of(pods).size === 1);
    await turn();
    w.plugin.attachable = false;
    await clock.advance(61_000);
    const tries = w.plugin.calls.filter((call) => call.startsWith('attach')).length;
    await clock.advance(600_000);
    assert.equal(w.plugin.calls.filter((call) => call.startsWith('attach')).length, tries);
    assert.match(errorMessage(w.plugin.calls.at(-1)), /^detach v n/);
  });
});
