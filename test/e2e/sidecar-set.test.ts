import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { silentLogger, systemClock } from '../../src/base/index.ts';
import { waitUntil } from '../../src/client/index.ts';
import { type Cluster, startCluster } from '../../src/cluster.ts';
import { connectRegistration, type SocketServer, serveCsi } from '../../src/csi/index.ts';
import {
  leases,
  persistentVolumeClaims,
  persistentVolumes,
  storageClasses,
  volumeSnapshotClasses,
  volumeSnapshots,
} from '../../src/kube/index.ts';
import { eventTold } from '../support/event-told.ts';
import { type Part, startPart } from '../support/part.ts';

const DRIVER = 'set.csi.example.org';
const LIMIT_MS = 120_000;

/** A socket in front of another one that counts connections: how many there were at once, at most. */
async function counting(path: string, behind: string): Promise<{ most(): number; stop(): Promise<void> }> {
  let [open, most] = [0, 0];
  const sockets = new Set<Socket>();
  const server: Server = createServer((near) => {
    most = Math.max(most, ++open);
    near.on('close', () => open--);
    const far = createConnection(behind);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.on('error', () => other.destroy()).on('close', () => other.destroy());
      one.pipe(other);
    }
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return {
    most: () => most,
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe('any set of sidecars in one process', { timeout: 4 * LIMIT_MS }, () => {
  let directory: string;
  let driver: SocketServer;
  const parts: Part[] = [];
  const ready = { value: true };
  const condition = { abnormal: false, message: 'a disk is gone' };
  const socket = () => join(directory, 'csi.sock');
  const registration = () => join(directory, `${DRIVER}-reg.sock`);

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'stowage-set-'));
    driver = await serveCsi({
      endpoint: socket(),
      clock: systemClock,
      log: silentLogger,
      identity: { name: DRIVER, vendorVersion: '1', probe: () => ({ ready: ready.value }) },
      controller: {
        createVolume: ({ name }) => ({ volume: { volumeId: name, capacityBytes: 1n << 30n } }),
        deleteVolume: () => ({}),
        capabilities: ['VOLUME_CONDITION'],
        controllerGetVolume: ({ volumeId }) => ({
          volume: { volumeId },
          status: { volumeCondition: { ...condition } },
        }),
        createSnapshot: ({ name, sourceVolumeId }) => ({
          snapshot: {
            snapshotId: name,
            sourceVolumeId,
            creationTime: { seconds: 1n, nanos: 0 },
            readyToUse: true,
            sizeBytes: 1n,
          },
        }),
        deleteSnapshot: () => ({}),
      },
    });
  });
  afterEach(async () => {
    for (const part of parts.splice(0)) await part.end('SIGKILL');
  });
  after(async () => {
    await driver?.stop();
    await rm(directory, { recursive: true });
  });

  const start = (...args: string[]) => {
    const part = startPart(['sidecars', ...args]);
    parts.push(part);
    return part;
  };
  const nodeFlags = (csiAddress: string) => [
    `--csi-address=${csiAddress}`,
    '--registrar-kubelet-registration-path=/plugins/set/csi.sock',
    `--registrar-plugin-registration-path=${directory}`,
    '--livenessprobe-http-endpoint=127.0.0.1:0',
  ];
  const get = async (address: string, path: string) => {
    const response = await fetch(`http://${address}${path}`);
    return `${response.status} ${await response.text()}`;
  };
  const addressIn = async (part: Part, message: string) =>
    (await part.says(new RegExp(`"${message}","address":"([^"]+)"`)))[1]!;
  /** As the kubelet does when it sees the socket. */
  const register = async (part: Part) => {
    const kubelet = connectRegistration(registration(), { clock: systemClock, timeoutMs: LIMIT_MS });
    try {
      const { name, endpoint } = await kubelet.getInfo({}, { waitForReady: true });
      assert.deepEqual([name, endpoint], [DRIVER, '/plugins/set/csi.sock']);
      await kubelet.notifyRegistrationStatus({ pluginRegistered: true });
    } finally {
      kubelet.close();
    }
    await part.says(/"registered with the kubelet"/);
  };

  it('those of a node need no API server', async () => {
    const part = start(
      '--with=registrar,livenessprobe',
      ...nodeFlags(socket()),
      '--http-endpoint=127.0.0.1:0',
    );
    const [metrics, health] = [await addressIn(part, 'serving metrics'), await addressIn(part, 'listening')];
    await register(part);
    assert.equal(await get(health, '/healthz'), '200 ok');
    ready.value = false;
    assert.equal(await get(health, '/healthz'), '500 driver responded but is not ready');
    ready.value = true;
    const probe = `driver_name="${DRIVER}",method_name="/csi.v1.Identity/Probe",grpc_status_code="OK"`;
    assert.match(
      await get(metrics, '/metrics'),
      new RegExp(`^csi_sidecar_operations_seconds_count\\{${probe}\\} \\d`, 'm'),
    );
    assert.equal(await part.end('SIGTERM'), 0);
    assert.equal(existsSync(registration()), false);
  });

  it('those of a cluster, a driver and a node share the connection, and have their Leases', async (test) => {
    const cluster: Cluster = await startCluster({
      ephemeral: true,
      nodes: 0,
      without: ['controllers', 'scheduler', 'sidecars'],
      logLevel: 'silent',
    });
    test.after(() => cluster.stop());
    const front = await counting(join(directory, 'front.sock'), socket());
    test.after(() => front.stop());
    const { client, informers, kubeconfig } = cluster;
    const part = start(
      '--with=livenessprobe,registrar,provisioner,snapshotter,snapshot-controller,health-monitor',
      ...nodeFlags(join(directory, 'front.sock')),
      ...[`--kubeconfig=${kubeconfig}`, '--leader-election', '--leader-election-namespace=default'],
      '--snapshot-controller-retry-interval-max=1s',
      ...['--provisioner-volume-name-prefix=own', '--health-monitor-monitor-interval=250ms'],
    );
    const until = (informer: unknown, is: () => boolean, what: string) =>
      waitUntil([informer] as never, is, { clock: systemClock, limitMs: LIMIT_MS, what });
    const held = informers.of(leases);
    const names = ['', 'external-snapshotter-leader-', 'external-health-monitor-leader-']
      .map((prefix) => `${prefix}${DRIVER}`.replaceAll('.', '-'))
      .concat('snapshot-controller-leader');
    const isHeld = (name: string) => held.get(`default/${name}`)?.spec?.holderIdentity;
    await until(held, () => names.every(isHeld), 'a leader for each Lease');
    await register(part);
    assert.equal(await get(await addressIn(part, 'listening'), '/healthz'), '200 ok');

    const named = { namespace: 'default', name: 'data' };
    await client.create(storageClasses, { metadata: { name: 'set' }, provisioner: DRIVER });
    const claim = await client.create(persistentVolumeClaims, {
      metadata: { ...named, annotations: { 'volume.kubernetes.io/storage-provisioner': DRIVER } },
      spec: {
        storageClassName: 'set',
        accessModes: ['ReadWriteOnce'],
        resources: { requests: { storage: '1Gi' } },
      },
    });
    const volumes = informers.of(persistentVolumes);
    await until(volumes, () => volumes.size === 1, 'a volume');
    const [volume] = [...volumes.values()];
    assert.equal(volume!.metadata.name, `own-${claim.metadata.uid}`);

    // What the PV controller would do, which is not here.
    const bound = { type: 'merge', body: { spec: { volumeName: volume!.metadata.name } } } as const;
    await client.patch(persistentVolumeClaims, named, bound);
    const phase = { type: 'merge', body: { status: { phase: 'Bound' } } } as const;
    await client.patch(persistentVolumeClaims, named, phase, { subresource: 'status' });
    await client.patch(persistentVolumes, { name: volume!.metadata.name }, phase, { subresource: 'status' });
    await client.create(volumeSnapshotClasses, {
      metadata: { name: 'c' },
      driver: DRIVER,
      deletionPolicy: 'Delete',
    });
    await client.create(volumeSnapshots, {
      metadata: named,
      spec: { source: { persistentVolumeClaimName: 'data' }, volumeSnapshotClassName: 'c' },
    });
    const snapshots = informers.of(volumeSnapshots);
    const isReady = () => [...snapshots.values()].some(({ status }) => status?.readyToUse === true);
    await until(snapshots, isReady, 'the snapshot to be ready');
    condition.abnormal = true;
    await eventTold(
      cluster,
      'PersistentVolumeClaim/data',
      'VolumeConditionAbnormal',
      /^a disk is gone$/,
      LIMIT_MS,
    );
    condition.abnormal = false;
    await eventTold(cluster, 'PersistentVolumeClaim/data', 'VolumeConditionNormal', /healthy/, LIMIT_MS);
    assert.equal(front.most(), 1);
    assert.equal(await part.end('SIGTERM'), 0);
    assert.equal(existsSync(registration()), false);
  });
});
