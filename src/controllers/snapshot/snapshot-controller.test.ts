// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the templates of secrets.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { aborted, type Clock, systemClock } from '../../base/index.ts';
import { Informers } from '../../client/index.ts';
import {
  ANN_DEFAULT_SNAPSHOT_CLASS,
  ANN_SNAPSHOT_BEING_DELETED,
  contentNameFor,
  events,
  FINALIZER_CLAIM_AS_SOURCE,
  FINALIZER_SNAPSHOT_AS_SOURCE,
  FINALIZER_SNAPSHOT_BOUND,
  FINALIZER_SNAPSHOT_CONTENT,
  persistentVolumeClaims,
  persistentVolumes,
  type VolumeSnapshotContent,
  type VolumeSnapshotContentStatus,
  volumeSnapshotClasses,
  volumeSnapshotContents,
  volumeSnapshots,
} from '../../kube/index.ts';
import { createSnapshotController } from './index.ts';
import { startSnapshotStack } from './stack.test-support.ts';

const DRIVER = 'disk.example.com';
const NAMESPACE = 'default';
const SOON = { backoff: { initialMs: 5, maxMs: 50 } };
const named = (name: string) => ({ namespace: NAMESPACE, name });

/** A claim that is bound to a volume, two classes, and the controller; the test plays the sidecar. */
async function start(test: TestContext) {
  const stack = await startSnapshotStack(test);
  const { client, context, until } = stack;
  for (const deletionPolicy of ['Delete', 'Retain'] as const) {
    const annotations = { [ANN_DEFAULT_SNAPSHOT_CLASS]: `${deletionPolicy === 'Delete'}` };
    const parameters = {
      'csi.storage.k8s.io/snapshotter-secret-name': 'key',
      'csi.storage.k8s.io/snapshotter-secret-namespace': '${volumesnapshot.namespace}',
    };
    await client.create(volumeSnapshotClasses, {
      metadata: { name: deletionPolicy.toLowerCase(), annotations },
      driver: DRIVER,
      deletionPolicy,
      parameters,
    });
  }
  const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };
  const claim = await client.create(persistentVolumeClaims, {
    metadata: named('data'),
    spec: { ...spec, storageClassName: '', volumeName: 'pv' },
  });
  await client.create(persistentVolumes, {
    metadata: { name: 'pv' },
    spec: {
      accessModes: ['ReadWriteOnce'],
      capacity: { storage: '1Gi' },
      claimRef: { ...named('data'), uid: claim.metadata.uid },
      csi: { driver: DRIVER, volumeHandle: 'vol' },
      volumeMode: 'Filesystem',
    },
  });
  const bind = () =>
    client.patch(
      persistentVolumeClaims,
      named('data'),
      { type: 'merge', body: { status: { phase: 'Bound' } } },
      { subresource: 'status' },
    );
  const { informers } = context;
  const snapshot = (name = 's') => informers.of(volumeSnapshots).get(name, NAMESPACE);
  const content = (name: string) => informers.of(volumeSnapshotContents).get(name);
  return {
    ...stack,
    bind,
    snapshot,
    content,
    claim: () => informers.of(persistentVolumeClaims).get('data', NAMESPACE),
    take: (name = 's', volumeSnapshotClassName?: string) =>
      client.create(volumeSnapshots, {
        metadata: named(name),
        spec: { source: { persistentVolumeClaimName: 'data' }, volumeSnapshotClassName },
      }),
    contentOf: (name = 's') =>
      until(`the content of ${name}`, () => {
        const found = snapshot(name);
        return found && content(contentNameFor(found));
      }),
    /** As the sidecar does. */
    cut: (name: string, status: VolumeSnapshotContentStatus = {}) =>
      client.patch(
        volumeSnapshotContents,
        { name },
        {
          type: 'merge',
          body: { status: { snapshotHandle: 'h', creationTime: 1e18, readyToUse: true, ...status } },
        },
        { subresource: 'status' },
      ),
    letGo: (name: string) =>
      client.patch(
        volumeSnapshotContents,
        { name },
        { type: 'merge', body: { metadata: { finalizers: null } } },
      ),
    ready: (name = 's') =>
      until(`${name} to be ready`, () => {
        const found = snapshot(name);
        return found?.status?.readyToUse === true && found;
      }),
    /** Without `contents` its cache never has any. */
    control: ({ contents = true } = {}) =>
      stack.run(createSnapshotController(contents ? context : withoutContents(test, stack), SOON)),
  };
}

function withoutContents(test: TestContext, { context }: Awaited<ReturnType<typeof startSnapshotStack>>) {
  const { client } = context;
  const list = (async (resource: { plural: string }, options?: { signal?: AbortSignal }) => {
    const found = await client.list(resource as never, options);
    return resource.plural === volumeSnapshotContents.plural ? { ...found, items: [] } : found;
  }) as typeof client.list;
  const watch = ((resource: { plural: string }, options?: { signal?: AbortSignal }) =>
    resource.plural === volumeSnapshotContents.plural
      ? silence(options?.signal)
      : client.watch(resource as never, options)) as typeof client.watch;
  const blind = { ...client, list, watch };
  const informers = new Informers({ ...context, client: blind });
  const ended = new AbortController();
  test.after(() => ended.abort());
  void informers.start(ended.signal);
  // What it waits for by time alone comes soon.
  const clock: Clock = {
    now: () => systemClock.now(),
    monotonic: () => systemClock.monotonic(),
    soon: (callback) => systemClock.soon(callback),
    after: (delayMs, callback) => systemClock.after(Math.min(delayMs, 20), callback),
  };
  return { ...context, client: blind, informers, clock };
}

/** A watch that never tells of anything. */
function silence(signal?: AbortSignal): AsyncIterableIterator<never, undefined> {
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      if (signal) await aborted(signal);
      return { done: true, value: undefined };
    },
  };
}

describe('the snapshot controller', () => {
  it('makes a content for a snapshot, binds both, and protects snapshot, content and claim', async (test) => {
    const { bind, take, control, contentOf, cut, ready, claim, snapshot, until } = await start(test);
    await bind();
    control();
    await take();
    const content = await contentOf();
    assert.deepEqual(content.metadata.annotations, {
      'snapshot.storage.kubernetes.io/deletion-secret-name': 'key',
      'snapshot.storage.kubernetes.io/deletion-secret-namespace': NAMESPACE,
    });
    assert.deepEqual(content.metadata.finalizers, [FINALIZER_SNAPSHOT_CONTENT]);
    const { volumeSnapshotRef, ...spec } = content.spec;
    assert.equal(volumeSnapshotRef.uid, snapshot()?.metadata.uid);
    assert.deepEqual(spec, {
      deletionPolicy: 'Delete',
      driver: DRIVER,
      source: { volumeHandle: 'vol' },
      sourceVolumeMode: 'Filesystem',
      volumeSnapshotClassName: 'delete',
    });
    assert.ok(claim()?.metadata.finalizers?.includes(FINALIZER_CLAIM_AS_SOURCE), 'until it is taken');
    await cut(content.metadata.name, { restoreSize: 1 << 30 });
    const done = await ready();
    assert.equal(done.status?.boundVolumeSnapshotContentName, content.metadata.name);
    assert.equal(done.status?.restoreSize, '1Gi');
    await until(
      'the claim to be let go',
      () => !claim()?.metadata.finalizers?.includes(FINALIZER_CLAIM_AS_SOURCE),
    );
    await until('both finalizers', () =>
      [FINALIZER_SNAPSHOT_AS_SOURCE, FINALIZER_SNAPSHOT_BOUND].every((one) =>
        snapshot()?.metadata.finalizers?.includes(one),
      ),
    );
  });

  it('waits for a claim that is not bound, says so, and goes on when it is', async (test) => {
    const { take, control, bind, contentOf, snapshot, until, events: told } = await start(test);
    control();
    await take('s', 'delete');
    const failed = await until('the error', () => snapshot()?.status?.error);
    const why =
      'Failed to create snapshot content with error failed to get input parameters to create snapshot s: "the PVC data is not yet bound to a PV, will not attempt to take a snapshot"';
    assert.equal(failed.message, why);
    assert.ok((await told()).includes(`SnapshotContentCreationFailed: ${why}`));
    await bind();
    await contentOf();
    await until('the error to go', () => snapshot()?.status?.error === undefined);
  });

  it('does not guess a class: none, two, or one that is not there', async (test) => {
    const { client, take, control, bind, snapshot, until } = await start(test);
    await bind();
    const setDefault = (name: string, value: string) =>
      client.patch(
        volumeSnapshotClasses,
        { name },
        { type: 'merge', body: { metadata: { annotations: { [ANN_DEFAULT_SNAPSHOT_CLASS]: value } } } },
      );
    const says = (name: string, message: string) =>
      until(message, () => snapshot(name)?.status?.error?.message === message);
    await setDefault('delete', 'false');
    control();
    await take('none');
    await says('none', 'Failed to set default snapshot class with error cannot find default snapshot class');
    await take('lost', 'lost');
    await says(
      'lost',
      'Failed to get snapshot class with error volumesnapshotclass.snapshot.storage.k8s.io "lost" not found',
    );
    await setDefault('delete', 'true');
    await setDefault('retain', 'true');
    await take('two');
    await says(
      'two',
      'Failed to set default snapshot class with error 2 default snapshot classes were found',
    );
  });

  it('deletes content and snapshot in turn', async (test) => {
    const { client, take, control, bind, contentOf, cut, ready, letGo, content, snapshot, until } =
      await start(test);
    await bind();
    control();
    await take();
    const { name } = (await contentOf()).metadata;
    await cut(name);
    await ready();
    await until('its finalizer', () => snapshot()?.metadata.finalizers?.includes(FINALIZER_SNAPSHOT_BOUND));
    await client.delete(volumeSnapshots, named('s'));
    const going = await until('the content to go', () => {
      const found = content(name);
      return found?.metadata.deletionTimestamp !== undefined && found;
    });
    assert.equal(going.metadata.annotations?.[ANN_SNAPSHOT_BEING_DELETED], 'yes');
    await until(
      'the snapshot to wait for it alone',
      () => snapshot()?.metadata.finalizers?.join() === FINALIZER_SNAPSHOT_BOUND,
    );
    await letGo(name);
    await until('the end', () => !snapshot() && !content(name));
  });

  it('deletes a content that its cache has not heard of', async (test) => {
    const { client, take, control, bind, contentOf, content, snapshot, until } = await start(test);
    await bind();
    const stop = control();
    await take();
    const { name } = (await contentOf()).metadata;
    await until('its finalizer', () =>
      snapshot()?.metadata.finalizers?.includes(FINALIZER_SNAPSHOT_AS_SOURCE),
    );
    await stop();
    await client.delete(volumeSnapshots, named('s'));
    control({ contents: false });
    await until('the content to go', () => content(name)?.metadata.deletionTimestamp !== undefined);
  });

  it('lets a snapshot go whose content went without its cache having heard of it', async (test) => {
    const { client, take, control, bind, contentOf, cut, ready, content, letGo, snapshot, until } =
      await start(test);
    await bind();
    const stop = control();
    await take();
    const { name } = (await contentOf()).metadata;
    await cut(name);
    await ready();
    await until('its finalizer', () => snapshot()?.metadata.finalizers?.includes(FINALIZER_SNAPSHOT_BOUND));
    await stop();
    await client.delete(volumeSnapshots, named('s'));
    control({ contents: false });
    await until('the content to go', () => content(name)?.metadata.deletionTimestamp !== undefined);
    await until(
      'the snapshot to wait for it alone',
      () => snapshot()?.metadata.finalizers?.join() === FINALIZER_SNAPSHOT_BOUND,
    );
    await letGo(name);
    await until('the end', () => !snapshot());
  });

  it('lets go of a claim although two snapshots of it that are not taken go at once', async (test) => {
    const { client, take, control, claim, until } = await start(test);
    const stop = control();
    const isHeld = () => claim()?.metadata.finalizers?.includes(FINALIZER_CLAIM_AS_SOURCE);
    await take('a', 'delete');
    await take('b', 'delete');
    await until('the claim to be held', isHeld);
    await stop();
    // As when each had taken the other for in the making: nobody has let go, and nobody is left to.
    for (const name of ['a', 'b']) {
      const finalizers = { type: 'merge' as const, body: { metadata: { finalizers: null } } };
      await client.patch(volumeSnapshots, named(name), finalizers);
      await client.delete(volumeSnapshots, named(name));
    }
    await client.delete(persistentVolumeClaims, named('data'));
    control();
    await until('the claim to be let go', () => !isHeld());
  });

  it('lets go of a claim also when the first try fails', async (test) => {
    const { context, client, run, take, cut, bind, contentOf, claim, until } = await start(test);
    await bind();
    const fails = { armed: false, times: 0 };
    const get = ((resource: { plural: string }, ...rest: unknown[]) => {
      if (fails.armed && fails.times === 0 && resource.plural === persistentVolumeClaims.plural) {
        fails.times++;
        return Promise.reject(new Error('connection refused'));
      }
      return client.get(resource as never, ...(rest as [never]));
    }) as typeof client.get;
    run(createSnapshotController({ ...context, client: { ...client, get } }, SOON));
    await take();
    const { name } = (await contentOf()).metadata;
    fails.armed = true;
    await cut(name);
    await until(
      'the claim to be let go',
      () => fails.times === 1 && !claim()?.metadata.finalizers?.includes(FINALIZER_CLAIM_AS_SOURCE),
    );
  });

  it('Retain: the content stays, marked, when the snapshot goes', async (test) => {
    const { client, take, control, bind, contentOf, cut, ready, content, snapshot, until } =
      await start(test);
    await bind();
    control();
    await take('s', 'retain');
    const { name } = (await contentOf()).metadata;
    await cut(name);
    assert.ok(!(await ready()).metadata.finalizers?.includes(FINALIZER_SNAPSHOT_BOUND));
    await client.delete(volumeSnapshots, named('s'));
    await until('the end', () => !snapshot());
    const kept = await until('the mark', () => {
      const found = content(name);
      return found?.metadata.annotations?.[ANN_SNAPSHOT_BEING_DELETED] === 'yes' && found;
    });
    assert.equal(kept.metadata.deletionTimestamp, undefined);
  });

  it('keeps a snapshot while a volume is made of it', async (test) => {
    const { client, context, take, control, bind, contentOf, cut, ready, letGo, snapshot, until } =
      await start(test);
    await bind();
    control();
    await take();
    const { name } = (await contentOf()).metadata;
    await cut(name);
    await ready();
    await client.create(persistentVolumeClaims, {
      metadata: named('restored'),
      spec: {
        accessModes: ['ReadWriteOnce'],
        storageClassName: 'x',
        resources: { requests: { storage: '1Gi' } },
        dataSource: { apiGroup: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot', name: 's' },
      },
    });
    await until('the claim to be known', () =>
      context.informers.of(persistentVolumeClaims).get('restored', NAMESPACE),
    );
    await client.delete(volumeSnapshots, named('s'));
    const told = 'SnapshotDeletePending: Snapshot is being used to restore a PVC';
    await until(told, () =>
      [...context.informers.of(events).values()].some((one) => `${one.reason}: ${one.message}` === told),
    );
    assert.ok(snapshot());
    await client.delete(persistentVolumeClaims, named('restored'));
    const restored = await client.list(persistentVolumeClaims, { namespace: NAMESPACE });
    for (const { metadata } of restored.items.filter((one) => one.metadata.name === 'restored'))
      await client.patch(persistentVolumeClaims, named(metadata.name), {
        type: 'merge',
        body: { metadata: { finalizers: null } },
      });
    await until(
      'the snapshot to wait for its content alone',
      () => snapshot()?.metadata.finalizers?.join() === FINALIZER_SNAPSHOT_BOUND,
    );
    await letGo(name);
    await until('the end', () => !snapshot());
  });

  describe('a content that was made by hand', () => {
    const given = (source: VolumeSnapshotContent['spec']['source'], ref: object): VolumeSnapshotContent => ({
      metadata: { name: 'given' },
      spec: {
        deletionPolicy: 'Retain',
        driver: DRIVER,
        source,
        volumeSnapshotRef: { ...named('s'), ...ref },
      },
    });
    const ofContent = { metadata: named('s'), spec: { source: { volumeSnapshotContentName: 'given' } } };

    it('is missing at first, and bound when it is there', async (test) => {
      const { client, control, content, snapshot, ready, cut, until } = await start(test);
      control();
      await client.create(volumeSnapshots, ofContent);
      await until(
        'the error',
        () => snapshot()?.status?.error?.message === 'VolumeSnapshotContent is missing',
      );
      await client.create(volumeSnapshotContents, given({ snapshotHandle: 'h' }, {}));
      await until('the uid', () => content('given')?.spec.volumeSnapshotRef.uid === snapshot()?.metadata.uid);
      await cut('given');
      assert.equal((await ready()).status?.error, undefined);
      await until('its finalizer', () =>
        content('given')?.metadata.finalizers?.includes(FINALIZER_SNAPSHOT_CONTENT),
      );
    });

    const refusals: [what: string, content: VolumeSnapshotContent, message: string][] = [
      [
        'is another snapshot’s',
        given({ snapshotHandle: 'h' }, { uid: 'other' }),
        'VolumeSnapshotContent [given] is bound to a different snapshot',
      ],
      [
        'is of another name',
        given({ snapshotHandle: 'h' }, { name: 'other' }),
        'VolumeSnapshotContent [given] is bound to a different snapshot',
      ],
      [
        'is for a snapshot that is still to be taken',
        given({ volumeHandle: 'vol' }, {}),
        'VolumeSnapshotContent is dynamically provisioned while expecting a pre-provisioned one',
      ],
    ];
    for (const [what, content, message] of refusals) {
      it(what, async (test) => {
        const { client, control, snapshot, until } = await start(test);
        await client.create(volumeSnapshotContents, content);
        control();
        await client.create(volumeSnapshots, ofContent);
        await until(message, () => snapshot()?.status?.error?.message === message);
        assert.equal(snapshot()?.status?.readyToUse, false);
      });
    }

    it('is left alone when its snapshot is not there: its manifest may have been copied', async (test) => {
      const { client, control, content, take, bind, contentOf } = await start(test);
      await bind();
      await client.create(volumeSnapshotContents, given({ snapshotHandle: 'h' }, { uid: 'gone' }));
      control();
      // Whatever else is done: once another snapshot has its content, this one was looked at.
      await take('other');
      await contentOf('other');
      const kept = content('given');
      assert.equal(kept?.metadata.deletionTimestamp, undefined);
      assert.equal(kept?.metadata.annotations?.[ANN_SNAPSHOT_BEING_DELETED], undefined);
    });
  });

  it('tells of a ready snapshot whose content was taken away, or given to another', async (test) => {
    const { client, take, control, bind, contentOf, cut, ready, letGo, snapshot, until } = await start(test);
    await bind();
    const stop = control();
    await take();
    const { name } = (await contentOf()).metadata;
    await cut(name);
    await ready();
    await stop();
    await client.delete(volumeSnapshotContents, { name });
    await letGo(name);
    control();
    await until('the error', () => snapshot()?.status?.error?.message === 'VolumeSnapshotContent is missing');
    assert.equal(snapshot()?.status?.readyToUse, false);
  });
});
