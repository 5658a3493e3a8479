import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it, type TestContext } from 'node:test';
import { cannotGrowMounted } from '../../src/drivers/disk/test-support.ts';
import { cannotMount, kubectlResult, kubectlUntil } from '../support/command.ts';
import { leftOnMachine } from '../support/left.ts';
import { suiteCluster } from '../support/suite-cluster.ts';

const PROVISIONER = 'disk.csi.stowage.dev';
const hasXfs = spawnSync('mkfs.xfs', ['-V']).status === 0;

const storageClass = (name: string, parameters: object = {}, more: object = {}) => ({
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: { name },
  provisioner: PROVISIONER,
  volumeBindingMode: 'WaitForFirstConsumer',
  allowVolumeExpansion: true,
  parameters,
  ...more,
});
const attributesClass = (name: string, parameters: object) => ({
  apiVersion: 'storage.k8s.io/v1',
  kind: 'VolumeAttributesClass',
  metadata: { name },
  driverName: PROVISIONER,
  parameters,
});
const claimSpec = (storageClassName: string, storage: string, more: object = {}) => ({
  storageClassName,
  accessModes: ['ReadWriteOnce'],
  resources: { requests: { storage } },
  ...more,
});
const claim = (name: string, ...spec: Parameters<typeof claimSpec>) => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name },
  spec: claimSpec(...spec),
});
const container = (script: string, more: object) => ({
  terminationGracePeriodSeconds: 1,
  containers: [{ name: 'c', image: 'busybox', command: ['sh', '-c', script], ...more }],
});
const mounted = { volumeMounts: [{ name: 'data', mountPath: '/data' }] };

/** Writes all the time, and says what size its file system has. */
const WRITER =
  'while true; do echo line >> /data/log; echo "size $(df -k --output=size /data | tail -1)"; sleep 0.2; done';

/** A StatefulSet whose pod writes to its volume all the time. */
const writer = (name: string, storageClassName: string, storage: string) => ({
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: { name },
  spec: {
    serviceName: name,
    replicas: 1,
    selector: { matchLabels: { app: name } },
    persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Delete' },
    template: { metadata: { labels: { app: name } }, spec: container(WRITER, mounted) },
    volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: claimSpec(storageClassName, storage) }],
  },
});

describe('volumes that grow and change, by kubectl', { skip: cannotMount }, () => {
  const cluster = suiteCluster();
  const { k, apply } = cluster;

  const patch = (name: string, spec: object) => k('patch', 'pvc', name, '-p', JSON.stringify({ spec }));
  const ask = (name: string, storage: string) => patch(name, { resources: { requests: { storage } } });
  const until = (what: string, path: string, value: string) =>
    k('wait', what, `--for=jsonpath={${path}}=${value}`, '--timeout=30s');
  const statusOf = async (name: string) => JSON.parse(await k('get', 'pvc', name, '-o', 'json')).status;
  const says = async (pod: string, what: RegExp) => {
    await k('wait', `pod/${pod}`, '--for=create', '--timeout=30s');
    await k('wait', `pod/${pod}`, '--for=condition=Ready', '--timeout=30s');
    return kubectlUntil(cluster.kubeconfig, ['logs', '-f', pod], what);
  };
  const eventsOf = async (name: string): Promise<string[]> => {
    const { items } = JSON.parse(
      await k('get', 'events', '--field-selector', `involvedObject.name=${name}`, '-o', 'json'),
    );
    return items.map(({ reason, message }: { reason: string; message: string }) => `${reason}: ${message}`);
  };
  /** Resolves once the claim says what event there is. */
  const told = (name: string, reason: string) =>
    kubectlUntil(
      cluster.kubeconfig,
      ['get', 'events', '-w', '--field-selector', `involvedObject.name=${name},reason=${reason}`],
      new RegExp(reason),
    );
  const cleanUp = (t: TestContext, ...kinds: string[]) =>
    t.after(async () => {
      await k('delete', [...kinds, 'statefulset', 'pod', 'pvc', 'storageclass'].join(','), '--all');
      await cluster.gone('pv');
      assert.deepEqual(await leftOnMachine(cluster.directory), []);
    });

  /** While its pod writes, the file system of a StatefulSet's volume grows from 320 to 640 MiB. */
  async function growsInUse(t: TestContext, fsType: string): Promise<void> {
    cleanUp(t);
    await apply(
      storageClass('disk', { 'csi.storage.k8s.io/fstype': fsType }),
      writer('web', 'disk', '320Mi'),
    );
    await says('web-0', /^size +[23]\d{5}$/);
    await ask('data-web-0', '640Mi');
    await says('web-0', /^size +[56]\d{5}$/);
    await until('pvc/data-web-0', '.status.capacity.storage', '640Mi');
    const status = await statusOf('data-web-0');
    assert.deepEqual(status.allocatedResources, { storage: '640Mi' });
    assert.equal(status.allocatedResourceStatuses, undefined);
    assert.equal(status.conditions, undefined);
    const [volume] = JSON.parse(await k('get', 'pv', '-o', 'json')).items;
    assert.equal(volume.spec.capacity.storage, '640Mi');
    await told('data-web-0', 'FileSystemResizeSuccessful');
    const events = await eventsOf('data-web-0');
    for (const event of [
      'ExternalExpanding: waiting for an external controller to expand this PVC',
      `Resizing: External resizer is resizing volume ${volume.metadata.name}`,
      'FileSystemResizeRequired: Require file system resize of volume on node',
      `FileSystemResizeSuccessful: MountVolume.NodeExpandVolume succeeded for volume "${volume.metadata.name}" node-1`,
    ])
      assert.ok(events.includes(event), `${event}\n${events.join('\n')}`);
    const pod = JSON.parse(await k('get', 'pod', 'web-0', '-o', 'json'));
    assert.equal(pod.status.containerStatuses[0].restartCount, 0);
  }

  it('an xfs grows while its pod writes', { skip: !hasXfs && 'needs mkfs.xfs (xfsprogs)' }, (t) =>
    growsInUse(t, 'xfs'),
  );

  it('an ext4 grows while its pod writes', { skip: cannotGrowMounted() }, (t) => growsInUse(t, 'ext4'));

  it('an ext4 that its machine lets nobody grow in use says so, and grows when its pod starts anew', {
    skip: !cannotGrowMounted() && 'this machine lets it grow in use',
  }, async (t) => {
    cleanUp(t);
    await apply(storageClass('disk'), writer('web', 'disk', '64Mi'));
    await says('web-0', /^size +[56]\d{4}$/);
    await ask('data-web-0', '128Mi');
    await until('pvc/data-web-0', '.status.conditions[?(@.type=="NodeResizeError")].status', 'True');
    const { conditions, capacity } = await statusOf('data-web-0');
    const why = conditions.find(({ type }: { type: string }) => type === 'NodeResizeError').message;
    assert.match(why, /^failed to expand pvc with .* code = FailedPrecondition .* restart its pods$/);
    assert.equal(capacity.storage, '64Mi');
    await k('delete', 'pod', 'web-0');
    await until('pvc/data-web-0', '.status.capacity.storage', '128Mi');
    await says('web-0', /^size +1[12]\d{4}$/);
    assert.equal((await statusOf('data-web-0')).conditions, undefined);
  });

  it('a volume that nobody uses grows, and its file system with its next pod; its data stays', async (t) => {
    cleanUp(t);
    const pod = (script: string) => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'p' },
      spec: {
        ...container(script, mounted),
        restartPolicy: 'Never',
        volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }],
      },
    });
    await apply(storageClass('disk'), claim('data', 'disk', '64Mi'), pod('echo kept > /data/file'));
    await until('pod/p', '.status.phase', 'Succeeded');
    await k('delete', 'pod', 'p');
    await cluster.gone('volumeattachments');
    await ask('data', '128Mi');
    await until('pvc/data', '.status.allocatedResourceStatuses.storage', 'NodeResizePending');
    assert.equal((await statusOf('data')).capacity.storage, '64Mi');
    const described = await k('describe', 'pvc', 'data');
    assert.match(described, /FileSystemResizePending .* Waiting for user to \(re-\)start a pod/);
    await apply(pod('cat /data/file; df -k --output=size /data | tail -1'));
    await until('pod/p', '.status.phase', 'Succeeded');
    assert.match(await k('logs', 'p'), /^kept\n *1[12]\d{4}\n$/);
    await until('pvc/data', '.status.capacity.storage', '128Mi');
  });

  it('a raw block volume grows in use', async (t) => {
    cleanUp(t);
    const script = 'while true; do echo "size $(blockdev --getsize64 /dev/xvda)"; sleep 0.2; done';
    await apply(storageClass('disk'), claim('raw', 'disk', '64Mi', { volumeMode: 'Block' }), {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'raw' },
      spec: {
        ...container(script, { volumeDevices: [{ name: 'data', devicePath: '/dev/xvda' }] }),
        volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'raw' } }],
      },
    });
    await says('raw', /^size 67108864$/);
    await ask('raw', '100Mi');
    await says('raw', /^size 104857600$/);
    await until('pvc/raw', '.status.capacity.storage', '100Mi');
    await told('raw', 'VolumeResizeSuccessful');
    assert.ok((await eventsOf('raw')).includes('VolumeResizeSuccessful: Resize volume succeeded'));
  });

  it('more than there is room for is refused, and can be taken back; no volume shrinks', async (t) => {
    cleanUp(t);
    await apply(
      storageClass('disk', {}, { volumeBindingMode: 'Immediate' }),
      storageClass('fixed', {}, { volumeBindingMode: 'Immediate', allowVolumeExpansion: false }),
      claim('data', 'disk', '64Mi'),
      claim('fixed', 'fixed', '64Mi'),
    );
    await until('pvc/data', '.status.phase', 'Bound');
    await ask('data', '900Ti');
    await until('pvc/data', '.status.allocatedResourceStatuses.storage', 'ControllerResizeInfeasible');
    const { allocatedResources, conditions } = await statusOf('data');
    assert.deepEqual(allocatedResources, { storage: '900Ti' });
    const refusal = conditions.find(({ type }: { type: string }) => type === 'ControllerResizeError');
    assert.match(refusal.message, /code = OutOfRange desc = the pool .* bytes free, \d+ more asked/);
    await told('data', 'VolumeResizeFailed');

    await ask('data', '96Mi');
    await until('pvc/data', '.status.allocatedResources.storage', '96Mi');
    await until('pvc/data', '.status.allocatedResourceStatuses.storage', 'NodeResizePending');
    const types = (await statusOf('data')).conditions.map(({ type }: { type: string }) => type);
    assert.deepEqual(types, ['Resizing', 'FileSystemResizePending']);

    const refused = async (name: string, storage: string) =>
      (
        await kubectlResult(cluster.kubeconfig, [
          'patch',
          'pvc',
          name,
          '-p',
          JSON.stringify({ spec: { resources: { requests: { storage } } } }),
        ])
      ).stderr;
    assert.match(
      await refused('data', '32Mi'),
      /spec\.resources\.requests\.storage: Forbidden: field can not be less than status\.capacity/,
    );
    await until('pvc/fixed', '.status.phase', 'Bound');
    assert.match(
      await refused('fixed', '96Mi'),
      /only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize/,
    );
  });

  it('a volume gets the attributes of its class, of another one, and again of the first', async (t) => {
    cleanUp(t, 'volumeattributesclass');
    await apply(
      storageClass('disk', {}, { volumeBindingMode: 'Immediate' }),
      attributesClass('silver', { writeBytesPerSecond: '10Mi' }),
      attributesClass('gold', { writeBytesPerSecond: '100Mi', readIops: '1000' }),
      attributesClass('wrong', { colour: 'blue' }),
      claim('data', 'disk', '64Mi', { volumeAttributesClassName: 'silver' }),
    );
    const wish = (volumeAttributesClassName: string) => patch('data', { volumeAttributesClassName });
    const has = (name: string) => until('pvc/data', '.status.currentVolumeAttributesClassName', name);
    await has('silver');
    await wish('gold');
    await has('gold');
    const volume = async () => JSON.parse(await k('get', 'pv', '-o', 'json')).items[0].spec;
    assert.equal((await volume()).volumeAttributesClassName, 'gold');

    await wish('wrong');
    await until('pvc/data', '.status.modifyVolumeStatus.status', 'Infeasible');
    const { conditions, currentVolumeAttributesClassName } = await statusOf('data');
    assert.equal(currentVolumeAttributesClassName, 'gold');
    const why = conditions.find(({ type }: { type: string }) => type === 'ModifyVolumeError');
    assert.equal(why.reason, 'InvalidArgument');
    assert.match(why.message, /unknown mutable parameter "colour"/);

    await wish('silver');
    await has('silver');
    assert.equal((await statusOf('data')).modifyVolumeStatus, undefined);
    assert.equal((await volume()).volumeAttributesClassName, 'silver');
    await told('data', 'VolumeModifySuccessful');

    await wish('later');
    await until('pvc/data', '.status.modifyVolumeStatus.status', 'Pending');
    await apply(attributesClass('later', { readIops: '50' }));
    await has('later');
  });
});
