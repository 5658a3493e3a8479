import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { silentLogger, systemClock } from '../../base/index.ts';
import { createLinuxHost } from '../../host/index.ts';
import type { PersistentVolume, Pod, Stored } from '../../kube/index.ts';
import {
  specFromPersistentVolume,
  TransientOperationFailure,
  UncertainProgressError,
  type VolumePlugin,
  type VolumeSpec,
} from '../../volume/index.ts';
import { ActualStateOfWorld } from './actual-state-of-world.ts';
import { blockForm } from './block-form.ts';
import type { VolumeToMount } from './desired-state-of-world.ts';
import type { VolumeExpander } from './volume-expander.ts';

const host = createLinuxHost({ clock: systemClock });
const skip = process.getuid?.() !== 0 && 'mounts and loop devices need root';
const { signal } = new AbortController();
const NAME = 'test/disk/pv';

/** A plugin whose volume is a device, and what it is asked for. */
async function start(test: TestContext) {
  const root = await fs.realpath(await fs.mkdtemp(join(tmpdir(), 'block-form-')));
  const image = join(root, 'image');
  await host.files.allocate(image, 1n << 20n);
  const device = await host.loops.attach(image);
  const calls: string[] = [];
  const failures = new Map<string, Error>();
  const call = async (name: string) => {
    calls.push(name);
    const failure = failures.get(name);
    failures.delete(name);
    if (failure) throw failure;
  };
  const mapped: { path: string } = { path: device };
  const plugin = {
    name: 'test/disk',
    blockMapper: {
      globalMapPath: () => join(root, 'global'),
      podDeviceMapDirectory: (uid: string) => join(root, 'pods', uid),
      prepare: () => call('prepare'),
      setUpDevice: async () => {
        await call('setUpDevice');
        return '/staged';
      },
      mapPodDevice: async () => {
        await call('mapPodDevice');
        return mapped.path;
      },
      unmapPodDevice: () => call('unmapPodDevice'),
      tearDownDevice: () => call('tearDownDevice'),
    },
  } as unknown as VolumePlugin;
  const volume = { metadata: { name: 'pv' }, spec: { volumeMode: 'Block' } } as Stored<PersistentVolume>;
  const spec: VolumeSpec = specFromPersistentVolume(volume, false);
  const pod = { metadata: { name: 'web', namespace: 'default', uid: 'u' }, spec: {} } as Stored<Pod>;
  const actual = new ActualStateOfWorld();
  actual.markAttached(NAME, plugin, spec, '', 'no');
  const events: string[] = [];
  const form = blockForm({
    host,
    nodeName: 'n',
    nodeRoot: root,
    clock: systemClock,
    log: silentLogger,
    actual,
    recorder: { event: (_object, type, reason, message) => void events.push(`${type} ${reason} ${message}`) },
    expander: { afterMount: async () => undefined } as unknown as VolumeExpander,
    node: () => undefined,
  });
  const wanted = { volumeName: NAME, plugin, spec, pod, deviceMountable: true } as VolumeToMount;
  const up = () => form.setUp(wanted, false, signal);
  const down = async () => {
    await form.tearDown(actual.podMount('u', NAME)!, signal);
    await form.tearDownDevice(actual.get(NAME)!, signal);
  };
  test.after(async () => {
    if (actual.podMount('u', NAME)) await form.tearDown(actual.podMount('u', NAME)!, signal);
    await host.loops.detach(device);
    await host.files.removeTree(root);
  });
  return { root, device, plugin, actual, form, calls, failures, events, mapped, up, down };
}

describe('a volume that a pod gets as a device', { skip }, () => {
  it('is set up once a node, mapped for the pod, and taken away in reverse', async (test) => {
    const { root, device, actual, calls, events, up, down } = await start(test);
    await up();
    assert.deepEqual(calls, ['prepare', 'setUpDevice', 'mapPodDevice']);
    assert.equal(await fs.readlink(join(root, 'pods/u/pv')), device);
    assert.equal(actual.podMount('u', NAME)?.state, 'mounted');
    const { deviceState, devicePath, stagingPath } = actual.get(NAME)!;
    assert.deepEqual([deviceState, devicePath, stagingPath], ['mounted', device, '/staged']);
    assert.deepEqual(events, [
      `Normal SuccessfulMountVolume MapVolume.MapPodDevice succeeded for volume "pv" globalMapPath "${root}/global"`,
      `Normal SuccessfulMountVolume MapVolume.MapPodDevice succeeded for volume "pv" volumeMapPath "${root}/pods/u"`,
    ]);
    await down();
    assert.deepEqual(calls.slice(3), ['unmapPodDevice', 'tearDownDevice']);
    assert.equal(actual.podMount('u', NAME), undefined);
    assert.equal(actual.get(NAME)?.deviceState, 'not-mounted');
    assert.equal(await host.files.stat(join(root, 'global')), undefined);
  });

  const failing: [string, Error, RegExp, string, string | undefined][] = [
    [
      'prepare',
      new Error('no'),
      /^Error: MapVolume\.NewBlockVolumeMapper initialization failed for volume "pv" : no$/,
      'uncertain',
      undefined,
    ],
    // Its note is there, although nobody was asked.
    [
      'setUpDevice',
      new TransientOperationFailure('no driver'),
      /SetUpDevice failed .* no driver$/,
      'uncertain',
      undefined,
    ],
    [
      'setUpDevice',
      new Error('no'),
      /^Error: MapVolume\.SetUpDevice failed for volume "pv" : no$/,
      'not-mounted',
      undefined,
    ],
    [
      'setUpDevice',
      new UncertainProgressError('late'),
      /SetUpDevice failed .* late$/,
      'uncertain',
      undefined,
    ],
    [
      'mapPodDevice',
      new Error('no'),
      /^Error: MapVolume\.MapPodDevice failed for volume "pv" : no$/,
      'mounted',
      undefined,
    ],
    [
      'mapPodDevice',
      new UncertainProgressError('late'),
      /MapPodDevice failed .* late$/,
      'mounted',
      'uncertain',
    ],
  ];
  for (const [name, failure, message, device, mount] of failing)
    it(`whose ${name} fails with ${failure.name} is ${mount ?? 'not mapped'}, its device ${device}`, async (test) => {
      const { actual, failures, up } = await start(test);
      failures.set(name, failure);
      await assert.rejects(up(), message);
      assert.equal(actual.get(NAME)?.deviceState, device);
      assert.equal(actual.podMount('u', NAME)?.state, mount);
    });

  it('whose plugin leads to something else than a device has to be undone', async (test) => {
    const { root, actual, mapped, up } = await start(test);
    mapped.path = join(root, 'image');
    await assert.rejects(
      up(),
      /^Error: MapVolume\.MapBlockVolume failed for volume "pv" : .*image is a file, not a block device$/,
    );
    mapped.path = join(root, 'absent');
    await assert.rejects(up(), /^Error: MapVolume\.EvalHostSymlinks failed for volume "pv" : ENOENT/);
    mapped.path = '';
    await assert.rejects(
      up(),
      /^Error: MapVolume failed for volume "pv" : device path of the volume is empty$/,
    );
    assert.equal(actual.podMount('u', NAME)?.state, 'uncertain');
  });

  it('stays while a pod is still bound to it', async (test) => {
    const { root, actual, form, calls, up } = await start(test);
    await up();
    await assert.rejects(form.tearDownDevice(actual.get(NAME)!, signal), {
      message: `UnmapDevice failed for volume "pv" : the device "${root}/global" is still referenced from other Pods [${root}/global/u]`,
    });
    assert.ok(!calls.includes('tearDownDevice'));
  });

  it('is still to be undone when that fails', async (test) => {
    const { actual, failures, up, down } = await start(test);
    await up();
    failures.set('unmapPodDevice', new Error('no'));
    await assert.rejects(down(), /^Error: UnmapVolume\.UnmapPodDevice failed for volume "pv" : no$/);
    assert.equal(actual.podMount('u', NAME)?.state, 'uncertain');
    failures.set('tearDownDevice', new Error('no'));
    await assert.rejects(down(), /^Error: UnmapDevice\.TearDownDevice failed for volume "pv" : no$/);
    assert.equal(actual.get(NAME)?.deviceState, 'uncertain');
    await actual.markMountUncertain(NAME, 'u', actual.get(NAME)!.spec);
    await down();
  });
});
