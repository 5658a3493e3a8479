// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the templates of secrets.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { openPki, type Pki } from '../../apiserver/auth/index.ts';
import { snapshotCrds, snapshotMetadataServiceCrd } from '../../apiserver/crd/snapshots/index.ts';
import { type Clock, FakeClock, Metrics, silentLogger, systemClock, systemRandom } from '../../base/index.ts';
import type { Client } from '../../client/index.ts';
import {
  Code,
  CsiStatus,
  connectCsi,
  type csi,
  type ServerKeyPair,
  serveCsi,
  serveInMemory,
} from '../../csi/index.ts';
import {
  type CustomResourceDefinition,
  customResourceDefinitions,
  namespaces,
  secrets,
  snapshotMetadataServices,
  subjectAccessReviews,
  tokenReviews,
  type VolumeSnapshotContent,
  volumeSnapshotClasses,
  volumeSnapshotContents,
  volumeSnapshots,
} from '../../kube/index.ts';
import { startStack } from '../../testing/component-stack.ts';
import { BackupClient } from './client.test-support.ts';
import { createSnapshotMetadata, type SnapshotMetadataOptions } from './index.ts';

const DRIVER = 'disk.example.com';
const AUDIENCE = 'backup';
const GOOD = { securityToken: 'good', namespace: 'ns' };

/** Who has which token, and what he may: token good is for AUDIENCE, and may read what is in ns. */
function reviewing(client: Client, asked: object[]): Client {
  const create: Client['create'] = async (resource, object, options) => {
    if ((resource as unknown) === tokenReviews) {
      const { token, audiences = [] } = (
        object as unknown as { spec: { token: string; audiences?: string[] } }
      ).spec;
      const user = { username: 'ann', uid: '1', groups: ['g'], extra: { k: ['v'] } };
      const authenticated = token === 'good' || token === 'for-anybody';
      const granted = audiences.filter((one) => token === 'good' && one === AUDIENCE);
      return { status: { authenticated, user, audiences: granted } } as never;
    }
    if ((resource as unknown) === subjectAccessReviews) {
      const { spec } = object as unknown as { spec: { resourceAttributes: { namespace: string } } };
      asked.push(spec);
      return { status: { allowed: spec.resourceAttributes.namespace === 'ns', reason: 'no role' } } as never;
    }
    return client.create(resource, object, options);
  };
  return Object.assign(Object.create(client) as Client, { create });
}

type Ask = NonNullable<Parameters<typeof serveInMemory>[0]['snapshotMetadata']>;

const newPki = () => openPki({ clock: systemClock, random: systemRandom });
const serverPair = (pki: Pki) => pki.issue({ commonName: 'x', addresses: ['127.0.0.1'], usages: ['server'] });

/** Asks until the server says so: each answer is an event. */
async function untilHealth(test: TestContext, backup: BackupClient, status: string): Promise<void> {
  while ((await backup.health()) !== status) {
    test.signal.throwIfAborted();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function start(
  test: TestContext,
  more: Partial<SnapshotMetadataOptions> = {},
  service: Ask = {},
  base: { clock?: Clock; pki?: Pki } = {},
) {
  const asked: object[] = [];
  const stack = await startStack(test, {
    watch: [],
    clock: base.clock,
    wrap: (client) => reviewing(client, asked),
  });
  const { client } = stack;
  for (const crd of [...snapshotCrds, snapshotMetadataServiceCrd])
    await client.create(customResourceDefinitions, crd as unknown as CustomResourceDefinition);
  await client.create(namespaces, { metadata: { name: 'ns' } });
  const requests: (csi.GetMetadataAllocatedRequest | csi.GetMetadataDeltaRequest)[] = [];
  const blocks = (page: bigint) => ({
    blockMetadataType: 2,
    volumeCapacityBytes: 1n << 20n,
    blockMetadata: [{ byteOffset: page << 12n, sizeBytes: 4096n }],
  });
  const driver = serveInMemory(
    {
      identity: { name: DRIVER, vendorVersion: '1' },
      snapshotMetadata: {
        async *getMetadataAllocated(request) {
          requests.push(request);
          yield blocks(0n);
          yield blocks(7n);
        },
        async *getMetadataDelta(request) {
          requests.push(request);
          yield blocks(3n);
        },
        ...service,
      },
    },
    // By the component's time: what it waits for must not take too long by another.
    { clock: stack.context.clock, log: stack.context.log },
  );
  test.after(() => driver.stop());
  const pki = base.pki ?? (await newPki());
  const keyPair = () => serverPair(pki);
  const listening = Promise.withResolvers<number>();
  const csi = driver.connect();
  test.after(() => csi.close());
  const component = createSnapshotMetadata(stack.context, {
    csi,
    listen: { host: '127.0.0.1', port: 0 },
    keyPair,
    onListen: (name, port) => {
      assert.equal(name, DRIVER);
      listening.resolve(port);
    },
    audience: AUDIENCE,
    ...more,
  });
  stack.run(component);
  const address = `127.0.0.1:${await listening.promise}`;
  const caCert = Buffer.from(pki.ca).toString('base64');
  const backup = new BackupClient(address, caCert);
  test.after(() => backup.close());
  await untilHealth(test, backup, 'SERVING');
  return { ...stack, backup, requests, asked, address, caCert, component };
}

/** A snapshot that is ready, with its content, as the snapshot controller leaves them. */
async function addSnapshot(client: Client, name: string, more: { driver?: string; className?: string } = {}) {
  const { driver = DRIVER, className } = more;
  const content = `content-${name}`;
  await client.create(volumeSnapshotContents, {
    metadata: { name: content },
    spec: {
      volumeSnapshotRef: { kind: 'VolumeSnapshot', namespace: 'ns', name },
      deletionPolicy: 'Delete',
      driver,
      source: { volumeHandle: 'v' },
    },
  } as VolumeSnapshotContent);
  await client.patch(
    volumeSnapshotContents,
    { name: content },
    { type: 'merge', body: { status: { readyToUse: true, snapshotHandle: `handle-${name}` } } },
    { subresource: 'status' },
  );
  await client.create(volumeSnapshots, {
    metadata: { namespace: 'ns', name },
    spec: { source: { persistentVolumeClaimName: 'c' }, volumeSnapshotClassName: className },
  });
  await setStatus(client, name, { readyToUse: true, boundVolumeSnapshotContentName: content });
}

const setStatus = (client: Client, name: string, status: object | null) =>
  client.patch(
    volumeSnapshots,
    { namespace: 'ns', name },
    { type: 'merge', body: { status } },
    { subresource: 'status' },
  );

const addClass = (client: Client, name: string, parameters: Record<string, string> = {}, isDefault = false) =>
  client.create(volumeSnapshotClasses, {
    metadata: {
      name,
      annotations: isDefault ? { 'snapshot.storage.kubernetes.io/is-default-class': 'true' } : {},
    },
    driver: DRIVER,
    deletionPolicy: 'Delete',
    parameters,
  });

describe('csi-snapshot-metadata', { timeout: 300_000 }, () => {
  it('passes on what the driver tells of a snapshot, and of two, in the messages that it comes in', async (test) => {
    const { client, backup, requests, asked } = await start(test);
    await addClass(client, 'plain');
    await addSnapshot(client, 's', { className: 'plain' });
    const all = await backup.allocated({ ...GOOD, snapshotName: 's', startingOffset: 5n, maxResults: 9 });
    assert.equal(all.failure, undefined);
    assert.deepEqual(
      all.parts.map(({ blockMetadata, volumeCapacityBytes, blockMetadataType }) => [
        blockMetadataType,
        volumeCapacityBytes,
        ...blockMetadata.map(({ byteOffset, sizeBytes }) => [byteOffset, sizeBytes]),
      ]),
      [
        [2, 1048576n, [0n, 4096n]],
        [2, 1048576n, [28672n, 4096n]],
      ],
    );
    const delta = await backup.delta({ ...GOOD, baseSnapshotId: 'old', targetSnapshotName: 's' });
    assert.equal(delta.failure, undefined);
    assert.equal(delta.parts[0]?.blockMetadata[0]?.byteOffset, 12288n);
    const [one, two] = requests as [csi.GetMetadataAllocatedRequest, csi.GetMetadataDeltaRequest];
    assert.deepEqual([one.snapshotId, one.startingOffset, one.maxResults], ['handle-s', 5n, 9]);
    assert.deepEqual([two.baseSnapshotId, two.targetSnapshotId], ['old', 'handle-s']);
    assert.deepEqual(asked[0], {
      resourceAttributes: {
        verb: 'get',
        namespace: 'ns',
        group: 'snapshot.storage.k8s.io',
        version: 'v1',
        resource: 'volumesnapshots',
      },
      user: 'ann',
      uid: '1',
      groups: ['g'],
      extra: { k: ['v'] },
    });
  });

  it('asks the driver with the secret that the class names, or else the default class', async (test) => {
    const { client, backup, requests } = await start(test);
    await client.create(secrets, {
      metadata: { namespace: 'ns', name: 'key' },
      stringData: { pass: 'word' },
    });
    const named = {
      'csi.storage.k8s.io/snapshotter-secret-name': 'key',
      'csi.storage.k8s.io/snapshotter-secret-namespace': '${volumesnapshot.namespace}',
    };
    await addSnapshot(client, 's');
    const ask = async (name: string) => (await backup.allocated({ ...GOOD, snapshotName: name })).failure;
    assert.equal(
      await ask('s'),
      `UNAVAILABLE no default VolumeSnapshotClass is set for the CSI driver '${DRIVER}'`,
    );
    await addClass(client, 'default', named, true);
    assert.equal(await ask('s'), undefined);
    assert.deepEqual(requests.at(-1)?.secrets, { pass: 'word' });
    await addClass(client, 'another', {}, true);
    assert.equal(
      await ask('s'),
      `UNAVAILABLE multiple default VolumeSnapshotClasses are set for the CSI driver '${DRIVER}'`,
    );
    await addSnapshot(client, 't', { className: 'default' });
    assert.equal(await ask('t'), undefined);
    await client.delete(secrets, { namespace: 'ns', name: 'key' });
    assert.equal(
      await ask('t'),
      'UNAVAILABLE failed to get credentials: error getting secret key in namespace ns: secrets "key" not found',
    );
    await addSnapshot(client, 'u', { className: 'gone' });
    assert.equal(
      await ask('u'),
      `UNAVAILABLE failed to get VolumeSnapshotClass 'gone': volumesnapshotclasses.snapshot.storage.k8s.io "gone" not found`,
    );
    await addClass(client, 'half', { 'csi.storage.k8s.io/snapshotter-secret-name': 'key' });
    await addSnapshot(client, 'w', { className: 'half' });
    assert.match(
      (await ask('w'))!,
      /^UNAVAILABLE invalid snapshotter secret parameters in VolumeSnapshotClass: /,
    );
  });

  it('refuses in words and codes of upstream: arguments, tokens, rights, snapshots that are not ready', async (test) => {
    const { client, backup } = await start(test);
    await addClass(client, 'plain');
    const ask = async (request: object) =>
      (await backup.allocated({ ...GOOD, snapshotName: 's', ...request })).failure;
    const delta = async (request: object) =>
      (await backup.delta({ ...GOOD, baseSnapshotId: 'b', targetSnapshotName: 's', ...request })).failure;
    assert.equal(await ask({ securityToken: '' }), 'INVALID_ARGUMENT securityToken is missing');
    assert.equal(await ask({ namespace: '' }), 'INVALID_ARGUMENT namespace parameter cannot be empty');
    assert.equal(await ask({ snapshotName: '' }), 'INVALID_ARGUMENT snapshotName cannot be empty');
    assert.equal(await delta({ baseSnapshotId: '' }), 'INVALID_ARGUMENT baseSnapshotId cannot be empty');
    assert.equal(
      await delta({ targetSnapshotName: '' }),
      'INVALID_ARGUMENT targetSnapshotName cannot be empty',
    );
    assert.equal(await ask({ securityToken: 'bad' }), 'UNAUTHENTICATED unauthenticated user');
    assert.equal(await ask({ securityToken: 'for-anybody' }), 'UNAUTHENTICATED unauthenticated user');
    assert.equal(
      await delta({ namespace: 'other' }),
      'PERMISSION_DENIED user does not have permissions to perform the operation: no role',
    );
    assert.equal(
      await ask({}),
      `UNAVAILABLE failed to get VolumeSnapshot 'ns/s': volumesnapshots.snapshot.storage.k8s.io "s" not found`,
    );
    await addSnapshot(client, 'foreign', { driver: 'other.example.com', className: 'plain' });
    assert.equal(
      await ask({ snapshotName: 'foreign' }),
      `INVALID_ARGUMENT VolumeSnapshot 'foreign' does not belong to the CSI driver '${DRIVER}'`,
    );
    await addSnapshot(client, 's', { className: 'plain' });
    await setStatus(client, 's', { readyToUse: false });
    assert.equal(await ask({}), 'UNAVAILABLE the VolumeSnapshot is not yet ready, name: s');
    await setStatus(client, 's', { readyToUse: true, boundVolumeSnapshotContentName: null });
    assert.equal(
      await ask({}),
      'UNAVAILABLE boundVolumeSnapshotContentName is not set in VolumeSnapshot status, name: s',
    );
    await setStatus(client, 's', { boundVolumeSnapshotContentName: 'content-s' });
    const content = (status: object) =>
      client.patch(
        volumeSnapshotContents,
        { name: 'content-s' },
        { type: 'merge', body: { status } },
        { subresource: 'status' },
      );
    await content({ readyToUse: false });
    assert.equal(await ask({}), 'UNAVAILABLE the VolumeSnapshotContent is not yet ready, name: content-s');
    await content({ readyToUse: true, snapshotHandle: null });
    assert.equal(
      await ask({}),
      'UNAVAILABLE snapshotHandle is not set in VolumeSnapshotContent status, name: content-s',
    );
  });

  it('takes the audience of the SnapshotMetadataService of its driver unless it has one', async (test) => {
    const { client, backup, address, caCert } = await start(test, { audience: undefined });
    const ask = async () => (await backup.allocated({ ...GOOD, snapshotName: 's' })).failure;
    assert.equal(
      await ask(),
      `INTERNAL failed to authenticate user: failed to find the SnapshotMetadataService CR for driver '${DRIVER}': snapshotmetadataservices.cbt.storage.k8s.io "${DRIVER}" not found`,
    );
    const spec = { address, caCert, audience: 'somebody-else' };
    await client.create(snapshotMetadataServices, { metadata: { name: DRIVER }, spec });
    assert.equal(await ask(), 'UNAUTHENTICATED unauthenticated user');
    await client.patch(
      snapshotMetadataServices,
      { name: DRIVER },
      { type: 'merge', body: { spec: { audience: AUDIENCE } } },
    );
    assert.match((await ask())!, /^UNAVAILABLE failed to get VolumeSnapshot/);
  });

  it('passes on how the driver fails, and counts it; what was sent before has come', async (test) => {
    const metrics = new Metrics();
    const { client, backup } = await start(
      test,
      { metrics },
      {
        async *getMetadataAllocated() {
          yield { blockMetadataType: 1, volumeCapacityBytes: 1n, blockMetadata: [] };
          throw new CsiStatus(Code.OUT_OF_RANGE, 'beyond the end');
        },
      },
    );
    await addClass(client, 'plain');
    await addSnapshot(client, 's', { className: 'plain' });
    const { parts, failure } = await backup.allocated({ ...GOOD, snapshotName: 's' });
    assert.equal(parts.length, 1);
    assert.equal(failure, 'OUT_OF_RANGE beyond the end');
    await backup.delta({ ...GOOD, baseSnapshotId: 'b', targetSnapshotName: 's' });
    const counts = metrics.text().match(/^snapshot_metadata_controller_operations_seconds_count.*$/gm);
    assert.deepEqual(counts, [
      `snapshot_metadata_controller_operations_seconds_count{driver_name="${DRIVER}",method_name="MetadataAllocated",grpc_status_code="OutOfRange",target_snapshot="ns/s",base_snapshot=""} 1`,
      `snapshot_metadata_controller_operations_seconds_count{driver_name="${DRIVER}",method_name="MetadataDelta",grpc_status_code="OK",target_snapshot="ns/s",base_snapshot="b"} 1`,
    ]);
  });

  it('ends a stream that takes too long', async (test) => {
    const { client, backup } = await start(
      test,
      { maxStreamMs: 300 },
      {
        async *getMetadataAllocated(_, { signal }) {
          yield { blockMetadataType: 1, volumeCapacityBytes: 1n, blockMetadata: [] };
          await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
        },
      },
    );
    await addClass(client, 'plain');
    await addSnapshot(client, 's', { className: 'plain' });
    const { failure } = await backup.allocated({ ...GOOD, snapshotName: 's' });
    assert.match(failure!, /^DEADLINE_EXCEEDED /);
  });
});

describe('the certificate of csi-snapshot-metadata', { timeout: 300_000 }, () => {
  it('is renewed while it runs; one that is none is not taken', async (test) => {
    const clock = new FakeClock();
    const [pki, other] = await Promise.all([newPki(), newPki()]);
    let pair: ServerKeyPair = await serverPair(pki);
    let reads = 0;
    const keyPair = async () => {
      reads++;
      return pair;
    };
    const { address } = await start(test, { keyPair }, {}, { clock, pki });
    const speaks = async (ca: string) => {
      const client = new BackupClient(address, Buffer.from(ca).toString('base64'));
      try {
        return await client.health().catch(() => 'no');
      } finally {
        client.close();
      }
    };
    /** Lets it look again, twice: what it found first is then in use. */
    const lookedAgain = async () => {
      for (const enough = reads + 2; reads < enough; ) {
        test.signal.throwIfAborted();
        await clock.advance(10_000);
      }
    };
    assert.deepEqual([await speaks(pki.ca), await speaks(other.ca)], ['SERVING', 'no']);
    pair = await serverPair(other);
    await lookedAgain();
    assert.deepEqual([await speaks(pki.ca), await speaks(other.ca)], ['no', 'SERVING']);
    pair = { cert: 'none', key: 'none' };
    await lookedAgain();
    assert.deepEqual([await speaks(pki.ca), await speaks(other.ca)], ['no', 'SERVING']);
  });
});

describe('csi-snapshot-metadata and its driver', { timeout: 300_000 }, () => {
  it('fails for one that has no such service', async (test) => {
    const { context } = await startStack(test, { watch: [] });
    const driver = serveInMemory(
      { identity: { name: DRIVER, vendorVersion: '1' } },
      { clock: systemClock, log: context.log },
    );
    const csi = driver.connect();
    test.after(() => {
      csi.close();
      driver.stop();
    });
    const component = createSnapshotMetadata(context, {
      csi,
      listen: { host: '127.0.0.1', port: 0 },
      keyPair: async () => serverPair(await newPki()),
    });
    await assert.rejects(component.start(new AbortController().signal), {
      message: `CSI driver ${DRIVER} does not support the SNAPSHOT_METADATA_SERVICE`,
    });
    assert.equal(component.isReady(), false);
  });

  it('is not ready while the driver is gone, and says so', async (test) => {
    const directory = await mkdtemp(join(tmpdir(), 'stowage-blocks-'));
    test.after(() => rm(directory, { recursive: true }));
    const endpoint = join(directory, 'csi.sock');
    const serve = () =>
      serveCsi({
        endpoint,
        clock: systemClock,
        log: silentLogger,
        identity: { name: DRIVER, vendorVersion: '1' },
        snapshotMetadata: {},
      });
    const first = await serve();
    const csi = connectCsi(endpoint, { clock: systemClock });
    const { backup, component } = await start(test, { csi });
    await first.stop({ graceMs: 0 });
    await untilHealth(test, backup, 'NOT_SERVING');
    assert.equal(component.isReady(), false);
    assert.equal(
      (await backup.allocated({ ...GOOD, snapshotName: 's' })).failure,
      'UNAVAILABLE the CSI driver is not yet ready',
    );
    const second = await serve();
    test.after(() => second.stop({ graceMs: 0 }));
    await untilHealth(test, backup, 'SERVING');
    csi.close();
  });
});
