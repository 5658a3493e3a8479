import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { silentLogger, systemClock } from '../../base/index.ts';
import { Code, CsiStatus, serveInMemory } from '../../csi/index.ts';
import {
  ANN_CONTROLLER_MANAGED_ATTACH,
  csiNodes,
  nodes,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  volumeAttachments,
} from '../../kube/index.ts';
import { createAttacher } from '../../sidecars/attacher/index.ts';
import { startStack } from '../../testing/component-stack.ts';
import { createPluginRegistry } from '../../volume/index.ts';
import { createCsiPlugin } from '../../volume/plugins/csi/index.ts';
import { createAttachDetachController } from './index.ts';

const DRIVER = 'chain.csi.example.org';
const watch = [nodes, pods, persistentVolumes, volumeAttachments];

/** The controller, the CSI plugin, the attacher sidecar and a driver in memory; node n with pod p that wants volume v. */
async function world(test: TestContext) {
  const stack = await startStack(test, { watch });
  const { client, context } = stack;
  const driver = { calls: [] as string[], fail: undefined as CsiStatus | undefined };
  const call = (name: string) => {
    driver.calls.push(name);
    if (driver.fail) throw driver.fail;
    return {};
  };
  const server = serveInMemory(
    {
      identity: { name: DRIVER, vendorVersion: '1' },
      controller: {
        controllerPublishVolume: ({ volumeId, nodeId }) => call(`publish ${volumeId} ${nodeId}`),
        controllerUnpublishVolume: ({ volumeId, nodeId }) => call(`unpublish ${volumeId} ${nodeId}`),
      },
    },
    { clock: systemClock, log: silentLogger },
  );
  const csi = server.connect();
  test.after(() => csi.close());
  const plugins = createPluginRegistry([createCsiPlugin(context)]);
  stack.run(
    createAttachDetachController(context, { plugins }),
    createAttacher(context, { csi, backoff: { initialMs: 20, maxMs: 100 } }),
  );

  await client.create(nodes, {
    metadata: { name: 'n', annotations: { [ANN_CONTROLLER_MANAGED_ATTACH]: 'true' } },
  });
  await client.create(csiNodes, {
    metadata: { name: 'n' },
    spec: { drivers: [{ name: DRIVER, nodeID: 'node-id', topologyKeys: [] }] },
  });
  const resources = { requests: { storage: '1Gi' } };
  const claim = await client.create(persistentVolumeClaims, {
    metadata: { name: 'c', namespace: 'default' },
    spec: { accessModes: ['ReadWriteOnce'], resources, volumeName: 'v', storageClassName: '' },
  });
  await client.create(persistentVolumes, {
    metadata: { name: 'v' },
    spec: {
      accessModes: ['ReadWriteOnce'],
      capacity: { storage: '1Gi' },
      csi: { driver: DRIVER, volumeHandle: 'handle' },
      claimRef: { namespace: 'default', name: 'c', uid: claim.metadata.uid },
    },
  });
  await client.patch(
    persistentVolumeClaims,
    { namespace: 'default', name: 'c' },
    { type: 'merge', body: { status: { phase: 'Bound' } } },
    { subresource: 'status' },
  );
  const attached = () =>
    (context.informers.of(nodes).get('n')?.status?.volumesAttached ?? []).map(({ name }) => name).join();
  return {
    ...stack,
    driver,
    schedule: () =>
      client.create(pods, {
        metadata: { name: 'p', namespace: 'default' },
        spec: {
          nodeName: 'n',
          containers: [{ name: 'c', image: 'i' }],
          volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'c' } }],
        },
      }),
    deletePod: () => client.delete(pods, { namespace: 'default', name: 'p' }, { gracePeriodSeconds: 0 }),
    attached: () => stack.until('attached', () => attached() === `kubernetes.io/csi/${DRIVER}^handle`),
    detached: () =>
      stack.until('detached', () => attached() === '' && context.informers.of(volumeAttachments).size === 0),
    attachment: () => [...context.informers.of(volumeAttachments).values()][0],
  };
}

describe('from a scheduled pod to the driver and back', () => {
  it('publishes and unpublishes once each', async (test) => {
    const w = await world(test);
    await w.schedule();
    await w.attached();
    assert.match(w.attachment()?.metadata.name ?? '', /^csi-[0-9a-f]{64}$/);
    await w.deletePod();
    await w.detached();
    assert.deepEqual(w.driver.calls, ['publish handle node-id', 'unpublish handle node-id']);
  });

  it('attaches as soon as a driver that refused relents', async (test) => {
    const w = await world(test);
    w.driver.fail = new CsiStatus(Code.INTERNAL, 'no room');
    await w.schedule();
    await w.until('the error', () => w.attachment()?.status?.attachError);
    w.driver.fail = undefined;
    await w.attached();
  });

  it('publishes again when somebody deletes the VolumeAttachment', async (test) => {
    const w = await world(test);
    await w.schedule();
    await w.attached();
    const { name, uid } = w.attachment()!.metadata;
    await w.client.delete(volumeAttachments, { name });
    await w.until('a new one attached', () => {
      const found = w.attachment();
      return found?.status?.attached && found.metadata.uid !== uid;
    });
    await w.attached();
    assert.deepEqual(w.driver.calls, [
      'publish handle node-id',
      'unpublish handle node-id',
      'publish handle node-id',
    ]);
  });

  it('leaves nothing when the pod goes while the driver still refuses', async (test) => {
    const w = await world(test);
    w.driver.fail = new CsiStatus(Code.INTERNAL, 'no room');
    await w.schedule();
    await w.until('the error', () => w.attachment()?.status?.attachError);
    await w.deletePod();
    await w.until('the detach error', () => w.attachment()?.status?.detachError);
    w.driver.fail = undefined;
    await w.detached();
  });
});
