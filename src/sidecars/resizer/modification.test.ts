import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { FakeClock, silentLogger, systemClock, turn } from '../../base/index.ts';
import { Code, type ControllerService, CsiStatus, serveInMemory } from '../../csi/index.ts';
import {
  events,
  persistentVolumeClaims,
  persistentVolumes,
  secrets,
  volumeAttributesClasses,
} from '../../kube/index.ts';
import { startStack } from '../../testing/component-stack.ts';
import { createResizer, type ResizerOptions } from './index.ts';

const DRIVER = 'test.csi.example.org';
const NAME = { namespace: 'default', name: 'data' };
const CLASSES = { silver: '100', gold: '200' };

interface WorldOptions extends Partial<ResizerOptions> {
  readonly clock?: FakeClock;
  readonly annotations?: Record<string, string>;
  /** What the claim says when the resizer starts. */
  readonly status?: object;
}

/** A bound claim without a class, and the classes silver and gold. */
async function world(test: TestContext, { clock, annotations, status, ...flags }: WorldOptions = {}) {
  const watch = [persistentVolumeClaims, persistentVolumes, volumeAttributesClasses, events];
  const stack = await startStack(test, { watch, clock });
  const { client, context } = stack;
  const driver = {
    calls: [] as { parameters: Record<string, string>; secrets: Record<string, string> }[],
    fail: undefined as CsiStatus | undefined,
  };
  const controller: ControllerService = {
    controllerModifyVolume: ({ mutableParameters, secrets: given }) => {
      driver.calls.push({ parameters: mutableParameters, secrets: given });
      if (driver.fail) throw driver.fail;
      return {};
    },
  };
  const server = serveInMemory(
    { identity: { name: DRIVER, vendorVersion: '1' }, controller },
    { clock: systemClock, log: silentLogger },
  );
  const csi = server.connect();
  test.after(() => csi.close());
  const createClass = (name: string, iops: string) =>
    client.create(volumeAttributesClasses, {
      metadata: { name },
      driverName: DRIVER,
      parameters: { iops },
    });
  for (const [name, iops] of Object.entries(CLASSES)) await createClass(name, iops);
  const { metadata } = await client.create(persistentVolumeClaims, {
    metadata: NAME,
    spec: {
      accessModes: ['ReadWriteOnce'],
      storageClassName: '',
      volumeName: 'pv',
      resources: { requests: { storage: '1Gi' } },
    },
  });
  await client.create(persistentVolumes, {
    metadata: { name: 'pv', annotations },
    spec: {
      accessModes: ['ReadWriteOnce'],
      capacity: { storage: '1Gi' },
      claimRef: { ...NAME, uid: metadata.uid },
      csi: { driver: DRIVER, volumeHandle: 'handle' },
    },
  });
  const body = { status: { phase: 'Bound', capacity: { storage: '1Gi' }, ...status } };
  await client.patch(persistentVolumeClaims, NAME, { type: 'merge', body }, { subresource: 'status' });
  const claim = () => context.informers.of(persistentVolumeClaims).get(NAME.name, NAME.namespace);
  return {
    ...stack,
    driver,
    claim,
    createClass,
    start: () => stack.run(createResizer(context, { csi, ...flags })),
    ask: (volumeAttributesClassName: string) =>
      client.patch(persistentVolumeClaims, NAME, {
        type: 'merge',
        body: { spec: { volumeAttributesClassName } },
      }),
    has: (name: string) => () =>
      claim()?.status?.currentVolumeAttributesClassName === name && !claim()?.status?.modifyVolumeStatus,
    /** Resolves once somebody was told. */
    told: (wanted: string) =>
      stack.until(`the event ${wanted}`, () =>
        [...context.informers.of(events).values()].some(({ reason }) => reason === wanted),
      ),
    state: () => claim()?.status?.modifyVolumeStatus?.status,
    iops: () => driver.calls.map(({ parameters }) => parameters.iops),
  };
}

describe('modifying a volume', () => {
  it('gives it what its class says, and back', async (test) => {
    const w = await world(test);
    w.start();
    await w.ask('silver');
    await w.until('silver', w.has('silver'));
    assert.equal(w.claim()?.status?.conditions, undefined);
    const volume = () => w.context.informers.of(persistentVolumes).get('pv');
    await w.until('the volume to say so', () => volume()?.spec?.volumeAttributesClassName === 'silver');
    await w.ask('gold');
    await w.until('gold', w.has('gold'));
    await w.ask('silver');
    await w.until('silver again', w.has('silver'));
    assert.deepEqual(w.iops(), ['100', '200', '100']);
    await w.told('VolumeModifySuccessful');
    assert.deepEqual((await w.events()).slice(0, 2), [
      'VolumeModify: external resizer is modifying volume data with vac silver',
      'VolumeModifySuccessful: external resizer modified volume data with vac silver successfully',
    ]);
  });

  it('says what is impossible, leaves it for five minutes, and takes another class at once', async (test) => {
    const clock = new FakeClock();
    const w = await world(test, { clock });
    w.driver.fail = new CsiStatus(Code.INVALID_ARGUMENT, 'no such iops');
    w.start();
    await w.ask('gold');
    await w.until('the refusal', () => w.state() === 'Infeasible');
    const said = w.claim()?.status?.conditions?.map(({ type, reason, message }) => [type, reason, message]);
    assert.deepEqual(said, [
      ['ModifyingVolume', undefined, 'Modifying volume to "gold" failed. Waiting for retry.'],
      ['ModifyVolumeError', 'InvalidArgument', 'no such iops'],
    ]);
    await clock.advance(200_000);
    await turn();
    assert.deepEqual(w.iops(), ['200']);
    w.driver.fail = undefined;
    await w.ask('silver');
    await w.until('silver', w.has('silver'));
    assert.equal(w.claim()?.status?.conditions, undefined);
    await w.told('VolumeModifyFailed');
    const told = await w.events();
    assert.ok(told.includes('VolumeModifyFailed: rpc error: code = InvalidArgument desc = no such iops'));
  });

  it('tries the impossible again after five minutes', async (test) => {
    const clock = new FakeClock();
    const w = await world(test, { clock });
    w.driver.fail = new CsiStatus(Code.INVALID_ARGUMENT, 'no such iops');
    w.start();
    await w.ask('gold');
    await w.until('the refusal', () => w.state() === 'Infeasible');
    await turn();
    w.driver.fail = undefined;
    await clock.advance(700_000);
    await w.until('gold', w.has('gold'));
  });

  it('carries on with what may be going on, whatever is wanted meanwhile', async (test) => {
    const clock = new FakeClock();
    const w = await world(test, { clock });
    w.driver.fail = new CsiStatus(Code.DEADLINE_EXCEEDED, 'slow');
    w.start();
    await w.ask('gold');
    await w.until('the failure', () =>
      w.claim()?.status?.conditions?.some(({ type }) => type === 'ModifyVolumeError'),
    );
    assert.equal(
      w.claim()?.status?.conditions?.[0]?.message,
      'Modifying volume to "gold" is still in progress.',
    );
    await w.ask('silver');
    w.driver.fail = undefined;
    await clock.advance(10_000);
    await w.until('silver in the end', w.has('silver'));
    assert.deepEqual(w.iops().slice(0, 2), ['200', '200'], 'gold first comes to its end');
    assert.equal(w.iops().at(-1), '100');
  });

  it('does not know what the one before it has begun, and carries on with that', async (test) => {
    const target = { status: 'InProgress', targetVolumeAttributesClassName: 'gold' };
    const w = await world(test, { status: { modifyVolumeStatus: target } });
    await w.ask('silver');
    w.start();
    await w.until('silver in the end', w.has('silver'));
    assert.deepEqual(w.iops(), ['200', '100']);
  });

  it('waits for a class that is not there', async (test) => {
    const w = await world(test);
    w.start();
    await w.ask('platinum');
    await w.until('the wait', () => w.state() === 'Pending');
    await w.told('VolumeModifyFailed');
    assert.deepEqual(await w.events(), ['VolumeModifyFailed: VAC "platinum" does not exist.']);
    await w.createClass('platinum', '300');
    await w.until('platinum', w.has('platinum'));
  });

  it('names claim and volume if it is told to, and hands the secret over that the volume notes', async (test) => {
    const w = await world(test, {
      extraModifyMetadata: true,
      annotations: {
        'volume.kubernetes.io/controller-modify-secret-name': 'key',
        'volume.kubernetes.io/controller-modify-secret-namespace': 'default',
      },
    });
    await w.client.create(secrets, {
      metadata: { namespace: 'default', name: 'key' },
      stringData: { token: 'x' },
    });
    w.start();
    await w.ask('gold');
    await w.until('gold', w.has('gold'));
    assert.deepEqual(w.driver.calls, [
      {
        parameters: {
          iops: '200',
          'csi.storage.k8s.io/pvc/name': 'data',
          'csi.storage.k8s.io/pvc/namespace': 'default',
          'csi.storage.k8s.io/pv/name': 'pv',
        },
        secrets: { token: 'x' },
      },
    ]);
  });
});
