import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import {
  ANN_PRE_RESIZE_CAPACITY,
  events,
  type PersistentVolumeSpec,
  persistentVolumeClaims,
  persistentVolumes,
  storageClasses,
} from '../../kube/index.ts';
import { startStack } from '../../testing/component-stack.ts';
import { type ControlPlugin, createPluginRegistry, type Expander } from '../../volume/index.ts';
import { createExpandController } from './index.ts';

const claimName = { namespace: 'default', name: 'data' };
const shared = { accessModes: ['ReadWriteOnce'], storageClassName: 'grows' };

async function start(
  test: TestContext,
  expander: Expander | undefined,
  source: Partial<PersistentVolumeSpec>,
) {
  const stack = await startStack(test, { watch: [persistentVolumeClaims, persistentVolumes, events] });
  const { client, context, run, until } = stack;
  await client.create(storageClasses, {
    metadata: { name: 'grows' },
    provisioner: 'example.com/p',
    allowVolumeExpansion: true,
  });
  const made = await client.create(persistentVolumeClaims, {
    metadata: claimName,
    spec: { ...shared, volumeName: 'pv', resources: { requests: { storage: '1Gi' } } },
  });
  await client.create(persistentVolumes, {
    metadata: { name: 'pv' },
    spec: {
      ...shared,
      capacity: { storage: '1Gi' },
      claimRef: { ...claimName, uid: made.metadata.uid },
      ...source,
    },
  });
  const bound = { ...made, status: { phase: 'Bound', capacity: { storage: '1Gi' } } };
  const ready = await client.update(persistentVolumeClaims, bound, { subresource: 'status' });
  const plugin: ControlPlugin = {
    name: 'example.com/plugin',
    canSupport: ({ persistentVolume }) => persistentVolume?.spec?.hostPath !== undefined,
    expander,
  };
  run(createExpandController(context, { plugins: createPluginRegistry([plugin]) }));
  const body = { spec: { resources: { requests: { storage: '2Gi' } } } };
  await client.patch(persistentVolumeClaims, claimName, { type: 'merge', body });
  assert.ok(ready);
  return {
    ...stack,
    claim: () => context.informers.of(persistentVolumeClaims).get('data', 'default'),
    volume: () => context.informers.of(persistentVolumes).get('pv'),
    event: (reason: string) =>
      until(`the event ${reason}`, () =>
        [...context.informers.of(events).values()].find((event) => event.reason === reason),
      ),
  };
}

const hostPath = { hostPath: { path: '/data' } };

describe('the expand controller', () => {
  it('leaves a CSI volume to its resizer, and says so', async (test) => {
    const source = { csi: { driver: 'd', volumeHandle: 'h' } };
    const { event, claim } = await start(test, undefined, source);
    const { message, type } = await event('ExternalExpanding');
    assert.deepEqual([type, message], ['Normal', 'waiting for an external controller to expand this PVC']);
    assert.equal(claim()?.status?.allocatedResources, undefined);
  });

  it('leaves a volume whose plugin was migrated to the driver that took over, by name', async (test) => {
    const source = { awsElasticBlockStore: { volumeID: 'vol-1' } };
    const { event, claim, until } = await start(test, undefined, source);
    const { message, type } = await event('ExternalExpanding');
    const text =
      'CSI migration enabled for kubernetes.io/aws-ebs; waiting for external resizer to expand the pvc';
    assert.deepEqual([type, message], ['Normal', text]);
    const resizer = () => claim()?.metadata.annotations?.['volume.kubernetes.io/storage-resizer'];
    await until('the name', resizer);
    assert.equal(resizer(), 'ebs.csi.aws.com');
    assert.equal(claim()?.status?.allocatedResources, undefined);
  });

  it('grows a volume that needs no node', async (test) => {
    const expander: Expander = { requiresFileSystemExpansion: false, expand: async (_, newSize) => newSize };
    const { event, claim, volume, until } = await start(test, expander, hostPath);
    assert.equal(
      (await event('VolumeResizeSuccessful')).message,
      'ExpandVolume succeeded for volume default/data',
    );
    await until('the size', () => claim()?.status?.capacity?.storage === '2Gi');
    assert.equal(volume()?.spec?.capacity?.storage, '2Gi');
    const { metadata, status } = claim()!;
    assert.equal(metadata.annotations?.['volume.kubernetes.io/storage-resizer'], 'example.com/plugin');
    assert.deepEqual(status?.allocatedResources, { storage: '2Gi' });
    assert.equal(status?.allocatedResourceStatuses?.storage, undefined);
    assert.deepEqual(status?.conditions ?? [], []);
  });

  it('hands a volume with a file system over to the node, noting its old size until that is done', async (test) => {
    const expander: Expander = { requiresFileSystemExpansion: true, expand: async (_, newSize) => newSize };
    const { client, claim, volume, until } = await start(test, expander, hostPath);
    const noted = () => volume()?.metadata.annotations?.[ANN_PRE_RESIZE_CAPACITY];
    await until('the note', noted);
    assert.equal(noted(), '1Gi');
    assert.equal(volume()?.spec?.capacity?.storage, '2Gi');
    const pending = await until('the condition', () => claim()?.status?.conditions?.length === 2 && claim());
    assert.deepEqual(
      pending.status?.conditions?.map(({ type, status }) => `${type} ${status}`),
      ['Resizing True', 'FileSystemResizePending True'],
    );
    assert.equal(pending.status?.allocatedResourceStatuses?.storage, 'NodeResizePending');
    const done = {
      capacity: { storage: '2Gi' },
      conditions: null,
      allocatedResourceStatuses: null,
    };
    const patch = { type: 'merge', body: { status: done } } as const;
    await client.patch(persistentVolumeClaims, claimName, patch, { subresource: 'status' });
    await until('the note to go', () => noted() === undefined);
  });

  it('says why a volume cannot grow, and tries again', async (test) => {
    let failures = 1;
    const expand: Expander['expand'] = async (_, newSize) => {
      if (failures-- > 0) throw new Error('no space');
      return newSize;
    };
    const { event } = await start(test, { requiresFileSystemExpansion: false, expand }, hostPath);
    assert.equal((await event('VolumeResizeFailed')).message, 'error expanding pvc default/data: no space');
    await event('VolumeResizeSuccessful');
  });

  it('leaves a FlexVolume without driver here to its node', async (test) => {
    const { claim, until } = await start(test, undefined, { flexVolume: { driver: 'example.com/flex' } });
    await until(
      'the node',
      () => claim()?.status?.allocatedResourceStatuses?.storage === 'NodeResizePending',
    );
    const resizer = claim()?.metadata.annotations?.['volume.kubernetes.io/storage-resizer'];
    assert.equal(resizer, 'example.com/flex');
  });
});
