import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BackupClient } from '../../src/sidecars/snapshot-metadata/client.test-support.ts';
import { cannotSnapshot } from '../support/cannot-snapshot.ts';
import { deleteWithSnapshots } from '../support/delete-everything.ts';
import { claimOf, scriptPod, storageClass, volumeOf } from '../support/manifests.ts';
import { suiteCluster } from '../support/suite-cluster.ts';

const DRIVER = 'disk.csi.stowage.dev';
const RBAC = 'rbac.authorization.k8s.io';

const snapshot = (name: string) => ({
  apiVersion: 'snapshot.storage.k8s.io/v1',
  kind: 'VolumeSnapshot',
  metadata: { name },
  spec: { source: { persistentVolumeClaimName: 'data' }, volumeSnapshotClassName: 'disk' },
});

describe('changed blocks of a raw volume, as a backup program asks for them', {
  skip: cannotSnapshot,
}, () => {
  const cluster = suiteCluster();
  const { k, apply } = cluster;
  const field = (what: string, path: string) => k('get', what, '-o', `jsonpath={${path}}`);
  const write = (block: number, blocks: number) =>
    k(
      ...['exec', 'writer', '--', 'sh', '-c'],
      `head -c ${blocks * 4096} /dev/urandom | dd of=/dev/raw bs=4096 seek=${block} conv=fsync,notrunc 2>&1`,
    );
  const take = async (name: string) => {
    await apply(snapshot(name));
    await k('wait', '--for=jsonpath={.status.readyToUse}=true', `volumesnapshot/${name}`, '--timeout=60s');
    const content = await field(`volumesnapshot/${name}`, '.status.boundVolumeSnapshotContentName');
    return field(`volumesnapshotcontent/${content}`, '.status.snapshotHandle');
  };
  const token = async (account: string, audience: string) =>
    (await k('create', 'token', account, `--audience=${audience}`)).trim();

  it('tells whoever may read snapshots, by a token for its audience, and nobody else', async (test) => {
    await apply(
      storageClass('disk', DRIVER),
      {
        apiVersion: 'snapshot.storage.k8s.io/v1',
        kind: 'VolumeSnapshotClass',
        metadata: { name: 'disk' },
        driver: DRIVER,
        deletionPolicy: 'Delete',
      },
      claimOf('data', '16Mi', { storageClassName: 'disk', volumeMode: 'Block' }),
      scriptPod(
        'writer',
        'exec sleep 3600',
        { raw: volumeOf('data') },
        { container: { volumeMounts: [], volumeDevices: [{ name: 'raw', devicePath: '/dev/raw' }] } },
      ),
      ...['backup', 'stranger'].map((name) => ({
        apiVersion: 'v1',
        kind: 'ServiceAccount',
        metadata: { name },
      })),
      {
        apiVersion: `${RBAC}/v1`,
        kind: 'Role',
        metadata: { name: 'snapshots' },
        rules: [{ apiGroups: ['snapshot.storage.k8s.io'], resources: ['volumesnapshots'], verbs: ['get'] }],
      },
      {
        apiVersion: `${RBAC}/v1`,
        kind: 'RoleBinding',
        metadata: { name: 'snapshots' },
        roleRef: { apiGroup: RBAC, kind: 'Role', name: 'snapshots' },
        subjects: [{ kind: 'ServiceAccount', name: 'backup', namespace: 'default' }],
      },
    );
    await k('wait', '--for=condition=Ready', 'pod/writer', '--timeout=60s');
    await write(2, 1);
    await write(1000, 3);
    const base = await take('before');
    await write(2, 1);
    await write(500, 2);
    await take('after');

    await k('wait', '--for=create', `snapshotmetadataservice/${DRIVER}`, '--timeout=60s');
    const { spec } = JSON.parse(await k('get', 'sms', DRIVER, '-o', 'json'));
    const client = new BackupClient(spec.address, spec.caCert);
    test.after(() => client.close());
    const securityToken = await token('backup', spec.audience);
    const asked = { securityToken, namespace: 'default' };
    const blocks = ({ parts, failure }: Awaited<ReturnType<typeof client.delta>>) => {
      assert.equal(failure, undefined);
      for (const { volumeCapacityBytes } of parts) assert.equal(volumeCapacityBytes, 16n << 20n);
      return parts.flatMap((part) =>
        part.blockMetadata.map(({ byteOffset, sizeBytes }) => `${byteOffset / 4096n}+${sizeBytes / 4096n}`),
      );
    };
    const allocated = await client.allocated({ ...asked, snapshotName: 'before' });
    assert.deepEqual(blocks(allocated as never), ['2+1', '1000+3']);
    const delta = { baseSnapshotId: base, targetSnapshotName: 'after' };
    assert.deepEqual(blocks(await client.delta({ ...asked, ...delta })), ['2+1', '500+2']);
    const late = { ...asked, ...delta, startingOffset: 500n * 4096n, maxResults: 1 };
    assert.deepEqual(blocks(await client.delta(late)), ['500+2']);

    const refusal = async (account: string, audience: string) =>
      (await client.delta({ ...asked, ...delta, securityToken: await token(account, audience) })).failure;
    assert.equal(await refusal('backup', 'somebody-else'), 'UNAUTHENTICATED unauthenticated user');
    assert.equal(
      await refusal('stranger', spec.audience),
      'PERMISSION_DENIED user does not have permissions to perform the operation: ',
    );
    assert.equal(
      (await client.delta({ ...asked, ...delta, namespace: 'kube-system' })).failure,
      'PERMISSION_DENIED user does not have permissions to perform the operation: ',
    );
  });

  it('leaves nothing', () => deleteWithSnapshots(cluster));
});
