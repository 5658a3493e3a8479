import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cannotMount } from '../support/command.ts';
import { leftOnMachine } from '../support/left.ts';
import { claimOf, sleepingPod, storageClass } from '../support/manifests.ts';
import { suiteCluster } from '../support/suite-cluster.ts';

const ZONE = 'topology.kubernetes.io/zone';
const DISK = 'disk.csi.stowage.dev';
const NO_PREEMPTION =
  'no new claims to deallocate, preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.';

const diskClass = (name: string, more: object = {}) =>
  storageClass(name, DISK, { volumeBindingMode: 'WaitForFirstConsumer', ...more });

const inZone = (value: string) => ({
  allowedTopologies: [{ matchLabelExpressions: [{ key: ZONE, values: [value] }] }],
});

const claim = (name: string, storageClassName: string, more: object = {}) =>
  claimOf(name, '64Mi', { storageClassName, ...more });

/** A volume that only nodes with the label reach. */
const volume = (name: string, className: string, [key, value]: [string, string], source: object) => ({
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  metadata: { name },
  spec: {
    storageClassName: className,
    capacity: { storage: '64Mi' },
    accessModes: ['ReadWriteOnce'],
    persistentVolumeReclaimPolicy: 'Retain',
    nodeAffinity: {
      required: { nodeSelectorTerms: [{ matchExpressions: [{ key, operator: 'In', values: [value] }] }] },
    },
    ...source,
  },
});

describe('scheduling with volumes, by kubectl', { skip: cannotMount }, () => {
  const labels = [
    'node-1:master=true',
    `node-2:${ZONE}=cn-hangzhou-b,rack=rack1`,
    `node-3:${ZONE}=cn-hangzhou-c`,
  ];
  const cluster = suiteCluster(['--nodes', '3', ...labels.flatMap((text) => ['--node-labels', text])]);
  const { k, apply, gone } = cluster;
  const nodeOf = async (name: string) => {
    await k('wait', '--for=condition=PodScheduled', `pod/${name}`, '--timeout=60s');
    return k('get', 'pod', name, '-o', 'jsonpath={.spec.nodeName}');
  };
  const refusal = async (name: string) => {
    await k('wait', '--for=condition=PodScheduled=False', `pod/${name}`, '--timeout=60s');
    return k('get', 'pod', name, '-o', 'jsonpath={.status.conditions[?(@.type=="PodScheduled")].message}');
  };
  const clear = async (...classes: string[]) => {
    await k('delete', 'pod', '--all', '--wait=true');
    await k('delete', 'pvc', '--all');
    await k('delete', 'pv', '--all');
    await k('delete', 'storageclass', '--ignore-not-found', ...classes);
    await gone('pv');
  };

  it('puts a pod on the node that has its local disk', async () => {
    const local = { ...diskClass('local'), provisioner: 'kubernetes.io/no-provisioner' };
    await apply(
      local,
      ...['node-2', 'node-3'].map((name) =>
        volume(`disk-of-${name}`, 'local', ['kubernetes.io/hostname', name], {
          local: { path: cluster.directory },
        }),
      ),
      claim('data', 'local', { volumeName: 'disk-of-node-3' }),
      claim('any', 'local'),
      sleepingPod('pinned', ['data']),
    );
    assert.equal(await nodeOf('pinned'), 'node-3');
    await apply(sleepingPod('free', ['any']));
    assert.equal(await nodeOf('free'), 'node-2');
    await clear('local');
  });

  it('says why a zone without nodes cannot be used, and goes on once the class is right', async () => {
    await k('taint', 'node', 'node-1', 'node-role.kubernetes.io/master=:NoSchedule');
    await apply(
      diskClass('zonal', inZone('cn-hangzhou-d')),
      claim('data', 'zonal'),
      sleepingPod('db', ['data']),
    );
    assert.equal(
      await refusal('db'),
      "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 node(s) didn't find available persistent volumes to bind. " +
        NO_PREEMPTION,
    );
    assert.equal(await k('get', 'pvc', 'data', '-o', 'jsonpath={.status.phase}'), 'Pending');
    await k('delete', 'storageclass', 'zonal');
    await apply(diskClass('zonal', inZone('cn-hangzhou-b')));
    assert.equal(await nodeOf('db'), 'node-2');
    await k('wait', '--for=condition=Ready', 'pod/db', '--timeout=60s');
    const name = await k('get', 'pvc', 'data', '-o', 'jsonpath={.spec.volumeName}');
    assert.match(await k('get', 'pv', name, '-o', 'json'), /"cn-hangzhou-b"/);
    await k('taint', 'node', 'node-1', 'node-role.kubernetes.io/master-');
    await clear('zonal');
  });

  it('finds no node for two claims whose volumes are in different zones', async () => {
    const now = { volumeBindingMode: 'Immediate' };
    await apply(
      diskClass('in-b', { ...inZone('cn-hangzhou-b'), ...now }),
      diskClass('in-c', { ...inZone('cn-hangzhou-c'), ...now }),
      claim('b', 'in-b'),
      claim('c', 'in-c'),
    );
    for (const name of ['b', 'c']) await bound(name);
    await apply(sleepingPod('torn', ['b', 'c']));
    assert.equal(
      await refusal('torn'),
      `0/3 nodes are available: 3 node(s) didn't match PersistentVolume's node affinity. ${NO_PREEMPTION}`,
    );
    await clear('in-b', 'in-c');
  });

  it('follows a topology key of one’s own, and a label that comes later', async () => {
    const racks = { ...diskClass('racks'), provisioner: 'kubernetes.io/no-provisioner' };
    const source = { hostPath: { path: cluster.directory } };
    await apply(
      racks,
      volume('in-rack-1', 'racks', ['rack', 'rack1'], source),
      claim('one', 'racks'),
      sleepingPod('first', ['one']),
    );
    assert.equal(await nodeOf('first'), 'node-2');
    await apply(
      volume('in-rack-2', 'racks', ['rack', 'rack2'], source),
      claim('two', 'racks'),
      sleepingPod('second', ['two']),
    );
    assert.equal(
      await refusal('second'),
      `0/3 nodes are available: 3 node(s) didn't find available persistent volumes to bind. ${NO_PREEMPTION}`,
    );
    await k('label', 'node', 'node-3', 'rack=rack2');
    assert.equal(await nodeOf('second'), 'node-3');
    await clear('racks');
  });

  it('keeps to the number of volumes that a CSINode allows', async () => {
    const driver = 'limited.example.com';
    const entry = { name: driver, nodeID: 'node-1', topologyKeys: [], allocatable: { count: 1 } };
    const add = JSON.stringify([{ op: 'add', path: '/spec/drivers/-', value: entry }]);
    await apply({
      apiVersion: 'storage.k8s.io/v1',
      kind: 'CSIDriver',
      metadata: { name: driver },
      spec: { attachRequired: false },
    });
    await k('patch', 'csinode', 'node-1', '--type=json', '-p', add);
    const limited = { ...diskClass('limited'), provisioner: 'kubernetes.io/no-provisioner' };
    const names = ['one', 'two'];
    await apply(
      limited,
      ...names.map((volumeHandle) =>
        volume(volumeHandle, 'limited', ['kubernetes.io/hostname', 'node-1'], {
          csi: { driver, volumeHandle },
        }),
      ),
      ...names.map((name) => claim(name, 'limited', { volumeName: name })),
      sleepingPod('first', ['one']),
    );
    assert.equal(await nodeOf('first'), 'node-1');
    await bound('one');
    // Bound by a pod that cannot go elsewhere, so that the limit alone decides about the second.
    await apply(sleepingPod('second', ['two']));
    assert.match(
      await refusal('second'),
      /^0\/3 nodes are available: 1 node\(s\) exceed max volume count, 2 /,
    );
    await k('delete', 'pod', 'first');
    assert.equal(await nodeOf('second'), 'node-1');
    await clear('limited');
    await k('delete', 'csidriver', driver);
  });

  it('hands a ReadWriteOncePod volume over to a pod of higher priority', async () => {
    await apply(
      {
        apiVersion: 'scheduling.k8s.io/v1',
        kind: 'PriorityClass',
        metadata: { name: 'urgent' },
        value: 1000,
      },
      diskClass('fast'),
      claim('data', 'fast', { accessModes: ['ReadWriteOncePod'] }),
      sleepingPod('low', ['data']),
    );
    await k('wait', '--for=condition=Ready', 'pod/low', '--timeout=60s');
    await apply(sleepingPod('high', ['data'], { priorityClassName: 'urgent' }));
    await k('wait', '--for=condition=Ready', 'pod/high', '--timeout=60s');
    const { items } = JSON.parse(await k('get', 'events', '-o', 'json'));
    const told = items.find(({ reason }: { reason: string }) => reason === 'Preempted');
    assert.equal(told?.involvedObject.name, 'low');
    assert.match(told?.message, /^Preempted by pod [-0-9a-f]{36} on node node-\d$/);
    await clear('fast');
  });

  it('leaves nothing on the machine', async () => {
    assert.deepEqual(await leftOnMachine(cluster.directory, 3), []);
  });

  /** Resolves once the claim has its volume. */
  async function bound(name: string): Promise<void> {
    const { items } = JSON.parse(await k('get', 'pvc', '-o', 'json'));
    const found = items.find(({ metadata }: { metadata: { name: string } }) => metadata.name === name);
    if (found?.status?.phase !== 'Bound') {
      await k('wait', '--for=jsonpath={.status.phase}=Bound', `pvc/${name}`, '--timeout=60s');
    }
  }
});
