// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the templates of secrets.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { snapshotCrds } from '../../apiserver/crd/snapshots/index.ts';
import { systemClock } from '../../base/index.ts';
import { waitUntil } from '../../client/index.ts';
import { Code, type ControllerService, CsiStatus, type csi, serveInMemory } from '../../csi/index.ts';
import {
  ANN_SNAPSHOT_BEING_CREATED,
  ANN_SNAPSHOT_BEING_DELETED,
  type CustomResourceDefinition,
  customResourceDefinitions,
  events,
  FINALIZER_SNAPSHOT_CONTENT,
  namespaces,
  secrets,
  type VolumeSnapshotContent,
  volumeSnapshotClasses,
  volumeSnapshotContents,
} from '../../kube/index.ts';
import { startStack } from '../../testing/component-stack.ts';
import { createSnapshotter, type SnapshotterOptions } from './index.ts';

const DRIVER = 'disk.example.com';

/** Snapshots in a map. */
class Driver {
  readonly snapshots = new Map<string, csi.CreateSnapshotRequest>();
  readonly calls: string[] = [];
  readonly secrets: string[] = [];
  hook: (call: string) => Promise<void> | void = () => {};
  ready = true;
  #waiting: { calls: number; resolve: () => void }[] = [];

  /** Resolves once so many calls were made. */
  called(calls: number): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ calls, resolve });
    });
  }

  #called(call: string, given: Readonly<Record<string, string>>): Promise<void> | void {
    this.calls.push(call);
    this.secrets.push(`${call} ${given.token ?? '-'}`);
    for (const { calls, resolve } of this.#waiting) if (this.calls.length >= calls) resolve();
    return this.hook(call);
  }

  readonly service: ControllerService = {
    createSnapshot: async (request) => {
      await this.#called('CreateSnapshot', request.secrets);
      this.snapshots.set(request.name, request);
      return { snapshot: this.#describe(request.name) };
    },
    deleteSnapshot: async (request) => {
      await this.#called('DeleteSnapshot', request.secrets);
      this.snapshots.delete(request.snapshotId);
      return {};
    },
    listSnapshots: async (request) => {
      await this.#called('ListSnapshots', request.secrets);
      const { snapshotId } = request;
      return { entries: this.snapshots.has(snapshotId) ? [{ snapshot: this.#describe(snapshotId) }] : [] };
    },
  };

  #describe(snapshotId: string) {
    return {
      snapshotId,
      sourceVolumeId: 'vol',
      sizeBytes: 1n << 20n,
      creationTime: { seconds: 1000n, nanos: 5 },
      readyToUse: this.ready,
    };
  }
}

async function start(test: TestContext, options: Partial<SnapshotterOptions> = {}) {
  const stack = await startStack(test, { watch: [] });
  const { client, context } = stack;
  for (const crd of snapshotCrds)
    await client.create(customResourceDefinitions, crd as unknown as CustomResourceDefinition);
  await client.create(namespaces, { metadata: { name: 'keys' } }).catch(() => undefined);
  await client.create(secrets, {
    metadata: { namespace: 'keys', name: 'key' },
    data: { token: Buffer.from('hush').toString('base64') },
  });
  await client.create(volumeSnapshotClasses, {
    metadata: { name: 'fast' },
    driver: DRIVER,
    deletionPolicy: 'Delete',
    parameters: {
      speed: 'high',
      'csi.storage.k8s.io/snapshotter-list-secret-name': 'key',
      'csi.storage.k8s.io/snapshotter-list-secret-namespace': 'keys',
    },
  });
  const driver = new Driver();
  const server = serveInMemory(
    { identity: { name: DRIVER, vendorVersion: '1' }, controller: driver.service },
    { clock: systemClock, log: context.log },
  );
  const csiClient = server.connect();
  test.after(() => csiClient.close());
  const backoff = { initialMs: 5, maxMs: 50 };
  const run = () => stack.run(createSnapshotter(context, { csi: csiClient, backoff, ...options }));
  const contents = context.informers.of(volumeSnapshotContents);
  const told = context.informers.of(events);
  const until = <R>(what: string, look: () => R | undefined | false) =>
    waitUntil([contents, told] as never, look, { clock: systemClock, limitMs: 60_000, what });
  return {
    ...stack,
    driver,
    run,
    until,
    content: () => contents.get('c'),
    event: (reason: string) =>
      until(reason, () => [...told.values()].find((one) => one.reason === reason)?.message),
    make: (change: Partial<VolumeSnapshotContent['spec']> = {}, annotations: Record<string, string> = {}) =>
      client.create(volumeSnapshotContents, {
        metadata: { name: 'c', annotations, finalizers: [FINALIZER_SNAPSHOT_CONTENT] },
        spec: {
          driver: DRIVER,
          deletionPolicy: 'Delete',
          source: { volumeHandle: 'vol' },
          volumeSnapshotClassName: 'fast',
          volumeSnapshotRef: { namespace: 'default', name: 's', uid: '12-34' },
          ...change,
        },
      }),
    /** As the snapshot controller does. */
    async remove() {
      const body = { metadata: { annotations: { [ANN_SNAPSHOT_BEING_DELETED]: 'yes' } } };
      await client.patch(volumeSnapshotContents, { name: 'c' }, { type: 'merge', body });
      await client.delete(volumeSnapshotContents, { name: 'c' });
    },
  };
}

const SECRET = {
  'snapshot.storage.kubernetes.io/deletion-secret-name': 'key',
  'snapshot.storage.kubernetes.io/deletion-secret-namespace': 'keys',
};

describe('the csi-snapshotter', () => {
  it('takes the snapshot, says how it is, and deletes it with its content', async (test) => {
    const { run, make, remove, driver, content, until } = await start(test, { extraCreateMetadata: true });
    run();
    await make({}, SECRET);
    const done = await until('ready', () => content()?.status?.readyToUse && content());
    assert.deepEqual(done.status, {
      snapshotHandle: 'snapshot-12-34',
      readyToUse: true,
      creationTime: 1000 * 1e9 + 5,
      restoreSize: 1 << 20,
    });
    const request = driver.snapshots.get('snapshot-12-34');
    assert.equal(request?.sourceVolumeId, 'vol');
    assert.deepEqual(request?.parameters, {
      speed: 'high',
      'csi.storage.k8s.io/volumesnapshot/name': 's',
      'csi.storage.k8s.io/volumesnapshot/namespace': 'default',
      'csi.storage.k8s.io/volumesnapshotcontent/name': 'c',
    });
    await until('the annotation to go', () => !content()?.metadata.annotations?.[ANN_SNAPSHOT_BEING_CREATED]);
    await remove();
    await until('the end', () => !content());
    assert.equal(driver.snapshots.size, 0);
    assert.deepEqual(driver.secrets, ['CreateSnapshot hush', 'DeleteSnapshot hush']);
  });

  it('Retain: lets the content go, and the snapshot be', async (test) => {
    const { run, make, remove, driver, content, until } = await start(test);
    run();
    await make({ deletionPolicy: 'Retain' });
    await until('ready', () => content()?.status?.readyToUse);
    await remove();
    await until('the end', () => !content());
    assert.deepEqual([...driver.snapshots.keys()], ['snapshot-12-34']);
    assert.deepEqual(driver.calls, ['CreateSnapshot']);
  });

  it('asks again until the snapshot is ready', async (test) => {
    const { run, make, driver, content, until } = await start(test);
    driver.ready = false;
    run();
    await make();
    await until('cut', () => content()?.status?.readyToUse === false);
    driver.ready = true;
    await until('ready', () => content()?.status?.readyToUse);
    assert.ok(driver.calls.length > 1);
  });

  it('looks for a snapshot that was there before, with the secret of the list', async (test) => {
    const { run, make, driver, content, until } = await start(test);
    driver.snapshots.set('old', {} as csi.CreateSnapshotRequest);
    run();
    await make({ source: { snapshotHandle: 'old' } });
    const found = await until('ready', () => content()?.status?.readyToUse && content());
    assert.equal(found.status?.snapshotHandle, 'old');
    assert.deepEqual(driver.secrets, ['ListSnapshots hush']);
  });

  it('says what a driver has refused, and gets over it', async (test) => {
    const { run, make, driver, content, until, event } = await start(test);
    let failures = 1;
    driver.hook = () => {
      if (failures-- > 0) throw new CsiStatus(Code.FAILED_PRECONDITION, 'volume is busy');
    };
    run();
    await make();
    assert.equal(
      await event('SnapshotCreationFailed'),
      'Failed to create snapshot: failed to take snapshot of the volume vol: "rpc error: code = FailedPrecondition desc = volume is busy"',
    );
    const done = await until('ready', () => content()?.status?.readyToUse && content());
    assert.equal(done.status?.error, undefined);
  });

  it('does not let a content go as long as a snapshot may still come of it', async (test) => {
    const { run, make, remove, driver, content, until, event } = await start(test);
    let code: Code | undefined = Code.DEADLINE_EXCEEDED;
    driver.hook = (call) => {
      if (call === 'CreateSnapshot' && code !== undefined) throw new CsiStatus(code, 'slow');
    };
    run();
    await make();
    await event('SnapshotCreationFailed');
    await remove();
    await driver.called(driver.calls.length + 2);
    assert.equal(content()?.metadata.annotations?.[ANN_SNAPSHOT_BEING_CREATED], 'yes');
    code = undefined;
    await until('the end', () => !content());
    assert.deepEqual(driver.calls.at(-1), 'DeleteSnapshot');
    assert.equal(driver.snapshots.size, 0);
  });

  it('lets a content go whose snapshot has failed for good', async (test) => {
    const { run, make, remove, driver, content, until, event } = await start(test);
    driver.hook = () => {
      throw new CsiStatus(Code.INVALID_ARGUMENT, 'never');
    };
    run();
    await make();
    await event('SnapshotCreationFailed');
    await remove();
    await until('the end', () => !content());
    assert.ok(!driver.calls.includes('DeleteSnapshot'));
  });

  it('tells of a deletion that fails, and tries again', async (test) => {
    const { run, make, remove, driver, content, until, event } = await start(test);
    run();
    await make();
    await until('ready', () => content()?.status?.readyToUse);
    let failures = 1;
    driver.hook = () => {
      if (failures-- > 0) throw new CsiStatus(Code.INTERNAL, 'no');
    };
    await remove();
    assert.equal(await event('SnapshotDeleteError'), 'Failed to delete snapshot');
    await until('the end', () => !content());
  });

  it('refuses parameters of the sidecars that it does not know, and a missing secret', async (test) => {
    const { client, run, make, driver, event } = await start(test);
    await client.create(volumeSnapshotClasses, {
      metadata: { name: 'odd' },
      driver: DRIVER,
      deletionPolicy: 'Delete',
      parameters: { 'csi.storage.k8s.io/what': 'x' },
    });
    run();
    await make({ volumeSnapshotClassName: 'odd' });
    assert.equal(
      await event('SnapshotCreationFailed'),
      'Failed to create snapshot: failed to remove CSI Parameters of prefixed keys: found unknown parameter key "csi.storage.k8s.io/what" with reserved namespace csi.storage.k8s.io/',
    );
    assert.deepEqual(driver.calls, []);
  });
});
