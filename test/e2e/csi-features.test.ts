import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { systemClock } from '../../src/base/index.ts';
import { type Cluster, startCluster } from '../../src/cluster.ts';
import { Code, CsiStatus, csi } from '../../src/csi/index.ts';
import { createLinuxHost, type Host, type MountEntry } from '../../src/host/index.ts';
import { pods } from '../../src/kube/index.ts';
import { cannotMount, kubectl, kubectlUntil, waitGone, watchOf } from '../support/command.ts';
import { eventTold } from '../support/event-told.ts';
import { requireKubectl } from '../support/kubectl.ts';
import { kubectlOf } from '../support/kubectl-of.ts';
import { claimOf, scriptPod, storageClass } from '../support/manifests.ts';
import { MockDriver, type MockDriverOptions } from '../support/mock-driver.ts';
import { scrub } from '../support/scrub.ts';

const INLINE = 'inline.csi.example.com';
const FULL = 'full.csi.example.com';
const TOKENS = 'tokens.csi.example.com';
const LABELS = 'labels.csi.example.com';
const MANAGED = 'managed.csi.example.com';
const Mode = csi.VolumeCapability_AccessMode_Mode;
const KEY = 'csi.storage.k8s.io/serviceAccount.tokens';

const DRIVERS: readonly (Omit<MockDriverOptions, 'directory'> & { readonly spec: object })[] = [
  {
    name: INLINE,
    spec: { attachRequired: false, podInfoOnMount: true, volumeLifecycleModes: ['Ephemeral'] },
  },
  {
    name: FULL,
    attaches: true,
    stages: true,
    nodeCapabilities: ['SINGLE_NODE_MULTI_WRITER', 'VOLUME_MOUNT_GROUP', 'VOLUME_CONDITION'],
    spec: { attachRequired: true, podInfoOnMount: true },
  },
  {
    name: TOKENS,
    spec: {
      attachRequired: false,
      volumeLifecycleModes: ['Persistent', 'Ephemeral'],
      tokenRequests: [{ audience: 'vault', expirationSeconds: 600 }],
      serviceAccountTokenInSecrets: true,
      requiresRepublish: true,
    },
  },
  { name: LABELS, stages: true, spec: { attachRequired: false, seLinuxMount: true } },
  { name: MANAGED, manages: true, spec: { attachRequired: false } },
];

/** This machine, as if SELinux were on, with the policy of Fedora. No kernel is asked: the driver mounts without the option. */
function withSeLinux(host: Host): Host {
  const files: Record<string, string> = {
    '/proc/self/attr/current': 'system_u:system_r:unconfined_service_t:s0\0',
    '/usr/share/containers/selinux/contexts':
      'process = "system_u:system_r:container_t:s0"\nfile = "system_u:object_r:container_file_t:s0"\n',
  };
  const selinuxfs: MountEntry = {
    id: 0,
    target: '/sys/fs/selinux',
    source: 'selinuxfs',
    root: '/',
    fsType: 'selinuxfs',
    options: ['rw'],
    device: '0:0',
    deleted: false,
  };
  return {
    ...host,
    files: { ...host.files, read: async (path) => files[path] ?? host.files.read(path) },
    mounts: { ...host.mounts, list: async () => [selinuxfs, ...(await host.mounts.list())] },
  };
}

/** A placeholder of a class's parameters. */
const of = (what: string) => `\${${what}}`;

const secret = (name: string) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name },
  stringData: { for: name },
});

const pod = (volume: object, spec: object = {}) =>
  scriptPod(
    'user',
    "trap 'exit 0' TERM; echo written > /data/log; sleep infinity & wait",
    { data: volume },
    { spec },
  );

describe('what a CSI driver may ask of a node', { skip: cannotMount, timeout: 600_000 }, () => {
  let directory: string;
  let cluster: Cluster;
  const drivers = new Map<string, MockDriver>();
  const driver = (name: string) => drivers.get(name)!;
  const { k, apply } = kubectlOf(() => cluster.kubeconfig);
  const running = () => k('wait', '--for=condition=Ready', 'pod/user', '--timeout=60s');
  const claimed = { persistentVolumeClaim: { claimName: 'data' } };
  /** What the pod has written, once it has: it may be Ready before. */
  const written = () =>
    k('exec', 'user', '--', 'sh', '-c', 'until [ -s /data/log ]; do sleep 0.05; done; cat /data/log');
  const volumesOf = (name: string) => readdir(join(directory, name, 'volumes'));
  const uid = async () =>
    (await cluster.client.get(pods, { namespace: 'default', name: 'user' })).metadata.uid;

  before(async () => {
    await requireKubectl();
    directory = await mkdtemp(join(tmpdir(), 'stowage-csi-'));
    for (const options of DRIVERS)
      drivers.set(
        options.name,
        await MockDriver.serve({ ...options, directory: join(directory, options.name) }),
      );
    cluster = await startCluster({
      dataDir: join(directory, 'data'),
      logLevel: 'silent',
      featureGates: { CSIVolumeHealth: true },
      volumeStatsPeriodMs: 250,
      host: withSeLinux(createLinuxHost({ clock: systemClock })),
      csiDrivers: [...drivers.values()].map(({ endpoint }) => ({ endpoint })),
    });
    // Once they are registered, nobody else makes their objects any more.
    const names = 'jsonpath={.spec.drivers[*].name}{"\\n"}';
    await kubectlUntil(cluster.kubeconfig, [...watchOf('csinode', 'node-1'), '-o', names], /\S( \S+){5}/);
    const kind = { apiVersion: 'storage.k8s.io/v1', kind: 'CSIDriver' };
    await k('delete', 'csidriver', ...DRIVERS.map(({ name }) => name), '--ignore-not-found');
    await apply(...DRIVERS.map(({ name, spec }) => ({ ...kind, metadata: { name }, spec })));
  });

  after(async () => {
    await cluster?.stop();
    for (const each of drivers.values()) await each.stop();
    await scrub(directory);
  });

  afterEach(async () => {
    for (const each of drivers.values()) {
      each.failures.clear();
      each.condition = { abnormal: false, message: '' };
    }
    await k('delete', 'pod,pvc,secret,events', '--all', '--timeout=60s');
    await waitGone(cluster.kubeconfig, 'pv');
    for (const each of drivers.values()) each.calls.length = 0;
  });

  it('makes an inline volume that lives and dies with its pod', async () => {
    const source = {
      driver: INLINE,
      volumeAttributes: { size: '1Mi' },
      nodePublishSecretRef: { name: 'key' },
    };
    await apply(secret('key'), pod({ csi: source }));
    await running();
    const podUid = await uid();
    const handle = `csi-${createHash('sha256').update(`${podUid}data`).digest('hex')}`;
    const request = await driver(INLINE).called('NodePublishVolume');
    assert.equal(request.volumeId, handle);
    assert.equal(request.stagingTargetPath, '');
    assert.equal(request.volumeCapability?.accessMode?.mode, Mode.SINGLE_NODE_WRITER);
    assert.deepEqual(request.secrets, { for: 'key' });
    assert.deepEqual(request.volumeContext, {
      size: '1Mi',
      'csi.storage.k8s.io/pod.name': 'user',
      'csi.storage.k8s.io/pod.namespace': 'default',
      'csi.storage.k8s.io/pod.uid': podUid,
      'csi.storage.k8s.io/serviceAccount.name': 'default',
      'csi.storage.k8s.io/ephemeral': 'true',
    });
    assert.equal(await written(), 'written\n');
    await k('delete', 'pod', 'user');
    const undone = await driver(INLINE).called('NodeUnpublishVolume');
    assert.equal(undone.volumeId, handle);
    assert.deepEqual(await cluster.volumesLeft(), []);
  });

  it('refuses an inline volume of a driver that has none', async () => {
    await apply(pod({ csi: { driver: FULL } }));
    const told = await eventTold(cluster, 'Pod/user', 'FailedMount', /lifecycle mode/);
    assert.equal(
      told,
      'MountVolume.SetUp failed for volume "data" : kubernetes.io/csi: mounter.SetupAt failed to check volume ' +
        `lifecycle mode: volume mode "Ephemeral" not supported by driver ${FULL} (only supports ["Persistent"])`,
    );
    assert.deepEqual(driver(FULL).calls, []);
  });

  it('gives every stage its secret, the context of the attacher, and the pod’s group', async () => {
    const named = (purpose: string, name: string) => ({
      [`csi.storage.k8s.io/${purpose}-secret-name`]: name,
      [`csi.storage.k8s.io/${purpose}-secret-namespace`]: of('pvc.namespace'),
    });
    await apply(...['provision', 'user-data', 'stage', 'publish'].map(secret), {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      metadata: { name: 'secrets' },
      provisioner: FULL,
      mountOptions: ['noatime'],
      parameters: {
        ...named('provisioner', 'provision'),
        ...named('controller-publish', of('pvc.name')),
        ...named('node-stage', 'stage'),
        ...named('node-publish', of("pvc.annotations['use']")),
      },
    });
    const claim = {
      metadata: { annotations: { use: 'publish' } },
      spec: {
        accessModes: ['ReadWriteOnce'],
        storageClassName: 'secrets',
        resources: { requests: { storage: '1Mi' } },
      },
    };
    const security = { securityContext: { fsGroup: 4242 } };
    await apply(pod({ ephemeral: { volumeClaimTemplate: claim } }, security));
    await running();
    const full = driver(FULL);
    assert.deepEqual((await full.called('CreateVolume')).secrets, { for: 'provision' });
    const attached = await full.called('ControllerPublishVolume');
    assert.deepEqual(attached.secrets, { for: 'user-data' });
    assert.equal(attached.nodeId, 'node-1');
    const staged = await full.called('NodeStageVolume');
    const published = await full.called('NodePublishVolume');
    assert.deepEqual(staged.secrets, { for: 'stage' });
    assert.deepEqual(published.secrets, { for: 'publish' });
    for (const { volumeCapability, publishContext, stagingTargetPath } of [staged, published]) {
      assert.deepEqual(publishContext, { seenBy: 'the attacher' });
      assert.equal(stagingTargetPath, staged.stagingTargetPath);
      assert.equal(volumeCapability?.accessMode?.mode, Mode.SINGLE_NODE_MULTI_WRITER);
      assert.equal(volumeCapability?.accessType.case, 'mount');
      const { mountFlags, volumeMountGroup } = volumeCapability!.accessType
        .value as csi.VolumeCapability_MountVolume;
      assert.deepEqual([mountFlags, volumeMountGroup], [['noatime'], '4242']);
    }
    await k('delete', 'pod', 'user');
    // The claim goes with its pod.
    await full.called('DeleteVolume');
    const order = full.calls.map(({ method }) => method).filter((method) => method !== 'NodeGetVolumeStats');
    assert.deepEqual(order, [
      'CreateVolume',
      'ControllerPublishVolume',
      'NodeStageVolume',
      'NodePublishVolume',
      'NodeUnpublishVolume',
      'NodeUnstageVolume',
      'ControllerUnpublishVolume',
      'DeleteVolume',
    ]);
    assert.deepEqual(await volumesOf(FULL), []);
    await k('delete', 'storageclass', 'secrets');
  });

  it('gives growth, modification and snapshots theirs', async () => {
    const named = (purpose: string, name: string, namespace: string) => ({
      [`csi.storage.k8s.io/${purpose}-secret-name`]: name,
      [`csi.storage.k8s.io/${purpose}-secret-namespace`]: namespace,
    });
    const managed = driver(MANAGED);
    const inClass = (kind: string, apiVersion: string, rest: object) => ({
      apiVersion,
      kind,
      metadata: { name: 'managed' },
      ...rest,
    });
    await apply(
      ...['grow', 'node-grow', 'modify', 'cut', 'look'].map(secret),
      inClass('StorageClass', 'storage.k8s.io/v1', {
        provisioner: MANAGED,
        allowVolumeExpansion: true,
        parameters: {
          ...named('controller-expand', 'grow', 'default'),
          ...named('node-expand', 'node-grow', 'default'),
          ...named('controller-modify', 'modify', 'default'),
        },
      }),
      inClass('VolumeAttributesClass', 'storage.k8s.io/v1', {
        driverName: MANAGED,
        parameters: { tier: 'gold' },
      }),
      inClass('VolumeSnapshotClass', 'snapshot.storage.k8s.io/v1', {
        driver: MANAGED,
        deletionPolicy: 'Delete',
        parameters: {
          ...named('snapshotter', 'cut', of('volumesnapshot.namespace')),
          ...named('snapshotter-list', 'look', 'default'),
        },
      }),
      claimOf('data', '1Mi', { storageClassName: 'managed' }),
      pod(claimed),
    );
    await running();
    const edit = (spec: object) => k('patch', 'pvc', 'data', '--type=merge', '-p', JSON.stringify({ spec }));
    await edit({ resources: { requests: { storage: '2Mi' } } });
    assert.deepEqual((await managed.called('ControllerExpandVolume')).secrets, { for: 'grow' });
    assert.deepEqual((await managed.called('NodeExpandVolume')).secrets, { for: 'node-grow' });
    await edit({ volumeAttributesClassName: 'managed' });
    const modified = await managed.called('ControllerModifyVolume');
    assert.deepEqual([modified.mutableParameters, modified.secrets], [{ tier: 'gold' }, { for: 'modify' }]);
    await apply(
      inClass('VolumeSnapshot', 'snapshot.storage.k8s.io/v1', {
        spec: { volumeSnapshotClassName: 'managed', source: { persistentVolumeClaimName: 'data' } },
      }),
    );
    assert.deepEqual((await managed.called('CreateSnapshot')).secrets, { for: 'cut' });
    await k('wait', '--for=jsonpath={.status.readyToUse}=true', 'volumesnapshot/managed', '--timeout=60s');
    await k('delete', 'volumesnapshot', 'managed', '--timeout=60s');
    assert.deepEqual((await managed.called('DeleteSnapshot')).secrets, { for: 'cut' });
    // One that was there before is looked at, and not taken.
    await apply(
      inClass('VolumeSnapshotContent', 'snapshot.storage.k8s.io/v1', {
        spec: {
          driver: MANAGED,
          deletionPolicy: 'Retain',
          volumeSnapshotClassName: 'managed',
          source: { snapshotHandle: 'of-last-year' },
          volumeSnapshotRef: { namespace: 'default', name: 'managed' },
        },
      }),
      inClass('VolumeSnapshot', 'snapshot.storage.k8s.io/v1', {
        spec: { volumeSnapshotClassName: 'managed', source: { volumeSnapshotContentName: 'managed' } },
      }),
    );
    const { snapshotId, secrets } = await managed.called('ListSnapshots');
    assert.deepEqual([snapshotId, secrets], ['of-last-year', { for: 'look' }]);
    await k('wait', '--for=jsonpath={.status.readyToUse}=true', 'volumesnapshot/managed', '--timeout=60s');
    await k('delete', 'volumesnapshot,volumesnapshotcontent', 'managed', '--timeout=60s');
    await waitGone(cluster.kubeconfig, 'volumesnapshotcontent');
    await k('delete', 'storageclass,volumeattributesclass,volumesnapshotclass', 'managed', '--wait=false');
  });

  it('publishes again with tokens when the pod is edited, and keeps the mount when that fails', async () => {
    const tokens = driver(TOKENS);
    await apply(pod({ csi: { driver: TOKENS } }));
    await running();
    const first = await tokens.called('NodePublishVolume');
    const given = JSON.parse(first.secrets[KEY]!) as Record<string, { token: string }>;
    assert.deepEqual(Object.keys(given), ['vault']);
    assert.ok(!(KEY in first.volumeContext), 'in the secrets, so not in the context');
    const review = await kubectl(cluster.kubeconfig, ['create', '-o', 'json', '-f', '-'], {
      input: JSON.stringify({
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenReview',
        spec: { token: given.vault!.token, audiences: ['vault'] },
      }),
    });
    assert.equal(JSON.parse(review).status.user.username, 'system:serviceaccount:default:default');

    tokens.failures.set('NodePublishVolume', new CsiStatus(Code.INTERNAL, 'vault is sealed'));
    await k('annotate', 'pod', 'user', 'edited=once');
    await eventTold(cluster, 'Pod/user', 'FailedMount', /rpc error: code = Internal desc = vault is sealed/);
    assert.equal(await written(), 'written\n');
    tokens.failures.clear();
    const failed = tokens.count('NodePublishVolume');
    await tokens.called(
      'NodePublishVolume',
      (request) => request !== first && tokens.count('NodePublishVolume') > failed,
    );
    assert.equal(tokens.count('NodeUnpublishVolume'), 0);
  });

  const claim = (driver: string, accessMode: string, volumeMode = 'Filesystem') => [
    storageClass(driver, driver),
    claimOf('data', '1Mi', { accessModes: [accessMode], storageClassName: driver, volumeMode }),
  ];
  it('mounts a volume of one pod with the pod’s SELinux label, and anew for another label', async () => {
    const selinux = driver(LABELS);
    const labelled = (level: string) => pod(claimed, { securityContext: { seLinuxOptions: { level } } });
    const options = (level: string) => [`context="system_u:object_r:container_file_t:${level}"`];
    const flagsOf = ({ volumeCapability }: csi.NodePublishVolumeRequest | csi.NodeStageVolumeRequest) =>
      (volumeCapability!.accessType.value as csi.VolumeCapability_MountVolume).mountFlags;
    await apply(...claim(LABELS, 'ReadWriteOncePod'), labelled('s0:c1,c2'));
    await running();
    assert.deepEqual(flagsOf(await selinux.called('NodePublishVolume')), options('s0:c1,c2'));
    assert.deepEqual(flagsOf(await selinux.called('NodeStageVolume')), options('s0:c1,c2'));
    await k('delete', 'pod', 'user', '--wait=false');
    await waitGone(cluster.kubeconfig, 'pod/user');
    await apply(labelled('s0:c7'));
    await running();
    const staged = selinux.calls.filter(({ method }) => method === 'NodeStageVolume');
    assert.deepEqual(
      staged.map(({ request }) => flagsOf(request as csi.NodeStageVolumeRequest)),
      [options('s0:c1,c2'), options('s0:c7')],
    );
    assert.equal(selinux.count('NodeUnstageVolume'), 1);
    assert.equal(await written(), 'written\n');
    await k('delete', 'storageclass', LABELS);
  });

  it('gives a raw block volume as a device', async () => {
    const block = driver(FULL);
    const { spec, ...rest } = pod(claimed);
    const [main] = spec.containers;
    const container = {
      ...main!,
      command: ['sh', '-c', "trap 'exit 0' TERM; sleep infinity & wait"],
      volumeMounts: undefined,
      volumeDevices: [{ name: 'data', devicePath: '/dev/data' }],
    };
    await apply(...claim(FULL, 'ReadWriteOnce', 'Block'), {
      ...rest,
      spec: { ...spec, containers: [container] },
    });
    await running();
    const staged = await block.called('NodeStageVolume');
    const published = await block.called('NodePublishVolume');
    const podUid = await uid();
    const root = join(cluster.layout.nodeRoot(1), 'plugins/kubernetes.io/csi/volumeDevices');
    const { volumeId } = published;
    assert.equal(staged.stagingTargetPath, join(root, 'staging', volumeId));
    assert.equal(published.stagingTargetPath, staged.stagingTargetPath);
    assert.equal(published.targetPath, join(root, 'publish', volumeId, podUid));
    for (const { volumeCapability } of [staged, published])
      assert.equal(volumeCapability?.accessType.case, 'block');
    const script = 'test -b /dev/data && echo raw > /dev/data && head -c 3 /dev/data';
    assert.equal(await k('exec', 'user', '--', 'sh', '-c', script), 'raw');
    await k('delete', 'pod', 'user');
    await block.called('NodeUnstageVolume');
    assert.equal(block.count('NodeUnpublishVolume'), 1);
    await k('delete', 'storageclass', FULL);
  });

  it('tells a pod that its volume is not well', async () => {
    const full = driver(FULL);
    await apply(...claim(FULL, 'ReadWriteOnce'), pod(claimed));
    await running();
    const { volumeId, volumePath } = await full.called('NodeGetVolumeStats');
    assert.equal(volumeId, (await full.called('NodePublishVolume')).volumeId);
    assert.equal(volumePath, (await full.called('NodePublishVolume')).targetPath);
    full.condition = { abnormal: true, message: 'a disk is gone' };
    const told = await eventTold(cluster, 'Pod/user', 'VolumeConditionAbnormal', /gone/);
    assert.equal(told, 'Volume data: a disk is gone');
    await k('delete', 'storageclass', FULL);
  });
});
