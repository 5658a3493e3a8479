import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cannotSnapshot } from '../support/cannot-snapshot.ts';
import { kubectlUntil } from '../support/command.ts';
import { deleteWithSnapshots } from '../support/delete-everything.ts';
import { claimOf, storageClass } from '../support/manifests.ts';
import { suiteCluster } from '../support/suite-cluster.ts';

const DRIVER = 'disk.csi.stowage.dev';
const SNAPSHOTS = 'snapshot.storage.k8s.io/v1';
const GROUPS = 'groupsnapshot.storage.k8s.io/v1';

const diskClass = (name: string, parameters: Record<string, string> = {}) =>
  storageClass(name, DRIVER, { parameters });

const snapshotClass = (name: string, deletionPolicy: string, annotations = {}) => ({
  apiVersion: SNAPSHOTS,
  kind: 'VolumeSnapshotClass',
  metadata: { name, annotations },
  driver: DRIVER,
  deletionPolicy,
});

const claim = (name: string, more: object = {}, storage = '32Mi') =>
  claimOf(name, storage, { storageClassName: 'disk', ...more });

const snapshot = (name: string, source: object, volumeSnapshotClassName?: string) => ({
  apiVersion: SNAPSHOTS,
  kind: 'VolumeSnapshot',
  metadata: { name },
  spec: { source, volumeSnapshotClassName },
});

const ofSnapshot = (name: string) => ({
  dataSource: { apiGroup: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot', name },
});
const ofClaim = (name: string) => ({ dataSource: { kind: 'PersistentVolumeClaim', name } });

/** A pod with claims at /NAME, file system or device. */
const pod = (name: string, claims: readonly string[], script: string, devices: readonly string[] = []) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name },
  spec: {
    terminationGracePeriodSeconds: 0,
    containers: [
      {
        name: 'c',
        image: 'busybox',
        command: ['sh', '-c', `${script}; exec sleep 3600`],
        volumeMounts: claims.map((one) => ({ name: one, mountPath: `/${one}` })),
        volumeDevices: devices.map((one) => ({ name: one, devicePath: `/dev/${one}` })),
      },
    ],
    volumes: [...claims, ...devices].map((one) => ({
      name: one,
      persistentVolumeClaim: { claimName: one },
    })),
  },
});

describe('snapshots, restore and clones, by kubectl', { skip: cannotSnapshot }, () => {
  const cluster = suiteCluster();
  const { k, apply, gone } = cluster;
  const ready = (name: string) =>
    k('wait', '--for=jsonpath={.status.readyToUse}=true', `volumesnapshot/${name}`, '--timeout=60s');
  const running = (name: string) => k('wait', '--for=condition=Ready', `pod/${name}`, '--timeout=60s');
  const bound = (name: string) =>
    k('wait', '--for=jsonpath={.status.phase}=Bound', `pvc/${name}`, '--timeout=60s');
  const field = (what: string, path: string) => k('get', what, '-o', `jsonpath={${path}}`);
  const inPod = (name: string, script: string) => k('exec', name, '--', 'sh', '-c', script);
  /** Waits for an event whose message, to the end of it, is as said. */
  const told = (subject: string, reason: string, message: string) => {
    const columns = 'KIND:.involvedObject.kind,NAME:.involvedObject.name,REASON:.reason,MESSAGE:.message';
    const [kind, name] = subject.split('/');
    const line = new RegExp(`^${kind} +${name} +${reason} +${message}$`);
    const watch = ['get', 'events', '--watch', '--no-headers', '-o', `custom-columns=${columns}`];
    return kubectlUntil(cluster.kubeconfig, watch, line);
  };

  it('brings data back that was deleted: write, snapshot, delete, restore, read; then the snapshot goes with its content', async () => {
    await apply(
      diskClass('disk'),
      snapshotClass('default', 'Delete', { 'snapshot.storage.kubernetes.io/is-default-class': 'true' }),
      snapshotClass('kept', 'Retain'),
      claim('data'),
      pod('writer', ['data'], 'echo precious > /data/file'),
    );
    await running('writer');
    // Nothing was synced: what was written before counts.
    await inPod('writer', 'until [ -s /data/file ]; do sleep 0.05; done');
    await apply(snapshot('first', { persistentVolumeClaimName: 'data' }));
    await ready('first');
    await inPod('writer', 'rm /data/file; echo later > /data/later');
    assert.equal(await field('volumesnapshot/first', '.status.restoreSize'), '32Mi');
    assert.equal(await field('volumesnapshot/first', '.spec.volumeSnapshotClassName'), 'default');
    assert.deepEqual(JSON.parse(await field('volumesnapshot/first', '.metadata.finalizers')), [
      'snapshot.storage.kubernetes.io/volumesnapshot-as-source-protection',
      'snapshot.storage.kubernetes.io/volumesnapshot-bound-protection',
    ]);
    assert.doesNotMatch(await field('pvc/data', '.metadata.finalizers'), /pvc-as-source-protection/);

    await apply(claim('back', ofSnapshot('first'), '64Mi'), pod('reader', ['back'], 'true'));
    await running('reader');
    assert.equal(await inPod('reader', 'cat /back/file; ls /back'), 'precious\nfile\nlost+found\n');
    const kilobytes = Number(await inPod('reader', "df -k /back | tail -1 | awk '{print $2}'"));
    assert.ok(kilobytes > 50_000, `the file system has grown to its volume: ${kilobytes} KiB`);

    const content = await field('volumesnapshot/first', '.status.boundVolumeSnapshotContentName');
    await k('delete', 'volumesnapshot/first', '--timeout=60s');
    await gone(`volumesnapshotcontent/${content}`);
    assert.equal(await inPod('reader', 'cat /back/file'), 'precious\n');
    await k('delete', 'pod/reader', 'pvc/back', '--timeout=60s');
  });

  it('clones a claim in use, and keeps the source until the clone is there', async () => {
    await apply(claim('twin', ofClaim('data')), pod('second', ['twin'], 'true'));
    await running('second');
    assert.equal(await inPod('second', 'cat /twin/later'), 'later\n');
    await inPod('second', 'echo mine > /twin/later');
    assert.equal(await inPod('writer', 'cat /data/later'), 'later\n');
    assert.match(await field('pvc/data', '.metadata.finalizers'), /cloning-protection/);
    await k('delete', 'pod/second', 'pvc/twin', '--timeout=60s');
  });

  it('tells why a restore cannot be: too small, not there', async () => {
    await apply(snapshot('small', { persistentVolumeClaimName: 'data' }));
    await ready('small');
    await apply(claim('less', ofSnapshot('small'), '16Mi'), claim('nothing', ofSnapshot('missing')));
    await told(
      'PersistentVolumeClaim/less',
      'ProvisioningFailed',
      'error getting handle for DataSource Type VolumeSnapshot by Name small: requested volume size 16777216 is less than the size 33554432 for the source snapshot small',
    );
    await told(
      'PersistentVolumeClaim/nothing',
      'ProvisioningFailed',
      String.raw`.*error getting snapshot missing from api server: volumesnapshots\.snapshot\.storage\.k8s\.io "missing" not found`,
    );
    // A claim that is being restored, or tries to be, keeps the snapshot.
    await k('delete', 'volumesnapshot/small', '--wait=false');
    await told('VolumeSnapshot/small', 'SnapshotDeletePending', 'Snapshot is being used to restore a PVC');
    await k('delete', 'pvc/less', 'pvc/nothing', '--timeout=60s');
    await gone('volumesnapshot/small');
  });

  it('Retain keeps the snapshot, which a content made by hand brings back', async () => {
    await apply(snapshot('kept', { persistentVolumeClaimName: 'data' }, 'kept'));
    await ready('kept');
    const content = await field('volumesnapshot/kept', '.status.boundVolumeSnapshotContentName');
    const handle = await field(`volumesnapshotcontent/${content}`, '.status.snapshotHandle');
    await k('delete', 'volumesnapshot/kept', '--timeout=60s');
    assert.match(await k('get', 'volumesnapshotcontent'), new RegExp(content));
    await k('delete', `volumesnapshotcontent/${content}`, '--timeout=60s');
    // First the snapshot, then the content that it names: an error, and its end.
    await apply(snapshot('again', { volumeSnapshotContentName: 'given' }));
    await told('VolumeSnapshot/again', 'SnapshotContentMissing', 'VolumeSnapshotContent is missing');
    assert.equal(await field('volumesnapshot/again', '.status.readyToUse'), 'false');
    await apply({
      apiVersion: SNAPSHOTS,
      kind: 'VolumeSnapshotContent',
      metadata: { name: 'given' },
      spec: {
        deletionPolicy: 'Delete',
        driver: DRIVER,
        source: { snapshotHandle: handle },
        volumeSnapshotRef: { name: 'again', namespace: 'default' },
      },
    });
    await ready('again');
    assert.equal(await field('volumesnapshot/again', '.status.error'), '');
    // Another that names the same content does not get it.
    await apply(snapshot('thief', { volumeSnapshotContentName: 'given' }));
    await told(
      'VolumeSnapshot/thief',
      'SnapshotContentMisbound',
      String.raw`VolumeSnapshotContent \[given\] is bound to a different snapshot`,
    );
    await apply(claim('returned', ofSnapshot('again')), pod('third', ['returned'], 'true'));
    await running('third');
    assert.equal(await inPod('third', 'cat /returned/later'), 'later\n');
    await k(
      'delete',
      'pod/third',
      'pvc/returned',
      'volumesnapshot/again',
      'volumesnapshot/thief',
      '--timeout=60s',
    );
    await gone('volumesnapshotcontent');
  });

  it('restores XFS beside its source, and raw blocks; one as the other only where it is allowed', async () => {
    await apply(
      diskClass('xfs', { 'csi.storage.k8s.io/fstype': 'xfs' }),
      claim('x', { storageClassName: 'xfs' }, '300Mi'),
      claim('raw', { volumeMode: 'Block' }, '16Mi'),
      pod('original', ['x'], 'echo xfs > /x/file; printf blocks > /dev/raw', ['raw']),
    );
    await running('original');
    await inPod('original', 'until [ "$(head -c 6 /dev/raw)" = blocks ]; do sleep 0.05; done');
    await apply(
      snapshot('of-x', { persistentVolumeClaimName: 'x' }),
      snapshot('of-raw', { persistentVolumeClaimName: 'raw' }),
    );
    await ready('of-x');
    await ready('of-raw');
    await inPod('original', 'printf others > /dev/raw');
    await apply(
      claim('x2', { storageClassName: 'xfs', ...ofSnapshot('of-x') }, '300Mi'),
      claim('raw2', { volumeMode: 'Block', ...ofSnapshot('of-raw') }, '16Mi'),
      pod('copies', ['x2'], 'true', ['raw2']),
    );
    await running('copies');
    assert.equal(await inPod('copies', 'cat /x2/file; head -c 6 /dev/raw2'), 'xfs\nblocks');

    await apply(claim('converted', ofSnapshot('of-raw')));
    await told(
      'PersistentVolumeClaim/converted',
      'ProvisioningFailed',
      String.raw`.*modifies the mode of the source volume but does not have permission to do so\. snapshot\.storage\.kubernetes\.io/allow-volume-mode-change annotation is not present.*`,
    );
    const content = await field('volumesnapshot/of-raw', '.status.boundVolumeSnapshotContentName');
    const allow = 'snapshot.storage.kubernetes.io/allow-volume-mode-change=true';
    await k('annotate', `volumesnapshotcontent/${content}`, allow);
    await bound('converted');
  });

  it('takes several volumes at one moment, as a group that goes as a whole', async () => {
    const labels = { app: 'db' };
    const member = (name: string) => ({ ...claim(name), metadata: { name, labels } });
    const count = 'i=0; (while :; do i=$((i+1)); echo $i > /left/n; echo $i > /right/n; done) & true';
    await apply(
      {
        apiVersion: GROUPS,
        kind: 'VolumeGroupSnapshotClass',
        metadata: {
          name: 'together',
          annotations: { 'groupsnapshot.storage.kubernetes.io/is-default-class': 'true' },
        },
        driver: DRIVER,
        deletionPolicy: 'Delete',
      },
      member('left'),
      member('right'),
      pod('counter', ['left', 'right'], count),
    );
    await running('counter');
    await inPod('counter', 'until [ -s /right/n ]; do sleep 0.05; done');
    await apply({
      apiVersion: GROUPS,
      kind: 'VolumeGroupSnapshot',
      metadata: { name: 'both' },
      spec: { source: { selector: { matchLabels: labels } } },
    });
    const group = 'volumegroupsnapshot/both';
    await k('wait', '--for=jsonpath={.status.readyToUse}=true', group, '--timeout=60s');
    const of = async (name: string) => {
      const path = `.items[?(@.spec.source.persistentVolumeClaimName=="${name}")].metadata.name`;
      return (await k('get', 'volumesnapshot', '-o', `jsonpath={${path}}`)).trim();
    };
    const [left, right] = [await of('left'), await of('right')];
    await ready(left);
    await ready(right);
    assert.equal(await field(`volumesnapshot/${left}`, '.status.volumeGroupSnapshotName'), 'both');
    await apply(
      claim('left2', ofSnapshot(left)),
      claim('right2', ofSnapshot(right)),
      pod('compare', ['left2', 'right2'], 'true'),
    );
    await running('compare');
    const seen = await inPod('compare', 'cat /left2/n /right2/n');
    const [a = 0, b = 0] = seen.trim().split('\n').map(Number);
    // The left is written first: at any moment it is as far as the right, or one ahead (or being written).
    assert.ok(a - b === 0 || a - b === 1 || a === 0 || b === 0, seen);
    await k('delete', 'pod/compare', 'pvc/left2', 'pvc/right2', '--timeout=60s');

    await k('delete', `volumesnapshot/${left}`, '--wait=false');
    await told(
      `VolumeSnapshot/${left}`,
      'SnapshotDeletePending',
      `deletion of the individual volume snapshot default/${left} is not allowed as it belongs to group snapshot default/both. Deleting the group snapshot will trigger the deletion of all the individual volume snapshots that are part of the group.`,
    );
    await k('delete', group, '--timeout=60s');
    for (const what of ['volumegroupsnapshotcontent', `volumesnapshot/${left}`, `volumesnapshot/${right}`])
      await gone(what);
  });

  it('leaves nothing', () => deleteWithSnapshots(cluster));
});
