import type { TestContext } from 'node:test';
import { type FakeClock, turn } from '../../base/index.ts';
import type { Informer } from '../../client/index.ts';
import {
  ANN_CONTROLLER_MANAGED_ATTACH,
  type Node,
  nodes,
  type PersistentVolume,
  type Pod,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  type VolumeAttachment,
  volumeAttachments,
} from '../../kube/index.ts';
import {
  type ComponentStack,
  type ComponentStackOptions,
  startStack,
} from '../../testing/component-stack.ts';
import { type Attacher, createPluginRegistry, type Mounter, type VolumePlugin } from '../../volume/index.ts';
import { type AttachDetachOptions, createAttachDetachController } from './index.ts';

const watch = [nodes, pods, persistentVolumeClaims, persistentVolumes, volumeAttachments];

/** A plugin of CSI volumes that attaches by making a VolumeAttachment and calling it attached. */
export class FakePlugin implements VolumePlugin {
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

/** How `FakePlugin` calls its VolumeAttachments. */
export const attachmentName = (volume: string, node: string) => `csi-${volume}-${node}`;
/** The name by which the node's status has a volume. */
export const unique = (volume: string) => `kubernetes.io/csi/fake^handle-${volume}`;

export interface World extends ComponentStack {
  readonly plugin: FakePlugin;
  readonly pods: Informer<Pod>;
  readonly attachments: Informer<VolumeAttachment>;
  start(options?: Partial<AttachDetachOptions>): () => Promise<void>;
  addNode(name: string, more?: Partial<Node>): Promise<void>;
  addVolume(name: string, accessMode?: string): Promise<void>;
  addPod(name: string, volume: string, nodeName: string): Promise<void>;
  deletePod(name: string): Promise<void>;
  setNode(name: string, status: Node['status']): Promise<void>;
  /** A VolumeAttachment that the controller has not made. */
  addAttachment(volume: string, node: string, name?: string): Promise<void>;
  /** Node n with pod p, which wants volume v; the controller has seen it. */
  wantedOnce(): Promise<void>;
  /** Likewise, and v is attached to n. */
  attachedOnce(): Promise<void>;
  noPod(): Promise<void>;
  noAttachment(): Promise<void>;
  /** Waits until the node's status lists exactly these volumes as attached. */
  attached(node: string, ...volumes: string[]): Promise<void>;
}

export async function world(
  test: TestContext,
  clock?: FakeClock,
  wrap?: ComponentStackOptions['wrap'],
): Promise<World> {
  const stack = await startStack(test, { clock, watch, wrap });
  const { client, until } = stack;
  const plugin = new FakePlugin(stack);
  const statusOf = (name: string) => stack.context.informers.of(nodes).get(name)?.status;
  const podInformer = stack.context.informers.of(pods);
  const attachments = stack.context.informers.of(volumeAttachments);
  const w: World = {
    ...stack,
    plugin,
    pods: podInformer,
    attachments,
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
    async addAttachment(volume, nodeName, name = attachmentName(volume, nodeName)) {
      await client.create<VolumeAttachment>(volumeAttachments, {
        metadata: { name },
        spec: { attacher: 'fake', nodeName, source: { persistentVolumeName: volume } },
      });
    },
    async wantedOnce() {
      await w.addNode('n');
      await w.addVolume('v');
      await w.addPod('p', 'v', 'n');
      await until('the pod', () => podInformer.size === 1);
      await turn();
    },
    async attachedOnce() {
      await w.wantedOnce();
      await w.attached('n', 'v');
    },
    async noPod() {
      await until('the pod gone', () => podInformer.size === 0);
    },
    async noAttachment() {
      await until('no attachment', () => attachments.size === 0);
    },
  };
  return w;
}

export const ready = (status: 'True' | 'Unknown') => ({ type: 'Ready', status });
