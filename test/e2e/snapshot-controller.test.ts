import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { silentLogger, systemClock } from '../../src/base/index.ts';
import { apiConnection } from '../../src/cli/api-connection.ts';
import { waitUntil } from '../../src/client/index.ts';
import { startStandaloneSidecars } from '../../src/cluster/standalone-sidecars.ts';
import { startStandaloneSnapshotController } from '../../src/cluster/standalone-snapshot-controller.ts';
import { type Cluster, startCluster } from '../../src/cluster.ts';
import { type SocketServer, serveCsi } from '../../src/csi/index.ts';
import {
  customResourceDefinitions,
  leases,
  nodes,
  persistentVolumeClaims,
  persistentVolumes,
  volumeSnapshotClasses,
  volumeSnapshotContents,
  volumeSnapshots,
} from '../../src/kube/index.ts';

const DRIVER = 'spread.csi.example.org';
const KEY = 'kubernetes.io/hostname';

describe('the snapshot controller in a process of its own, with a csi-snapshotter on each node', () => {
  let directory: string;
  let cluster: Cluster;
  const running: { stop(): Promise<unknown> }[] = [];
  /** `node snapshotted volume`, as the drivers were asked. */
  const cuts: string[] = [];

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'stowage-spread-'));
    cluster = await startCluster({
      ephemeral: true,
      nodes: 0,
      without: ['controllers', 'scheduler', 'sidecars'],
      logLevel: 'silent',
    });
  });
  after(async () => {
    for (const one of running.reverse()) await one.stop();
    await cluster?.stop();
    await rm(directory, { recursive: true });
  });

  const serveDriver = (node: string): Promise<SocketServer> =>
    serveCsi({
      endpoint: join(directory, `${node}.sock`),
      clock: systemClock,
      log: silentLogger,
      identity: { name: DRIVER, vendorVersion: '1' },
      controller: {
        createSnapshot({ name, sourceVolumeId }) {
          cuts.push(`${node} ${sourceVolumeId}`);
          const creationTime = { seconds: 1n, nanos: 0 };
          return {
            snapshot: { snapshotId: name, sourceVolumeId, creationTime, readyToUse: true, sizeBytes: 1n },
          };
        },
        deleteSnapshot: () => ({}),
      },
    });

  /** A claim bound to a volume that is on a node. */
  const addVolume = async (node: string) => {
    const { client } = cluster;
    const name = { namespace: 'default', name: `on-${node}` };
    const shared = { accessModes: ['ReadWriteOnce'], storageClassName: '' };
    const claim = await client.create(persistentVolumeClaims, {
      metadata: name,
      spec: { ...shared, volumeName: name.name, resources: { requests: { storage: '1Gi' } } },
    });
    const matchExpressions = [{ key: KEY, operator: 'In', values: [node] }];
    await client.create(persistentVolumes, {
      metadata: { name: name.name },
      spec: {
        ...shared,
        capacity: { storage: '1Gi' },
        claimRef: { ...name, uid: claim.metadata.uid },
        csi: { driver: DRIVER, volumeHandle: `volume-${node}` },
        nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions }] } },
      },
    });
    await client.patch(
      persistentVolumeClaims,
      name,
      { type: 'merge', body: { status: { phase: 'Bound' } } },
      { subresource: 'status' },
    );
    await client.create(nodes, { metadata: { name: node, labels: { [KEY]: node } } });
  };

  it('each snapshot is taken on the node that has its volume', { timeout: 300_000 }, async () => {
    const { client, informers } = cluster;
    const connection = await apiConnection({ kubeconfig: cluster.kubeconfig });
    const aborted = new AbortController().signal;
    const controller = await startStandaloneSnapshotController(
      {
        connection,
        log: silentLogger,
        crdWaitMs: 30_000,
        controller: { distributed: true },
        leaderElection: {
          namespace: 'default',
          identity: 'test',
          timing: { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 5_000 },
          releaseOnCancel: true,
        },
      },
      aborted,
    );
    running.push(controller.running);
    for (const node of ['n1', 'n2']) {
      await addVolume(node);
      const driver = await serveDriver(node);
      running.push(driver);
      const sidecars = { snapshotter: { nodeName: node } };
      const csiAddress = driver.socketPath;
      const started = await startStandaloneSidecars(
        { connection, csiAddress, sidecars, log: silentLogger },
        aborted,
      );
      running.push(started.running);
    }
    await client.create(volumeSnapshotClasses, {
      metadata: { name: 'c' },
      driver: DRIVER,
      deletionPolicy: 'Delete',
    });
    for (const node of ['n2', 'n1'])
      await client.create(volumeSnapshots, {
        metadata: { namespace: 'default', name: node },
        spec: { source: { persistentVolumeClaimName: `on-${node}` }, volumeSnapshotClassName: 'c' },
      });
    const all = informers.of(volumeSnapshots);
    await waitUntil(
      [all] as never,
      () => all.size === 2 && [...all.values()].every(({ status }) => status?.readyToUse),
      { clock: systemClock, limitMs: 240_000, what: 'the snapshots to be ready' },
    );
    assert.deepEqual(cuts.sort(), ['n1 volume-n1', 'n2 volume-n2']);
    const { items } = await client.list(volumeSnapshotContents);
    assert.deepEqual(
      items
        .map(({ metadata, spec }) => [
          metadata.labels?.['snapshot.storage.kubernetes.io/managed-by'],
          spec.source.volumeHandle,
        ])
        .sort(),
      [
        ['n1', 'volume-n1'],
        ['n2', 'volume-n2'],
      ],
    );
    const lease = await client.get(leases, { namespace: 'default', name: 'snapshot-controller-leader' });
    assert.equal(lease.spec?.holderIdentity, 'test');
  });

  it('does without group snapshots where their kinds are not there, and not without the others', async () => {
    const { client, informers } = cluster;
    const connection = await apiConnection({ kubeconfig: cluster.kubeconfig });
    const lines: string[] = [];
    const log = { ...silentLogger, warn: (message: string) => lines.push(message) };
    const begin = () =>
      startStandaloneSnapshotController(
        { connection, log: log as never, crdWaitMs: 0, controller: {} },
        new AbortController().signal,
      );
    const definitions = informers.of(customResourceDefinitions);
    await definitions.synced;
    const drop = async (name: string) => {
      await client.delete(customResourceDefinitions, { name });
      // Its kind is served until the last of its objects is gone.
      await waitUntil([definitions] as never, () => !definitions.get(name), {
        clock: systemClock,
        limitMs: 60_000,
        what: `the end of ${name}`,
      });
    };
    await drop('volumegroupsnapshots.groupsnapshot.storage.k8s.io');
    const without = await begin();
    await without.running.stop();
    assert.deepEqual(lines, ['doing without group snapshots']);
    await drop('volumesnapshotclasses.snapshot.storage.k8s.io');
    await assert.rejects(begin(), /^Error: not all of volumesnapshots\.snapshot.* can be listed: /);
  });
});
