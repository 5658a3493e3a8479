import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { cannotMount, kubectlUntil, watchOf } from '../support/command.ts';
import { leftOnMachine } from '../support/left.ts';
import { claimOf, storageClass } from '../support/manifests.ts';
import { suiteCluster } from '../support/suite-cluster.ts';

const EXTERNAL = 'external-provisioner.volume.kubernetes.io/finalizer';
const IN_TREE = 'kubernetes.io/pv-controller';
const PROTECTION = 'kubernetes.io/pv-protection';

const claim = (name: string, storageClassName: string) => claimOf(name, '16Mi', { storageClassName });

/** HonorPVReclaimPolicy: what becomes of the data does not depend on what is deleted first. */
describe('reclaim policies, whichever of volume and claim is deleted first, by kubectl', {
  skip: cannotMount,
}, () => {
  const cluster = suiteCluster(['--enable-hostpath-provisioner']);
  const { k, apply, gone } = cluster;
  const bind = async (name: string, className: string) => {
    await apply(claim(name, className));
    await k('wait', '--for=jsonpath={.status.phase}=Bound', `pvc/${name}`, '--timeout=60s');
    return k('get', 'pvc', name, '-o', 'jsonpath={.spec.volumeName}');
  };
  const finalizers = async (pv: string) =>
    JSON.parse(await k('get', 'pv', pv, '-o', 'jsonpath={.metadata.finalizers}')).sort();
  const orders = {
    'the volume first': async (pv: string, pvc: string) => {
      await k('delete', 'pv', pv, '--wait=false');
      // It is protected as long as a claim has it, and so is the claim's data.
      assert.match(await k('get', 'pv', pv), /Terminating/);
      assert.equal(await k('get', 'pvc', pvc, '-o', 'jsonpath={.status.phase}'), 'Bound');
      await k('delete', 'pvc', pvc, '--timeout=60s');
    },
    'the claim first': async (pv: string, pvc: string) => {
      await k('delete', 'pvc', pvc, '--timeout=60s');
      await k('delete', 'pv', pv, '--ignore-not-found', '--timeout=60s');
    },
  };

  for (const [order, deleteBoth] of Object.entries(orders)) {
    it(`Delete, made by a driver, ${order}: no data is left`, async () => {
      await apply(storageClass('fast', 'disk.csi.stowage.dev'));
      const pv = await bind('data', 'fast');
      await k(
        'wait',
        `--for=jsonpath={.metadata.finalizers[?(@=="${EXTERNAL}")]}=${EXTERNAL}`,
        `pv/${pv}`,
        '--timeout=60s',
      );
      assert.deepEqual(await finalizers(pv), [EXTERNAL, PROTECTION]);
      await deleteBoth(pv, 'data');
      await gone('pv');
      assert.deepEqual(await leftOnMachine(cluster.directory), []);
    });

    it(`Delete, made in-tree, ${order}: no data is left`, async () => {
      await apply(storageClass('path', 'kubernetes.io/host-path'));
      const pv = await bind('data', 'path');
      assert.deepEqual(await finalizers(pv), [IN_TREE, PROTECTION]);
      const path = await k('get', 'pv', pv, '-o', 'jsonpath={.spec.hostPath.path}');
      assert.ok((await stat(path)).isDirectory());
      await deleteBoth(pv, 'data');
      await gone('pv');
      await assert.rejects(stat(path), { code: 'ENOENT' });
    });

    it(`Retain, ${order}: the data stays`, async () => {
      const pv = await bind('data', 'fast');
      await k('patch', 'pv', pv, '-p', '{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}');
      // What kept the volume until its data was deleted lets it go now.
      const watch = [...watchOf('pv', pv), '-o', 'jsonpath={.metadata.finalizers}{"\\n"}'];
      await kubectlUntil(cluster.kubeconfig, watch, /^\["kubernetes.io\/pv-protection"\]$/);
      const before = await leftOnMachine(cluster.directory);
      assert.notDeepEqual(before, []);
      await deleteBoth(pv, 'data');
      await gone('pv');
      assert.deepEqual(await leftOnMachine(cluster.directory), before);
      await adopt();
    });
  }

  /** Gives the images that were retained to a volume with policy Delete, so that nothing is left for the next test. */
  async function adopt(): Promise<void> {
    const [image] = await leftOnMachine(cluster.directory);
    const volumeHandle = image!
      .split('/')
      .at(-1)!
      .replace(/\.[a-z]+$/, '');
    await apply({
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: 'kept', annotations: { 'pv.kubernetes.io/provisioned-by': 'disk.csi.stowage.dev' } },
      spec: {
        storageClassName: 'fast',
        accessModes: ['ReadWriteOnce'],
        capacity: { storage: '16Mi' },
        persistentVolumeReclaimPolicy: 'Delete',
        csi: { driver: 'disk.csi.stowage.dev', volumeHandle },
        claimRef: { namespace: 'default', name: 'data' },
      },
    });
    assert.equal(await bind('data', 'fast'), 'kept');
    await k('delete', 'pvc', 'data', '--timeout=60s');
    await gone('pv');
    assert.deepEqual(await leftOnMachine(cluster.directory), []);
  }
});
