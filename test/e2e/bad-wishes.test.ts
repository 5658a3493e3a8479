import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cannotMount, kubectlUntil } from '../support/command.ts';
import { leftOnMachine } from '../support/left.ts';
import { claimOf, sleepingPod, storageClass } from '../support/manifests.ts';
import { suiteCluster } from '../support/suite-cluster.ts';

const DISK = 'disk.csi.stowage.dev';
const NO_PREEMPTION =
  'no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.';

const diskClass = (name: string, more: object = {}) => storageClass(name, DISK, more);
const LATE = { volumeBindingMode: 'WaitForFirstConsumer' };
const STATIC = { provisioner: 'kubernetes.io/no-provisioner', ...LATE };

const claim = (name: string, storageClassName: string, more: object = {}, storage = '64Mi') =>
  claimOf(name, storage, { storageClassName, ...more });

/** What the API server lets pass and nobody can fulfil. */
describe('wishes that cannot come true, by kubectl', { skip: cannotMount }, () => {
  const cluster = suiteCluster();
  const { k, apply, gone } = cluster;

  /** Resolves once an event of the object says so. */
  const told = (kind: string, name: string, says: RegExp) => {
    const selector = `involvedObject.kind=${kind},involvedObject.name=${name}`;
    const columns = 'custom-columns=R:.reason,M:.message';
    const args = ['get', 'events', '--field-selector', selector, '-w', '--no-headers', '-o', columns];
    return kubectlUntil(cluster.kubeconfig, args, says);
  };
  const refusal = async (name: string) => {
    await k('wait', '--for=condition=PodScheduled=False', `pod/${name}`, '--timeout=60s');
    return k('get', 'pod', name, '-o', 'jsonpath={.status.conditions[?(@.type=="PodScheduled")].message}');
  };
  const phase = (name: string) => k('get', name, '-o', 'jsonpath={.status.phase}');
  const runs = (name: string) => k('wait', '--for=condition=Ready', `pod/${name}`, '--timeout=60s');

  it('a claim of a class that does not exist waits for it', async () => {
    await apply(claim('classless', 'none'), sleepingPod('classless', ['classless']));
    await told(
      'PersistentVolumeClaim',
      'classless',
      /^ProvisioningFailed +storageclass.storage.k8s.io "none" not found$/,
    );
    assert.equal(
      await refusal('classless'),
      '0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found',
    );
    assert.equal(await phase('pvc/classless'), 'Pending');
    await apply(diskClass('none'));
    await runs('classless');
  });

  it('a selector that nothing can match finds no volume, and a driver makes none for it', async () => {
    const impossible = {
      selector: {
        matchExpressions: [
          { key: 'tier', operator: 'In', values: ['gold'] },
          { key: 'tier', operator: 'NotIn', values: ['gold'] },
        ],
      },
    };
    await apply(
      diskClass('static', STATIC),
      diskClass('dynamic'),
      {
        apiVersion: 'v1',
        kind: 'PersistentVolume',
        metadata: { name: 'gold', labels: { tier: 'gold' } },
        spec: {
          storageClassName: 'static',
          capacity: { storage: '64Mi' },
          accessModes: ['ReadWriteOnce'],
          hostPath: { path: cluster.directory },
        },
      },
      claim('choosy', 'static', impossible),
      claim('made', 'dynamic', impossible),
      sleepingPod('choosy', ['choosy']),
    );
    await told('PersistentVolumeClaim', 'made', /^ProvisioningFailed +.*claim Selector is not supported$/);
    assert.equal(
      await refusal('choosy'),
      `0/1 nodes are available: 1 node(s) didn't find available persistent volumes to bind. ${NO_PREEMPTION}`,
    );
    assert.equal(await phase('pv/gold'), 'Available');
  });

  it('a volume whose affinity fits no node keeps its pod waiting', async () => {
    const nowhere = { key: 'kubernetes.io/hostname', operator: 'In', values: ['node-99'] };
    await apply(
      {
        apiVersion: 'v1',
        kind: 'PersistentVolume',
        metadata: { name: 'nowhere' },
        spec: {
          storageClassName: 'static',
          capacity: { storage: '64Mi' },
          accessModes: ['ReadWriteOnce'],
          local: { path: cluster.directory },
          nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [nowhere] }] } },
          claimRef: { namespace: 'default', name: 'stranded' },
        },
      },
      claim('stranded', 'static', { volumeName: 'nowhere' }),
    );
    await k('wait', '--for=jsonpath={.status.phase}=Bound', 'pvc/stranded', '--timeout=60s');
    await apply(sleepingPod('stranded', ['stranded']));
    assert.equal(
      await refusal('stranded'),
      `0/1 nodes are available: 1 node(s) didn't match PersistentVolume's node affinity. ${NO_PREEMPTION}`,
    );
  });

  it('a pod of a scheduler that nobody runs is left alone, and so is its claim', async () => {
    await apply(
      diskClass('late', LATE),
      claim('left', 'late'),
      sleepingPod('left', ['left'], { schedulerName: 'nobody' }),
    );
    await told(
      'PersistentVolumeClaim',
      'left',
      /^WaitForFirstConsumer +waiting for first consumer to be created/,
    );
    await apply(claim('other', 'late'), sleepingPod('other', ['other']));
    await runs('other');
    assert.equal(await phase('pod/left'), 'Pending');
    assert.equal(await k('get', 'pod', 'left', '-o', 'jsonpath={.status.conditions}{.spec.nodeName}'), '');
    assert.equal(await phase('pvc/left'), 'Pending');
  });

  for (const cascade of ['background', 'foreground']) {
    it(`owners that own one another go together (${cascade})`, async () => {
      const map = (name: string, owners: object[] = []) => ({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name, ownerReferences: owners },
      });
      const owner = async (name: string) => ({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        name,
        uid: await k('get', 'configmap', name, '-o', 'jsonpath={.metadata.uid}'),
        blockOwnerDeletion: true,
      });
      await apply(map('hen'));
      await apply(map('egg', [await owner('hen')]));
      await apply(map('hen', [await owner('egg')]));
      await k('delete', 'configmap', 'hen', `--cascade=${cascade}`, '--timeout=60s');
      await gone('configmap/egg');
      assert.equal(await k('get', 'configmap', 'hen', 'egg', '--ignore-not-found', '-o', 'name'), '');
    });
  }

  it('custom resources go with the custom resource that owns them', async () => {
    const name = { plural: 'herds', singular: 'herd', kind: 'Herd' };
    await apply({
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'herds.example.com' },
      spec: {
        group: 'example.com',
        names: name,
        scope: 'Namespaced',
        versions: [
          { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } },
        ],
      },
    });
    await k('wait', '--for=condition=Established', 'crd/herds.example.com', '--timeout=60s');
    const herd = (name: string, uid?: string) => ({
      apiVersion: 'example.com/v1',
      kind: 'Herd',
      metadata: {
        name,
        ownerReferences: uid ? [{ apiVersion: 'example.com/v1', kind: 'Herd', name: 'mother', uid }] : [],
      },
    });
    await apply(herd('mother'));
    const uid = await k('get', 'herd', 'mother', '-o', 'jsonpath={.metadata.uid}');
    const { ownerReferences } = herd('calf', uid).metadata;
    await apply(herd('calf', uid), {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'bell', ownerReferences },
    });
    await k('delete', 'herd', 'mother');
    for (const dependent of ['herd/calf', 'configmap/bell']) await gone(dependent);
    assert.equal(await k('get', 'herds,configmaps', '-o', 'name'), 'configmap/kube-root-ca.crt\n');
  });

  describe('a CSIStorageCapacity that lies', () => {
    const capacity = (storageClassName: string, size: string) => ({
      apiVersion: 'storage.k8s.io/v1',
      kind: 'CSIStorageCapacity',
      metadata: { name: storageClassName },
      storageClassName,
      capacity: size,
      nodeTopology: {},
    });

    // Of a driver whose provisioner is not here: ours would tell the truth beside it.
    it('of too little keeps a pod waiting until it is mended', async () => {
      const driver = 'absent.csi.example.com';
      await apply(
        {
          apiVersion: 'storage.k8s.io/v1',
          kind: 'CSIDriver',
          metadata: { name: driver },
          spec: { storageCapacity: true },
        },
        storageClass('humble', driver, LATE),
        capacity('humble', '1Mi'),
        claim('humble', 'humble'),
        sleepingPod('humble', ['humble']),
      );
      assert.equal(
        await refusal('humble'),
        `0/1 nodes are available: 1 node(s) did not have enough free storage. ${NO_PREEMPTION}`,
      );
      await apply(capacity('humble', '1Gi'));
      const node = '{.metadata.annotations.volume\\.kubernetes\\.io/selected-node}';
      await k('wait', `--for=jsonpath=${node}=node-1`, 'pvc/humble', '--timeout=60s');
    });

    it('of too much lets the driver refuse the volume, and the pod goes on waiting', async () => {
      await k('patch', 'csidriver', DISK, '--type=merge', '-p', '{"spec":{"storageCapacity":true}}');
      await apply(
        diskClass('boastful', LATE),
        capacity('boastful', '1Ei'),
        claim('boastful', 'boastful', {}, '512Pi'),
        sleepingPod('boastful', ['boastful']),
      );
      await told(
        'PersistentVolumeClaim',
        'boastful',
        /^ProvisioningFailed +.*code = ResourceExhausted desc = .* bytes free, 576460752303423488 asked/,
      );
      assert.equal(await phase('pvc/boastful'), 'Pending');
      assert.equal(await phase('pod/boastful'), 'Pending');
    });
  });

  it('does not keep others from running, and can be withdrawn', async () => {
    await apply(diskClass('good'), claim('good', 'good'), sleepingPod('good', ['good']));
    await runs('good');
    await k('delete', 'pods,pvc', '--all', '--timeout=60s');
    await k('delete', 'pv', 'gold', 'nowhere', '--timeout=60s');
    await gone('pv');
    assert.deepEqual(await leftOnMachine(cluster.directory), []);
    assert.doesNotMatch(cluster.stack.output().stderr, /TypeError|is not a function/);
  });
});
