import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { Client } from '../../client/index.ts';
import {
  ANN_DEFAULT_GROUP_SNAPSHOT_CLASS,
  ANN_GROUP_SNAPSHOT_BEING_DELETED,
  ANN_GROUP_SNAPSHOT_HANDLE,
  FINALIZER_GROUP_SNAPSHOT_BOUND,
  FINALIZER_GROUP_SNAPSHOT_CONTENT,
  FINALIZER_SNAPSHOT_IN_GROUP,
  groupContentNameFor,
  persistentVolumeClaims,
  persistentVolumes,
  type VolumeGroupSnapshotContent,
  volumeGroupSnapshotClasses,
  volumeGroupSnapshotContents,
  volumeGroupSnapshots,
  volumeSnapshotContents,
  volumeSnapshots,
} from '../../kube/index.ts';
import { createSnapshotController } from './index.ts';
import { startSnapshotStack } from './stack.test-support.ts';

const DRIVER = 'disk.example.com';
const NAMESPACE = 'default';
const named = (name: string) => ({ namespace: NAMESPACE, name });
const labels = { app: 'db' };

/** Two claims of one application, a third of another, and the controller; the test plays the sidecar. */
async function start(test: TestContext, driver = DRIVER, wrap?: (client: Client) => Client) {
  const stack = await startSnapshotStack(test, wrap);
  const { client, context, until } = stack;
  await client.create(volumeGroupSnapshotClasses, {
    metadata: { name: 'fast', annotations: { [ANN_DEFAULT_GROUP_SNAPSHOT_CLASS]: 'true' } },
    driver: DRIVER,
    deletionPolicy: 'Delete',
  });
  for (const [name, of] of Object.entries({ a: labels, b: labels, c: { app: 'web' } })) {
    const spec = { accessModes: ['ReadWriteOnce'], storageClassName: '' };
    const claim = await client.create(persistentVolumeClaims, {
      metadata: { ...named(name), labels: of },
      spec: { ...spec, volumeName: `pv-${name}`, resources: { requests: { storage: '1Gi' } } },
    });
    await client.create(persistentVolumes, {
      metadata: { name: `pv-${name}` },
      spec: {
        accessModes: ['ReadWriteOnce'],
        capacity: { storage: '1Gi' },
        claimRef: { ...named(name), uid: claim.metadata.uid },
        csi: { driver: name === 'b' ? driver : DRIVER, volumeHandle: `vol-${name}` },
        volumeMode: 'Filesystem',
      },
    });
    const body = { status: { phase: 'Bound' } };
    await client.patch(
      persistentVolumeClaims,
      named(name),
      { type: 'merge', body },
      { subresource: 'status' },
    );
  }
  const { informers } = context;
  const group = () => informers.of(volumeGroupSnapshots).get('g', NAMESPACE);
  const content = () => {
    const found = group();
    return found && informers.of(volumeGroupSnapshotContents).get(groupContentNameFor(found));
  };
  const members = () => [...informers.of(volumeSnapshots).values()];
  stack.run(createSnapshotController(context, { backoff: { initialMs: 5, maxMs: 50 } }));
  return {
    ...stack,
    group,
    content,
    members,
    memberContents: () => [...informers.of(volumeSnapshotContents).values()],
    take: (source: object = { selector: { matchLabels: labels } }) =>
      client.create(volumeGroupSnapshots, { metadata: named('g'), spec: { source } }),
    error: (message: RegExp) =>
      until(String(message), () => message.test(group()?.status?.error?.message ?? '')),
    /** As the sidecar does. */
    async cut() {
      const { name } = (await until('the content', content)).metadata;
      const volumeSnapshotInfoList = ['a', 'b'].map((volume) => ({
        volumeHandle: `vol-${volume}`,
        snapshotHandle: `snap-${volume}`,
        creationTime: 1e18,
        readyToUse: true,
        restoreSize: 1 << 30,
      }));
      const status = {
        volumeGroupSnapshotHandle: 'handle',
        creationTime: '2026-01-01T00:00:00Z',
        readyToUse: true,
        volumeSnapshotInfoList,
      };
      await client.patch(
        volumeGroupSnapshotContents,
        { name },
        { type: 'merge', body: { status } },
        { subresource: 'status' },
      );
    },
    ready: () =>
      until('the group and its snapshots', () => {
        const all = [group(), ...members()];
        return all.length === 3 && all.every((one) => one?.status?.readyToUse);
      }),
  };
}

describe('group snapshots', () => {
  it('are of all claims that the selector finds, each with a snapshot and a content of its own', async (test) => {
    const { take, cut, ready, content, members, memberContents, group, until } = await start(test);
    await take();
    const made = await until('the content', content);
    assert.deepEqual([...(made.spec.source.volumeHandles ?? [])].sort(), ['vol-a', 'vol-b']);
    assert.deepEqual(made.metadata.finalizers, [FINALIZER_GROUP_SNAPSHOT_CONTENT]);
    await cut();
    await ready();
    await until('its finalizer', () =>
      group()?.metadata.finalizers?.includes(FINALIZER_GROUP_SNAPSHOT_BOUND),
    );
    for (const { metadata, status } of members()) {
      assert.ok(metadata.finalizers?.includes(FINALIZER_SNAPSHOT_IN_GROUP));
      assert.equal(metadata.ownerReferences?.[0]?.uid, group()?.metadata.uid);
      assert.equal(status?.volumeGroupSnapshotName, 'g');
    }
    const handles = memberContents().map(({ metadata, spec, status }) => {
      assert.equal(metadata.annotations?.[ANN_GROUP_SNAPSHOT_HANDLE], 'handle');
      return `${spec.source.volumeHandle} ${status?.snapshotHandle}`;
    });
    assert.deepEqual(handles.sort(), ['vol-a snap-a', 'vol-b snap-b']);
    const claims = members().map(({ spec }) => spec.source.persistentVolumeClaimName);
    assert.deepEqual(claims.sort(), ['a', 'b']);
  });

  it('go as a whole: the content first, then the group, then its snapshots', async (test) => {
    const { client, take, cut, ready, content, members, memberContents, group, until } = await start(test);
    await take();
    await cut();
    await ready();
    await until('its finalizer', () =>
      group()?.metadata.finalizers?.includes(FINALIZER_GROUP_SNAPSHOT_BOUND),
    );
    const [first] = members();
    await client.delete(volumeSnapshots, named(first!.metadata.name));
    await client.delete(volumeGroupSnapshots, named('g'));
    const going = await until('the content to go', () => {
      const found = content();
      return found?.metadata.deletionTimestamp !== undefined && found;
    });
    assert.equal(going.metadata.annotations?.[ANN_GROUP_SNAPSHOT_BEING_DELETED], 'yes');
    assert.equal(members().length, 2, 'as long as the group is there');
    const { name } = going.metadata;
    const free = { type: 'merge', body: { metadata: { finalizers: null } } } as const;
    await client.patch(volumeGroupSnapshotContents, { name }, free);
    await until('all contents to go', () =>
      memberContents().every(({ metadata }) => metadata.deletionTimestamp !== undefined),
    );
    for (const { metadata } of memberContents())
      await client.patch(volumeSnapshotContents, { name: metadata.name }, free);
    await until('the end', () => !group() && members().length === 0 && memberContents().length === 0);
  });

  it('that are to go are still finished where a claim waits for a member', async (test) => {
    let isRefused = true;
    const w = await start(test, DRIVER, (client) => {
      const patch = ((resource, name, body, options) =>
        isRefused && (resource as unknown) === volumeSnapshotContents && options?.subresource
          ? Promise.reject(new Error('not now'))
          : client.patch(resource, name, body, options)) as Client['patch'];
      return { ...client, patch };
    });
    const { client, context, take, cut, content, members, group, until } = w;
    await take();
    await cut();
    const { metadata } = await until('a member that names its content', () =>
      members().find(({ status }) => status?.boundVolumeSnapshotContentName),
    );
    await client.create(persistentVolumeClaims, {
      metadata: named('copy'),
      spec: {
        accessModes: ['ReadWriteOnce'],
        storageClassName: '',
        resources: { requests: { storage: '1Gi' } },
        dataSource: { apiGroup: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot', name: metadata.name },
      },
    });
    await until('the claim', () => context.informers.of(persistentVolumeClaims).get('copy', NAMESPACE));
    await client.delete(volumeGroupSnapshots, named('g'));
    await until('the group to be told to go', () => group()?.metadata.deletionTimestamp);
    isRefused = false;
    await until('the member to be ready', () =>
      members().some((one) => one.metadata.name === metadata.name && one.status?.readyToUse),
    );
    assert.equal(content()?.metadata.deletionTimestamp, undefined, 'as long as the claim waits');
    const bound = { type: 'merge', body: { status: { phase: 'Bound' } } } as const;
    await client.patch(persistentVolumeClaims, named('copy'), bound, { subresource: 'status' });
    await until('the content to go', () => content()?.metadata.deletionTimestamp);
  });

  it('are held before their content is made: a group that goes meanwhile takes it along', async (test) => {
    const { client, content, take, until } = await start(test);
    const made = await take();
    const { metadata } = await until('the content', content);
    const watch = client.watch(volumeGroupSnapshots, { resourceVersion: made.metadata.resourceVersion });
    for await (const { object } of watch) {
      if (!object.metadata.finalizers?.includes(FINALIZER_GROUP_SNAPSHOT_BOUND)) continue;
      assert.ok(Number(object.metadata.resourceVersion) < Number(metadata.resourceVersion));
      return;
    }
  });

  it('do not keep a member whose status has not told of its group, nor its content that names no uid', async (test) => {
    const { client, members, memberContents, until } = await start(test);
    const owner = { apiVersion: 'groupsnapshot.storage.k8s.io/v1', kind: 'VolumeGroupSnapshot' };
    await client.create(volumeSnapshotContents, {
      metadata: { name: 'snapcontent-1', annotations: { [ANN_GROUP_SNAPSHOT_HANDLE]: 'handle' } },
      spec: {
        driver: DRIVER,
        deletionPolicy: 'Delete',
        source: { volumeHandle: 'vol-a' },
        volumeSnapshotRef: { kind: 'VolumeSnapshot', ...named('snapshot-1') },
      },
    });
    await client.create(volumeSnapshots, {
      metadata: {
        ...named('snapshot-1'),
        finalizers: [FINALIZER_SNAPSHOT_IN_GROUP],
        ownerReferences: [{ ...owner, name: 'gone', uid: 'gone' }],
      },
      spec: { source: { persistentVolumeClaimName: 'a' } },
    });
    await client.delete(volumeSnapshots, named('snapshot-1'));
    await until('the member to go', () => members().length === 0);
    await until('its content to go', () =>
      memberContents().every(({ metadata }) => metadata.deletionTimestamp !== undefined),
    );
  });

  it('say why they cannot be', async (test) => {
    const { take, error } = await start(test, 'other.example.com');
    await take();
    await error(
      /Volume CSI driver \(other\.example\.com\) mismatch with VolumeGroupSnapshotClass \(disk\.example\.com\)/,
    );
  });

  it('find no claim', async (test) => {
    const { take, error } = await start(test);
    await take({ selector: { matchLabels: { app: 'none' } } });
    await error(
      /^Failed to set default group snapshot class with error label selector app=none for group snapshot not applied to any PVC$/,
    );
  });

  it('are brought back by a content made by hand', async (test) => {
    const { client, context, take, error, group, until } = await start(test);
    await take({ volumeGroupSnapshotContentName: 'given' });
    await error(/^VolumeGroupSnapshotContent is missing$/);
    const given: VolumeGroupSnapshotContent = {
      metadata: { name: 'given' },
      spec: {
        driver: DRIVER,
        deletionPolicy: 'Retain',
        source: {
          groupSnapshotHandles: { volumeGroupSnapshotHandle: 'h', volumeSnapshotHandles: ['x'] },
        },
        volumeGroupSnapshotRef: named('g'),
      },
    };
    await client.create(volumeGroupSnapshotContents, given);
    const bound = () => context.informers.of(volumeGroupSnapshotContents).get('given');
    await until('the uid', () => bound()?.spec.volumeGroupSnapshotRef.uid === group()?.metadata.uid);
    await until('the name', () => group()?.status?.boundVolumeGroupSnapshotContentName === 'given');
    await until('the error to go', () => group()?.status?.error === undefined);
  });
});
