import assert from 'node:assert/strict';
import { mkdtemp, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { cannotMount, kubectlUntil } from '../support/command.ts';
import { claimOf, scriptPod, storageClass } from '../support/manifests.ts';
import { suiteCluster } from '../support/suite-cluster.ts';

const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '64Mi' } } };

const claim = (name: string, more: object) => claimOf(name, '64Mi', more);

const POD = scriptPod('web', 'echo hello > /scratch/file; cat /scratch/file; exec sleep 3600', {
  scratch: { ephemeral: { volumeClaimTemplate: { spec: { ...spec, storageClassName: 'fast' } } } },
});

describe('claims that come and go, by kubectl', { skip: cannotMount }, () => {
  const cluster = suiteCluster(['--enable-hostpath-provisioner']);
  const { k, apply, gone, says } = cluster;

  it('gives a pod with an ephemeral volume its claim, which goes with it', async () => {
    await apply(storageClass('fast', 'disk.csi.stowage.dev'), POD);
    await k('wait', '--for=condition=Ready', 'pod/web', '--timeout=60s');
    assert.match(await k('get', 'pvc'), /web-scratch\s+Bound/);
    await k('wait', '--for=jsonpath={.status.phase}=Running', 'pod/web', '--timeout=60s');
    await says('web', /^hello$/);
    await k('delete', 'pod/web', '--timeout=60s');
    await gone('pvc');
    await gone('pv');
  });

  it('makes a host path for a claim, and deletes it with the claim', async () => {
    await apply(
      storageClass('local', 'kubernetes.io/host-path'),
      claim('made', { storageClassName: 'local' }),
    );
    await k('wait', '--for=jsonpath={.status.phase}=Bound', 'pvc/made', '--timeout=60s');
    const path = await k('get', 'pv', '-o', 'jsonpath={.items[0].spec.hostPath.path}');
    assert.match(path, /^\/tmp\/hostpath_pv\/[0-9a-f-]{36}$/);
    assert.ok((await stat(path)).isDirectory());
    await k('delete', 'pvc/made', '--timeout=60s');
    await gone('pv');
    await assert.rejects(stat(path), { code: 'ENOENT' });
  });

  it('scrubs a volume with policy Recycle by a pod, and gives it to the next claim', async () => {
    const path = await mkdtemp(join(cluster.directory, 'data-'));
    await apply(
      {
        apiVersion: 'v1',
        kind: 'PersistentVolume',
        metadata: { name: 'used' },
        spec: {
          accessModes: ['ReadWriteOnce'],
          capacity: { storage: '64Mi' },
          persistentVolumeReclaimPolicy: 'Recycle',
          hostPath: { path },
        },
      },
      claim('first', { storageClassName: '' }),
    );
    await k('wait', '--for=jsonpath={.status.phase}=Bound', 'pvc/first', '--timeout=60s');
    await writeFile(join(path, '.hidden'), 'data');
    await k('delete', 'pvc/first', '--timeout=60s');
    await k('wait', '--for=jsonpath={.status.phase}=Available', 'pv/used', '--timeout=60s');
    assert.deepEqual(await readdir(path), []);
    await kubectlUntil(cluster.kubeconfig, ['get', 'events', '-w'], /VolumeRecycled/);
    await apply(claim('second', { storageClassName: '' }));
    await k('wait', '--for=jsonpath={.status.phase}=Bound', 'pvc/second', '--timeout=60s');
    await k('delete', 'pvc/second', 'pv/used', '--timeout=60s');
    await gone('pods');
  });
});
