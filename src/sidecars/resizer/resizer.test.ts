import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { FakeClock, silentLogger, systemClock, turn, withDeadline } from '../../base/index.ts';
import {
  Code,
  type ControllerService,
  CsiStatus,
  type csi,
  type NodeService,
  serveInMemory,
} from '../../csi/index.ts';
import {
  events,
  type PersistentVolumeSpec,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  secrets,
  storageClasses,
} from '../../kube/index.ts';
import { startStack } from '../../testing/component-stack.ts';
import { createResizer, type ResizerOptions } from './index.ts';

const DRIVER = 'test.csi.example.org';
const GI = 2n ** 30n;
const NAME = { namespace: 'default', name: 'data' };
const ANN_OLD_SIZE = 'volume.alpha.kubernetes.io/pre-resize-capacity';
const ANN_NOT_REQUIRED = 'volume.kubernetes.io/node-expansion-not-required';

interface WorldOptions extends Partial<ResizerOptions> {
  readonly clock?: FakeClock;
  /** Where the driver grows volumes. @default the controller's side */
  readonly grows?: 'controller' | 'node' | 'nowhere';
  readonly source?: Partial<PersistentVolumeSpec>;
}

/** A claim of 1Gi that is bound to a volume of the driver. */
async function world(test: TestContext, options: WorldOptions = {}) {
  const { clock, grows = 'controller', source, ...flags } = options;
  const stack = await startStack(test, {
    watch: [persistentVolumeClaims, persistentVolumes, pods, events],
    clock,
  });
  const { client, context } = stack;
  const driver = {
    calls: [] as csi.ControllerExpandVolumeRequest[],
    fail: undefined as CsiStatus | undefined,
    onNode: true,
  };
  const waiting = new Set<() => void>();
  /** Resolves once the driver was called so often. */
  const called = (times: number): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = () => {
      if (driver.calls.length >= times) resolve();
    };
    waiting.add(look);
    look();
    return withDeadline(systemClock, 30_000, `call ${times} of the driver`, promise);
  };
  const controller: ControllerService = {
    ...(grows === 'controller' && {
      controllerExpandVolume: (request: csi.ControllerExpandVolumeRequest) => {
        driver.calls.push(request);
        for (const look of waiting) look();
        if (driver.fail) throw driver.fail;
        return {
          capacityBytes: request.capacityRange!.requiredBytes,
          nodeExpansionRequired: driver.onNode,
        };
      },
    }),
  };
  const node: NodeService = {
    nodeGetInfo: () => ({ nodeId: 'n' }),
    ...(grows === 'node' && { nodeExpandVolume: () => ({}) }),
  };
  const server = serveInMemory(
    { identity: { name: DRIVER, vendorVersion: '1' }, controller, node },
    { clock: systemClock, log: silentLogger },
  );
  const csiClient = server.connect();
  test.after(() => csiClient.close());

  await client.create(storageClasses, {
    metadata: { name: 'grows' },
    provisioner: DRIVER,
    allowVolumeExpansion: true,
  });
  const shared = { accessModes: ['ReadWriteOnce'], storageClassName: 'grows' };
  const { metadata } = await client.create(persistentVolumeClaims, {
    metadata: NAME,
    spec: { ...shared, volumeName: 'pv', resources: { requests: { storage: '1Gi' } } },
  });
  await client.create(persistentVolumes, {
    metadata: { name: 'pv' },
    spec: {
      ...shared,
      capacity: { storage: '1Gi' },
      claimRef: { ...NAME, uid: metadata.uid },
      csi: { driver: DRIVER, volumeHandle: 'handle' },
      ...source,
    },
  });
  const patchStatus = (status: object) =>
    client.patch(
      persistentVolumeClaims,
      NAME,
      { type: 'merge', body: { status } },
      { subresource: 'status' },
    );
  await patchStatus({ phase: 'Bound', capacity: { storage: '1Gi' } });

  const { informers } = context;
  const claim = () => informers.of(persistentVolumeClaims).get(NAME.name, NAME.namespace);
  return {
    ...stack,
    driver,
    called,
    claim,
    patchStatus,
    volume: () => informers.of(persistentVolumes).get('pv'),
    start: () => stack.run(createResizer(context, { csi: csiClient, ...flags })),
    ask: (storage: string) =>
      client.patch(persistentVolumeClaims, NAME, {
        type: 'merge',
        body: { spec: { resources: { requests: { storage } } } },
      }),
    status: () => claim()?.status?.allocatedResourceStatuses?.storage,
    /** Resolves once somebody was told. */
    told: (wanted: string) =>
      stack.until(`the event ${wanted}`, () =>
        [...informers.of(events).values()].some(({ reason }) => reason === wanted),
      ),
    condition: (type: string) => claim()?.status?.conditions?.find((one) => one.type === type),
  };
}

/** Where every condition but its time is. */
const untimed = (conditions: readonly { readonly lastTransitionTime?: string }[] | undefined) =>
  conditions?.map(({ lastTransitionTime: _, ...rest }) => rest);

describe('the resizer', () => {
  it('grows the volume, notes its old size, and leaves the rest to the node; then forgets', async (test) => {
    const w = await world(test);
    w.start();
    await w.ask('2Gi');
    await w.until('the turn of the node', () => w.status() === 'NodeResizePending');
    assert.deepEqual(
      w.driver.calls.map(({ volumeId, capacityRange }) => [volumeId, capacityRange?.requiredBytes]),
      [['handle', 2n * GI]],
    );
    const { status } = w.claim()!;
    assert.deepEqual(status?.allocatedResources, { storage: '2Gi' });
    assert.deepEqual(status?.capacity, { storage: '1Gi' });
    assert.deepEqual(untimed(status?.conditions), [
      { type: 'Resizing', status: 'True' },
      {
        type: 'FileSystemResizePending',
        status: 'True',
        message: 'Waiting for user to (re-)start a pod to finish file system resize of volume on node.',
      },
    ]);
    assert.equal(w.volume()?.spec?.capacity?.storage, '2Gi');
    assert.equal(w.volume()?.metadata.annotations?.[ANN_OLD_SIZE], '1Gi');
    await w.told('FileSystemResizeRequired');
    assert.deepEqual(await w.events(), [
      'Resizing: External resizer is resizing volume pv',
      'FileSystemResizeRequired: Require file system resize of volume on node',
    ]);
    await w.patchStatus({ capacity: { storage: '2Gi' }, allocatedResourceStatuses: { storage: null } });
    await w.until('its old size to be forgotten', () => !w.volume()?.metadata.annotations?.[ANN_OLD_SIZE]);
    assert.equal(w.driver.calls.length, 1);
  });

  it('is done with it where no node has to do anything, and says so', async (test) => {
    const w = await world(test);
    w.driver.onNode = false;
    w.start();
    await w.ask('2Gi');
    await w.until('its new size', () => w.claim()?.status?.capacity?.storage === '2Gi');
    assert.equal(w.status(), undefined);
    assert.equal(w.claim()?.status?.conditions, undefined);
    assert.equal(w.claim()?.metadata.annotations?.[ANN_NOT_REQUIRED], 'true');
    assert.equal(w.volume()?.metadata.annotations?.[ANN_OLD_SIZE], undefined);
    await w.told('VolumeResizeSuccessful');
    assert.deepEqual(await w.events(), [
      'Resizing: External resizer is resizing volume pv',
      'VolumeResizeSuccessful: Resize volume succeeded',
    ]);
    // What was true of one growth need not be of the next.
    w.driver.onNode = true;
    await w.ask('3Gi');
    await w.until('the turn of the node', () => w.status() === 'NodeResizePending');
    assert.equal(w.claim()?.metadata.annotations?.[ANN_NOT_REQUIRED], undefined);
  });

  it('leaves all to the nodes of a driver that does nothing elsewhere', async (test) => {
    const w = await world(test, { grows: 'node' });
    w.start();
    await w.ask('2Gi');
    await w.until('the turn of the node', () => w.status() === 'NodeResizePending');
    assert.equal(w.volume()?.spec?.capacity?.storage, '2Gi');
  });

  it('does nothing for a driver whose volumes do not grow, and stops when told to', async (test) => {
    const w = await world(test, { grows: 'nowhere' });
    const stop = w.start();
    await w.ask('2Gi');
    await stop();
    assert.equal(w.status(), undefined);
  });

  it('hands the secret over that the volume names', async (test) => {
    const source = {
      csi: {
        driver: DRIVER,
        volumeHandle: 'handle',
        controllerExpandSecretRef: { namespace: 'default', name: 'key' },
      },
    };
    const w = await world(test, { source });
    await w.client.create(secrets, {
      metadata: { namespace: 'default', name: 'key' },
      stringData: { token: 'x' },
    });
    w.start();
    await w.ask('2Gi');
    await w.until('the turn of the node', () => w.status() === 'NodeResizePending');
    assert.deepEqual(w.driver.calls[0]?.secrets, { token: 'x' });
  });

  it("leaves others' volumes alone", async (test) => {
    const w = await world(test, { source: { csi: { driver: 'other.example.org', volumeHandle: 'h' } } });
    const stop = w.start();
    await w.ask('2Gi');
    await turn();
    await stop();
    assert.equal(w.driver.calls.length, 0);
    assert.equal(w.status(), undefined);
  });

  it('takes what is impossible for an answer, until another size is asked for', async (test) => {
    const clock = new FakeClock();
    const w = await world(test, { clock });
    w.driver.fail = new CsiStatus(Code.OUT_OF_RANGE, 'too much');
    w.start();
    await w.ask('1Ti');
    await w.until('the refusal', () => w.status() === 'ControllerResizeInfeasible');
    assert.equal(
      w.condition('ControllerResizeError')?.message,
      'failed to expand pvc with rpc error: code = OutOfRange desc = too much',
    );
    assert.ok(w.condition('Resizing'), 'what was said before stays');
    await w.called(2);
    await clock.advance(60_000);
    await turn();
    assert.equal(w.driver.calls.length, 2, 'in a minute nothing changes');

    w.driver.fail = undefined;
    await w.ask('2Gi');
    await w.until('the smaller size', () => w.status() === 'NodeResizePending');
    assert.deepEqual(w.claim()?.status?.allocatedResources, { storage: '2Gi' });
    assert.equal(w.condition('ControllerResizeError'), undefined);
  });

  it('tries again what is impossible when it has let five minutes go by', async (test) => {
    const clock = new FakeClock();
    const w = await world(test, { clock });
    w.driver.fail = new CsiStatus(Code.OUT_OF_RANGE, 'too much');
    w.start();
    await w.ask('2Gi');
    await w.called(2);
    await turn();
    w.driver.fail = undefined;
    await clock.advance(400_000);
    await w.until('the turn of the node', () => w.status() === 'NodeResizePending');
  });

  it('carries on with what may be going on, whatever is asked for meanwhile', async (test) => {
    const clock = new FakeClock();
    const w = await world(test, { clock });
    w.driver.fail = new CsiStatus(Code.ABORTED, 'busy');
    w.start();
    await w.ask('4Gi');
    await w.called(1);
    await w.ask('2Gi');
    await w.called(2);
    await turn();
    w.driver.fail = undefined;
    await clock.advance(10_000);
    await w.until('the turn of the node', () => w.status() === 'NodeResizePending');
    assert.ok(w.driver.calls.every(({ capacityRange }) => capacityRange?.requiredBytes === 4n * GI));
    assert.equal(w.claim()?.status?.allocatedResources?.storage, '4Gi');
  });

  it('gives way to another size when the last one has failed for good', async (test) => {
    const clock = new FakeClock();
    const w = await world(test, { clock });
    w.driver.fail = new CsiStatus(Code.INTERNAL, 'broken');
    w.start();
    await w.ask('4Gi');
    await w.until('the failure', () => w.condition('ControllerResizeError'));
    assert.equal(w.status(), 'ControllerResizeInProgress');
    w.driver.fail = undefined;
    await w.ask('2Gi');
    await w.until('the turn of the node', () => w.status() === 'NodeResizePending');
    assert.equal(w.claim()?.status?.allocatedResources?.storage, '2Gi');
    await turn();
    const told = await w.events();
    assert.ok(
      told.includes(
        'VolumeResizeFailed: resize volume "pv" by resizer "test.csi.example.org" failed: rpc error: code = Internal desc = broken',
      ),
      told.join('\n'),
    );
  });

  it('waits until nobody uses a volume that its driver grows only then', async (test) => {
    const clock = new FakeClock();
    const w = await world(test, { clock });
    await w.client.create(pods, {
      metadata: { namespace: 'default', name: 'user' },
      spec: {
        containers: [{ name: 'c', image: 'i' }],
        volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }],
      },
    });
    w.driver.fail = new CsiStatus(Code.FAILED_PRECONDITION, 'in use');
    w.start();
    await w.ask('2Gi');
    await w.until('the refusal', () => w.condition('ControllerResizeError'));
    const calls = w.driver.calls.length;
    await clock.advance(5_000);
    await turn();
    assert.equal(w.driver.calls.length, calls, 'it is not asked again while the pod is there');
    await w.told('VolumeResizeFailed');
    const told = await w.events();
    assert.ok(
      told.includes(
        'VolumeResizeFailed: Unable to expand default/data because CSI driver test.csi.example.org only supports offline expansion and volume is currently in-use',
      ),
      told.join('\n'),
    );
    w.driver.fail = undefined;
    await w.client.delete(pods, { namespace: 'default', name: 'user' }, { gracePeriodSeconds: 0 });
    await w.until('the pod to be gone', () => !w.context.informers.of(pods).get('user', 'default'));
    await clock.advance(300_000);
    await w.until('the turn of the node', () => w.status() === 'NodeResizePending');
  });
});
