import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { FakeClock, silentLogger, systemClock, turn } from '../../base/index.ts';
import { Code, type ControllerService, CsiStatus, serveInMemory } from '../../csi/index.ts';
import {
  csiNodes,
  notFound,
  type PersistentVolume,
  persistentVolumes,
  secrets,
  type VolumeAttachment,
  volumeAttachments,
} from '../../kube/index.ts';
import { startStack } from '../../testing/component-stack.ts';
import { CsiHandler } from './csi-handler.ts';
import { type AttacherOptions, createAttacher } from './index.ts';

const DRIVER = 'test.csi.example.org';
const FINALIZER = 'external-attacher/test-csi-example-org';
const watch = [volumeAttachments, persistentVolumes, csiNodes];

type Wait = PromiseWithResolvers<void>;

interface Driver {
  readonly calls: unknown[];
  /** Throws what the next calls fail with. */
  fail: CsiStatus | undefined;
  /** Holds up the next publications. */
  before?: () => Promise<void>;
  unpublished?: () => void;
  published: Map<string, string[]>;
}

async function world(
  test: TestContext,
  options: {
    controller?: boolean;
    clock?: FakeClock;
    takesFinalizers?: boolean;
  } & Partial<AttacherOptions> = {},
) {
  const { controller = true, clock, takesFinalizers = true, ...attacherOptions } = options;
  const stack = await startStack(test, { watch, clock });
  const { client, context } = stack;
  const driver: Driver = { calls: [], fail: undefined, published: new Map() };
  const service: ControllerService = {
    capabilities: ['PUBLISH_READONLY', 'LIST_VOLUMES', 'LIST_VOLUMES_PUBLISHED_NODES'],
    controllerPublishVolume: async ({ volumeId, nodeId, readonly, secrets, volumeContext }) => {
      driver.calls.push({ publish: volumeId, nodeId, readonly, secrets, volumeContext });
      await driver.before?.();
      if (driver.fail) throw driver.fail;
      driver.published.set(volumeId, [nodeId]);
      return { publishContext: { device: '/dev/x' } };
    },
    controllerUnpublishVolume: ({ volumeId, nodeId }) => {
      driver.calls.push({ unpublish: volumeId, nodeId });
      driver.unpublished?.();
      if (driver.fail) throw driver.fail;
      driver.published.set(volumeId, []);
      return {};
    },
    listVolumes: () => ({
      entries: [...driver.published].map(([volumeId, publishedNodeIds]) => ({
        volume: { volumeId, capacityBytes: 1n },
        status: { publishedNodeIds },
      })),
    }),
  };
  const server = serveInMemory(
    { identity: { name: DRIVER, vendorVersion: '1' }, ...(controller && { controller: service }) },
    { clock: systemClock, log: silentLogger },
  );
  const csi = server.connect();
  test.after(() => csi.close());
  const patch = ((resource, ...rest) =>
    resource.plural === persistentVolumes.plural && !takesFinalizers
      ? Promise.reject(new Error('no new finalizers can be added if the object is being deleted'))
      : client.patch(resource, ...rest)) as typeof client.patch;
  stack.run(createAttacher({ ...context, client: { ...client, patch } }, { csi, ...attacherOptions }));
  const attachments = context.informers.of(volumeAttachments);
  const volumes = context.informers.of(persistentVolumes);
  return {
    ...stack,
    csi,
    driver,
    attachment: () => attachments.get('va'),
    volume: () => volumes.get('pv'),
    createVolume: (more: Partial<PersistentVolume['spec']> = {}) =>
      client.create<PersistentVolume>(persistentVolumes, {
        metadata: { name: 'pv' },
        spec: {
          accessModes: ['ReadWriteOnce'],
          capacity: { storage: '1Gi' },
          csi: { driver: DRIVER, volumeHandle: 'handle', readOnly: true, volumeAttributes: { a: 'b' } },
          ...more,
        },
      }),
    createNode: () =>
      client.create(csiNodes, {
        metadata: { name: 'n' },
        spec: { drivers: [{ name: DRIVER, nodeID: 'node-id', topologyKeys: [] }] },
      }),
    attach: (attacher = DRIVER) =>
      client.create<VolumeAttachment>(volumeAttachments, {
        metadata: { name: 'va' },
        spec: { attacher, nodeName: 'n', source: { persistentVolumeName: 'pv' } },
      }),
    detach: () => client.delete(volumeAttachments, { name: 'va' }),
  };
}

/** One to be told of attachments as a late cache has them. */
function handlerOf({ csi, client, context }: Awaited<ReturnType<typeof world>>): CsiHandler {
  return new CsiHandler({
    driver: csi,
    driverName: DRIVER,
    capabilities: new Set(),
    client,
    clock: systemClock,
    log: silentLogger,
    volumes: context.informers.of(persistentVolumes),
    nodes: context.informers.of(csiNodes),
    attachmentsOf: () => [],
    timeoutMs: 30_000,
    defaultFsType: '',
    maxEntries: 0,
  });
}

describe('attacher', () => {
  it('publishes, says so, holds volume and attachment; unpublishes and lets go', async (test) => {
    const w = await world(test);
    await w.createVolume();
    await w.createNode();
    await w.attach();
    await w.until('attached', () => w.attachment()?.status?.attached);
    assert.deepEqual(w.attachment()?.status, { attached: true, attachmentMetadata: { device: '/dev/x' } });
    assert.deepEqual(w.attachment()?.metadata.finalizers, [FINALIZER]);
    assert.equal(w.attachment()?.metadata.annotations?.['csi.alpha.kubernetes.io/node-id'], 'node-id');
    await w.until('the finalizer', () => w.volume()?.metadata.finalizers?.includes(FINALIZER));
    assert.deepEqual(w.driver.calls, [
      { publish: 'handle', nodeId: 'node-id', readonly: true, secrets: {}, volumeContext: { a: 'b' } },
    ]);
    await w.client.delete(persistentVolumes, { name: 'pv' });
    await w.until('the volume being deleted', () => w.volume()?.metadata.deletionTimestamp);
    await w.detach();
    await w.until(
      'both let go',
      () => !w.attachment() && !w.volume()?.metadata.finalizers?.includes(FINALIZER),
    );
    assert.deepEqual(w.driver.calls[1], { unpublish: 'handle', nodeId: 'node-id' });
    assert.equal(w.driver.calls.length, 2);
  });

  it('hands the publish secret to the driver', async (test) => {
    const w = await world(test);
    await w.client.create(secrets, {
      metadata: { name: 's', namespace: 'default' },
      data: { key: Buffer.from('hush').toString('base64') },
    });
    await w.createVolume({
      csi: {
        driver: DRIVER,
        volumeHandle: 'handle',
        controllerPublishSecretRef: { name: 's', namespace: 'default' },
      },
    });
    await w.createNode();
    await w.attach();
    await w.until('attached', () => w.attachment()?.status?.attached);
    assert.deepEqual((w.driver.calls[0] as { secrets: object }).secrets, { key: 'hush' });
  });

  it('tells in the attachment why it fails, with the code; tries again from a second on; clears the error', async (test) => {
    const w = await world(test, { backoff: { initialMs: 20, maxMs: 100 } });
    w.driver.fail = new CsiStatus(Code.RESOURCE_EXHAUSTED, 'too many volumes');
    await w.createVolume();
    await w.createNode();
    await w.attach();
    await w.until('the error', () => w.attachment()?.status?.attachError);
    const { attachError } = w.attachment()!.status!;
    assert.equal(attachError?.errorCode, Code.RESOURCE_EXHAUSTED);
    assert.equal(attachError?.message, 'rpc error: code = ResourceExhausted desc = too many volumes');
    w.driver.fail = undefined;
    await w.until('attached', () => w.attachment()?.status?.attached);
    assert.equal(w.attachment()?.status?.attachError, undefined);
  });

  it('does not call the driver for a node that it does not know, and blocks nothing', async (test) => {
    const w = await world(test);
    await w.createVolume();
    await w.attach();
    await w.until('the error', () => w.attachment()?.status?.attachError);
    assert.match(w.attachment()?.status?.attachError?.message ?? '', /csinode.storage.k8s.io "n" not found/);
    assert.equal(w.attachment()?.metadata.finalizers, undefined);
    assert.deepEqual(w.driver.calls, []);
    await w.detach();
    await w.until('gone', () => !w.attachment());
  });

  it('keeps an attachment until the driver has let go, also when the node is gone', async (test) => {
    const w = await world(test, { backoff: { initialMs: 20, maxMs: 100 } });
    await w.createVolume();
    await w.createNode();
    await w.attach();
    await w.until('attached', () => w.attachment()?.status?.attached);
    await w.client.delete(csiNodes, { name: 'n' });
    w.driver.fail = new CsiStatus(Code.INTERNAL, 'still busy');
    await w.detach();
    await w.until('the error', () => w.attachment()?.status?.detachError);
    assert.match(w.attachment()?.status?.detachError?.message ?? '', /still busy/);
    w.driver.fail = undefined;
    await w.until('gone', () => !w.attachment());
    assert.deepEqual(w.driver.calls.at(-1), { unpublish: 'handle', nodeId: 'node-id' });
  });

  it('refuses to attach a volume that is being deleted', async (test) => {
    const w = await world(test);
    await w.createVolume();
    await w.createNode();
    await w.client.patch(
      persistentVolumes,
      { name: 'pv' },
      { type: 'merge', body: { metadata: { finalizers: ['example.com/held'] } } },
    );
    await w.client.delete(persistentVolumes, { name: 'pv' });
    await w.until('the deletion', () => w.volume()?.metadata.deletionTimestamp);
    await w.attach();
    await w.until('the error', () => w.attachment()?.status?.attachError);
    assert.match(w.attachment()?.status?.attachError?.message ?? '', /"pv" is marked for deletion/);
    assert.deepEqual(w.driver.calls, []);
  });

  it('does not hold the attachment of a volume that has begun to go meanwhile', async (test) => {
    const w = await world(test, { takesFinalizers: false });
    await w.createVolume();
    await w.createNode();
    await w.attach();
    await w.until('the error', () => w.attachment()?.status?.attachError?.message?.includes('finalizers'));
    assert.equal(w.attachment()?.metadata.finalizers, undefined);
    assert.deepEqual(w.driver.calls, []);
    await w.detach();
    await w.until('the end', () => !w.attachment());
  });

  it('undoes a publication whose attachment was gone when it came to tell of it, until the driver has done so', {
    timeout: 120_000,
  }, async (test) => {
    const w = await world(test, { backoff: { initialMs: 20, maxMs: 100 } });
    await w.createVolume();
    await w.createNode();
    const [called, gone, undone] = [1, 2, 3].map(() => Promise.withResolvers<void>()) as [Wait, Wait, Wait];
    w.driver.before = () => {
      called.resolve();
      return gone.promise;
    };
    w.driver.unpublished = () => {
      const isFirst = w.driver.calls.length === 2;
      w.driver.fail = isFirst ? new CsiStatus(Code.INTERNAL, 'not now') : undefined;
      if (!isFirst) undone.resolve();
    };
    const { metadata } = await w.attach();
    await called.promise;
    await w.detach();
    const body = { metadata: { finalizers: null } };
    await w.client.patch(volumeAttachments, { name: metadata.name }, { type: 'merge', body });
    await w.until('the end', () => !w.attachment());
    // What would have told of the volume goes as well.
    await w.client.delete(persistentVolumes, { name: 'pv' });
    await w.client.patch(persistentVolumes, { name: 'pv' }, { type: 'merge', body });
    await w.client.delete(csiNodes, { name: 'n' });
    await w.until('the end of the volume', () => !w.volume());
    gone.resolve();
    await undone.promise;
    const unpublished = { unpublish: 'handle', nodeId: 'node-id' };
    assert.deepEqual(w.driver.calls.slice(1), [unpublished, unpublished]);
  });

  it('calls no attachment attached that was made anew while it published for the former one', {
    timeout: 120_000,
  }, async (test) => {
    const w = await world(test, { backoff: { initialMs: 20, maxMs: 100 } });
    await w.createVolume();
    await w.createNode();
    const [called, made] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    w.driver.before = () => {
      called.resolve();
      return made.promise;
    };
    await w.attach();
    await called.promise;
    await w.detach();
    const body = { metadata: { finalizers: null } };
    await w.client.patch(volumeAttachments, { name: 'va' }, { type: 'merge', body });
    await w.attach();
    made.resolve();
    await w.until('attached', () => w.attachment()?.status?.attached);
    assert.deepEqual(w.attachment()?.metadata.finalizers, [FINALIZER]);
  });

  it('leaves what it published in vain to an attachment made anew', async (test) => {
    const w = await world(test);
    await w.createVolume();
    await w.createNode();
    await w.attach();
    await w.until('attached', () => w.attachment()?.status?.attached);
    const { client } = w;
    const handler = handlerOf({
      ...w,
      client: { ...client, patch: async () => Promise.reject(notFound(volumeAttachments, 'va')) },
    });
    const { signal } = new AbortController();
    await handler.syncAttachment({ ...w.attachment()!, status: { attached: false } }, signal);
    assert.deepEqual(w.driver.published.get('handle'), ['node-id']);
  });

  it('does not attach again for an attachment that is gone or going, or of which there is another by now', async (test) => {
    const w = await world(test);
    await w.createVolume();
    await w.createNode();
    await w.attach();
    await w.until('attached', () => w.attachment()?.status?.attached);
    const stale = { ...w.attachment()!, status: { attached: false } };
    const handler = handlerOf(w);
    const { signal } = new AbortController();
    const attachAgain = async (uid = stale.metadata.uid) => {
      const before = w.driver.calls.length;
      await handler.syncAttachment({ ...stale, metadata: { ...stale.metadata, uid } }, signal);
      return w.driver.calls.length > before;
    };
    assert.equal(await attachAgain('of a former one'), false);
    assert.equal(await attachAgain(), true);
    const body = { metadata: { finalizers: [FINALIZER, 'example.com/held'] } };
    await w.client.patch(volumeAttachments, { name: 'va' }, { type: 'merge', body });
    await w.detach();
    await w.until('let go', () => !w.attachment()?.metadata.finalizers?.includes(FINALIZER));
    assert.equal(await attachAgain(), false);
    const release = { metadata: { finalizers: null } };
    await w.client.patch(volumeAttachments, { name: 'va' }, { type: 'merge', body: release });
    await w.until('gone', () => !w.attachment());
    assert.equal(await attachAgain(), false);
    assert.deepEqual(w.driver.published.get('handle'), []);
  });

  it('takes nothing away for an attachment of which there is another by now', async (test) => {
    const w = await world(test);
    await w.createVolume();
    await w.createNode();
    await w.attach();
    await w.until('attached', () => w.attachment()?.status?.attached);
    const present = w.attachment()!;
    const handler = handlerOf(w);
    const deleted = { ...present.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' };
    const { signal } = new AbortController();
    await handler.syncAttachment({ ...present, metadata: { ...deleted, uid: 'of a former one' } }, signal);
    assert.equal(w.driver.calls.length, 1);
    await handler.syncAttachment({ ...present, metadata: deleted }, signal);
    assert.deepEqual(w.driver.calls[1], { unpublish: 'handle', nodeId: 'node-id' });
  });

  it('leaves the attachments of other drivers alone', async (test) => {
    const w = await world(test);
    await w.createVolume();
    await w.createNode();
    await w.attach('other.csi.example.org');
    await w.until('the attachment', () => w.attachment());
    await turn();
    assert.equal(w.attachment()?.status?.attached, false);
    assert.deepEqual(w.driver.calls, []);
  });

  it('attaches at once for a driver that has nothing to attach', async (test) => {
    const w = await world(test, { controller: false });
    await w.createVolume();
    await w.attach();
    await w.until('attached', () => w.attachment()?.status?.attached);
    assert.equal(w.attachment()?.metadata.finalizers, undefined);
    await w.detach();
    await w.until('gone', () => !w.attachment());
  });

  it('publishes again what the driver says is not published', async (test) => {
    const clock = new FakeClock();
    const w = await world(test, { clock });
    await w.createVolume();
    await w.createNode();
    await w.attach();
    await w.until('attached', () => w.attachment()?.status?.attached);
    w.driver.published.set('handle', []);
    for (let i = 0; i < 50 && w.driver.calls.length < 2; i++) await clock.advance(61_000);
    assert.equal(w.driver.calls.length, 2);
    assert.deepEqual(w.driver.published.get('handle'), ['node-id']);
  });
});
