import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { FakeClock, systemClock } from '../../base/index.ts';
import { createLinuxHost } from '../../host/index.ts';
import type { Node, PersistentVolume, PersistentVolumeClaim, Pod, Stored } from '../../kube/index.ts';
import {
  createPluginRegistry,
  specFromPersistentVolume,
  specFromVolume,
  TransientOperationFailure,
  UncertainProgressError,
  type VolumePlugin,
} from '../../volume/index.ts';
import { ActualStateOfWorld } from './actual-state-of-world.ts';
import { DesiredStateOfWorld } from './desired-state-of-world.ts';
import { afterDeviceFailure, afterMountFailure, mountForbidden } from './mount-rules.ts';
import { removeOrphanedPod } from './orphaned-pods.ts';
import { expectedVolumes, keepsVolumes } from './pod-volumes.ts';
import { reconcile } from './reconciler.ts';
import { volumesInUse } from './status.ts';
import { claimProblem, modeProblem, volumeProblem } from './volume-spec.ts';
import { Changes } from './wait.ts';

const pod = (uid: string, change: Partial<Pod> = {}) =>
  ({
    metadata: { uid, name: uid, namespace: 'default' },
    spec: { containers: [] },
    ...change,
  }) as Stored<Pod>;
const pv = (change: Partial<PersistentVolume['spec']> = {}) =>
  ({ metadata: { name: 'pv' }, spec: { ...change } }) as Stored<PersistentVolume>;

let attachable = true;
/** PersistentVolumes are attached and mounted once a node; the pod's own volumes are not. */
const plugin: VolumePlugin = {
  name: 'test/x',
  canSupport: () => true,
  volumeName: (spec) => spec.name,
  requiresRemount: (spec) => spec.name === 'config',
  attacher: {
    canAttach: (spec) => attachable && spec.persistentVolume !== undefined,
    attach: async () => '',
    detach: async () => {},
    waitForAttach: async () => '',
  },
  deviceMounter: {
    canMountDevice: (spec) => spec.persistentVolume !== undefined,
    deviceMountPath: (spec) => `/global/${spec.name}`,
    mountDevice: async () => {},
    unmountDevice: async () => {},
  },
  mounter: {
    podPath: (spec, uid) => `/${uid}/${spec.name}`,
    setUp: async () => {},
    tearDown: async () => {},
    reconstruct: async () => undefined,
  },
};
const disk = specFromPersistentVolume(pv(), false);
const config = specFromVolume({ name: 'config' });

describe('whether a pod keeps its volumes', () => {
  const ending = { metadata: { uid: 'a', deletionTimestamp: 'now' } };
  const cases: [string, Stored<Pod> | undefined, boolean, boolean][] = [
    ['a pod that may start', pod('a'), false, true],
    ['a pod that ends, containers running', pod('a', ending), true, true],
    ['a pod that ends, containers gone', pod('a', ending), false, false],
    ['a finished pod', pod('a', { status: { phase: 'Succeeded' } }), false, false],
    ['a pod that is gone, containers running', undefined, true, true],
    ['a pod that is gone', undefined, false, false],
  ];
  for (const [what, object, running, expected] of cases)
    it(what, () => assert.equal(keepsVolumes(object, running), expected));
});

it('a pod expects the volumes that any of its containers uses', () => {
  const spec = {
    initContainers: [{ name: 'i', volumeMounts: [{ name: 'b', mountPath: '/b' }] }],
    containers: [
      {
        name: 'c',
        volumeMounts: [{ name: 'a', mountPath: '/a' }],
        volumeDevices: [{ name: 'd', devicePath: '/d' }],
      },
    ],
    volumes: [{ name: 'unused' }],
  };
  assert.deepEqual(expectedVolumes(pod('a', { spec })), ['a', 'b', 'd']);
});

describe('claims and volumes that must not be used', () => {
  const claim = (change: Partial<PersistentVolumeClaim>) =>
    ({ status: { phase: 'Bound' }, spec: { volumeName: 'pv' }, ...change }) as PersistentVolumeClaim;
  const claims: [PersistentVolumeClaim, string | undefined][] = [
    [claim({}), undefined],
    [claim({ status: { phase: 'Pending' } }), 'PVC is not bound'],
    [claim({ spec: {} }), 'PVC has empty pvc.Spec.VolumeName'],
    [claim({ metadata: { deletionTimestamp: 'now' } }), 'PVC is being deleted'],
    [
      claim({ metadata: { deletionTimestamp: 'now', finalizers: ['kubernetes.io/pvc-protection'] } }),
      undefined,
    ],
  ];
  for (const [object, expected] of claims)
    it(`claim: ${expected ?? 'may be used'}`, () => assert.equal(claimProblem(object), expected));

  it('a volume must point back to this very claim', () => {
    assert.equal(volumeProblem(pv({ claimRef: { uid: 'u' } }), 'u'), undefined);
    assert.match(volumeProblem(pv(), 'u')!, /nil pv\.Spec\.ClaimRef/);
    assert.match(
      volumeProblem(pv({ claimRef: { uid: 'v' } }), 'u')!,
      /UID v does not point to claim\.UID u$/,
    );
  });

  it('a volume is used as what it is', () => {
    const used = { mounts: new Set(['m']), devices: new Set(['d']) };
    assert.equal(modeProblem('m', 'Filesystem', used), undefined);
    assert.equal(modeProblem('d', 'Block', used), undefined);
    assert.equal(
      modeProblem('m', 'Block', used),
      'volume m has volumeMode Block, but is specified in volumeMounts',
    );
    assert.match(modeProblem('d', 'Filesystem', used)!, /specified in volumeDevices$/);
  });

  it('a volume is mounted only where it can be reached, ReadWriteOncePod for one pod only', () => {
    const node = { metadata: { name: 'n', labels: { zone: 'a' } } } as unknown as Stored<Node>;
    const zone = (value: string) => ({
      required: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'In', values: [value] }] }],
      },
    });
    const spec = (change: Partial<PersistentVolume['spec']>) => specFromPersistentVolume(pv(change), false);
    assert.equal(mountForbidden(spec({ nodeAffinity: zone('a') }), node, true), undefined);
    assert.deepEqual(mountForbidden(spec({ nodeAffinity: zone('b') }), node, false), {
      step: 'NodeAffinity check failed',
      why: 'no matching NodeSelectorTerms',
    });
    const once = spec({ accessModes: ['ReadWriteOncePod'] });
    assert.equal(mountForbidden(once, node, false), undefined);
    assert.match(mountForbidden(once, node, true)!.why, /ReadWriteOncePod access mode and is already in use/);
  });
});

describe('the states of the world', () => {
  it('name volumes by what they are, or by pod', () => {
    const desired = new DesiredStateOfWorld(createPluginRegistry([plugin]), new FakeClock());
    assert.equal(desired.addPodToVolume(pod('a'), disk, 'data'), 'test/x/pv');
    assert.equal(desired.addPodToVolume(pod('b'), disk, 'data'), 'test/x/pv');
    assert.equal(desired.addPodToVolume(pod('a'), disk, 'again'), 'test/x/pv');
    assert.equal(desired.addPodToVolume(pod('a'), config, 'config'), 'test/x/a-config');
    assert.deepEqual([...desired.volumeNamesForPod('a').keys()], ['data', 'again', 'config']);
    assert.deepEqual([...desired.pods()], ['a', 'b']);
    desired.deletePod('a');
    assert.equal(desired.volumeExists('test/x/pv'), true);
    assert.equal(desired.volumeExists('test/x/a-config'), false);
    desired.deletePod('b');
    assert.equal(desired.volumeExists('test/x/pv'), false);
  });

  it('keep a pod’s errors until they are read, and not without end', () => {
    const desired = new DesiredStateOfWorld(createPluginRegistry([plugin]), new FakeClock());
    for (let i = 0; i < 50; i++) desired.addError('a', `error ${i}`);
    assert.equal(desired.popErrors('a').length, 10);
    assert.deepEqual(desired.popErrors('a'), []);
  });

  it('do not forget a volume that is mounted', () => {
    const actual = new ActualStateOfWorld();
    assert.throws(() => actual.markMounted('test/x/pv', 'a', disk), /no volume with the name/);
    actual.markAttached('test/x/pv', plugin, disk, '/dev/x', 'yes');
    actual.markDeviceMounted('test/x/pv', '/dev/x', '/global/pv');
    actual.markMounted('test/x/pv', 'a', disk);
    assert.throws(
      () => actual.markDetached('test/x/pv'),
      /cannot be forgotten: mounted for 1 pods, device mounted/,
    );
    actual.markUnmounted('test/x/pv', 'a');
    actual.markDeviceUnmounted('test/x/pv');
    actual.markDetached('test/x/pv');
    assert.equal(actual.get('test/x/pv'), undefined);
  });

  it('report a volume in use from the wish for it until it is no longer mounted', () => {
    const desired = new DesiredStateOfWorld(createPluginRegistry([plugin]), new FakeClock());
    const actual = new ActualStateOfWorld();
    desired.addPodToVolume(pod('a'), disk, 'data');
    desired.addPodToVolume(pod('a'), config, 'config');
    assert.deepEqual(volumesInUse(desired, actual), ['test/x/pv']);
    actual.markAttached('test/x/pv', plugin, disk, '', 'yes');
    desired.deletePod('a');
    assert.deepEqual(volumesInUse(desired, actual), ['test/x/pv']);
    actual.markDetached('test/x/pv');
    assert.deepEqual(volumesInUse(desired, actual), []);
  });
});

describe('what a failure leaves behind', () => {
  const errors = {
    final: new Error('no'),
    uncertain: new UncertainProgressError('late'),
    transient: new TransientOperationFailure('absent'),
  };
  type Outcome = 'mounted' | 'uncertain' | 'not-mounted';
  const cases: [keyof typeof errors, Outcome | 'reconstructed', Outcome][] = [
    ['final', 'not-mounted', 'not-mounted'],
    ['final', 'uncertain', 'not-mounted'],
    ['final', 'reconstructed', 'uncertain'],
    ['final', 'mounted', 'mounted'],
    ['uncertain', 'not-mounted', 'uncertain'],
    ['uncertain', 'uncertain', 'uncertain'],
    ['uncertain', 'mounted', 'mounted'],
    ['transient', 'not-mounted', 'not-mounted'],
    ['transient', 'uncertain', 'uncertain'],
    ['transient', 'mounted', 'mounted'],
  ];
  for (const [error, before, after] of cases) {
    it(`a ${error} error: ${before} becomes ${after}`, () => {
      const actual = new ActualStateOfWorld();
      const name = 'test/x/pv';
      actual.markAttached(name, plugin, disk, '', 'yes');
      if (before === 'mounted') {
        actual.markDeviceMounted(name, '', '/global/pv');
        actual.markMounted(name, 'a', disk);
      } else if (before !== 'not-mounted') {
        actual.markDeviceUncertain(name, '/global/pv', before === 'reconstructed');
        actual.markMountUncertain(name, 'a', disk, before === 'reconstructed');
      }
      afterDeviceFailure(actual, name, '/global/pv', errors[error]);
      afterMountFailure(actual, name, 'a', disk, errors[error]);
      assert.equal(actual.get(name)?.deviceState, after);
      assert.equal(actual.podMount('a', name)?.state ?? 'not-mounted', after);
    });
  }
});

it('a device that is mounted, whatever the driver says of its failure, stays to be unmounted', () => {
  const actual = new ActualStateOfWorld();
  actual.markAttached('test/x/pv', plugin, disk, '', 'yes');
  actual.markDeviceUncertain('test/x/pv', '/global/pv');
  afterDeviceFailure(actual, 'test/x/pv', '/global/pv', new Error('no'), true);
  assert.equal(actual.get('test/x/pv')?.deviceState, 'uncertain');
});

describe('a pass of the reconciler', () => {
  function world() {
    const desired = new DesiredStateOfWorld(createPluginRegistry([plugin]), new FakeClock());
    const actual = new ActualStateOfWorld();
    const started: string[] = [];
    const busy = new Set<string>();
    const reported = new Set<string>();
    const operations = {
      isPending: ({ volume }: { volume: string }) => busy.has(volume),
      verifyAttached: ({ volumeName }: { volumeName: string }) => started.push(`verify ${volumeName}`),
      mount: ({ volumeName }: { volumeName: string }, remount: boolean) =>
        started.push(`${remount ? 'remount' : 'mount'} ${volumeName}`),
      unmount: ({ volumeName }: { volumeName: string }) => started.push(`unmount ${volumeName}`),
      unmountDevice: ({ volumeName }: { volumeName: string }) => started.push(`unmountDevice ${volumeName}`),
    };
    let settled = true;
    const pass = (mayUnmount = true) => {
      started.length = 0;
      const isReportedAttached = (name: string) => reported.has(name);
      reconcile(
        {
          desired,
          actual,
          operations: operations as unknown as Parameters<typeof reconcile>[0]['operations'],
          isSettled: () => settled,
          isReportedAttached,
          needsExpansion: () => false,
        },
        mayUnmount,
        new AbortController().signal,
      );
      return [...started];
    };
    const unsettle = () => {
      settled = false;
    };
    return { desired, actual, busy, reported, pass, unsettle };
  }
  const name = 'test/x/pv';

  it('verifies the attachment only when reported in use and reported attached', () => {
    const { desired, reported, pass, busy } = world();
    desired.addPodToVolume(pod('a'), disk, 'data');
    assert.deepEqual(pass(), []);
    reported.add(name);
    assert.deepEqual(pass(), [], 'not in use yet');
    desired.markReportedInUse(new Set([name]));
    assert.deepEqual(pass(), [`verify ${name}`]);
    busy.add(name);
    assert.deepEqual(pass(), []);
  });

  it('mounts at once what needs no attaching, also when that turns out late', (test) => {
    const { desired, actual, pass } = world();
    desired.addPodToVolume(pod('a'), config, 'config');
    assert.deepEqual(pass(), ['mount test/x/a-config']);
    desired.addPodToVolume(pod('a'), disk, 'data');
    attachable = false;
    test.after(() => {
      attachable = true;
    });
    actual.markMounted('test/x/a-config', 'a', config);
    assert.deepEqual(pass(), [`mount ${name}`]);
    assert.equal(actual.get(name)?.attachable, 'no');
  });

  it('leaves alone what was found on disk until it is known whether it is attached', () => {
    const { desired, actual, pass } = world();
    desired.addPodToVolume(pod('a'), disk, 'data');
    actual.markAttached(name, plugin, disk, '', 'uncertain');
    assert.deepEqual(pass(), []);
    actual.markAttached(name, plugin, disk, '', 'yes');
    assert.deepEqual(pass(), [`mount ${name}`]);
  });

  it('unmounts from pods, then globally, then forgets', () => {
    const { actual, pass } = world();
    actual.markAttached(name, plugin, disk, '', 'yes');
    actual.markDeviceMounted(name, '', '/global/pv');
    actual.markMounted(name, 'a', disk);
    assert.deepEqual(pass(false), [], 'not before everything wished for is known');
    assert.deepEqual(pass(), [`unmount ${name}`]);
    actual.markUnmounted(name, 'a');
    assert.deepEqual(pass(), [`unmountDevice ${name}`]);
    actual.markDeviceUnmounted(name);
    assert.deepEqual(pass(), []);
    assert.equal(actual.get(name), undefined);
  });

  it('unmounts globally what the next pod wants with another SELinux label, and mounts it anew', () => {
    const { desired, actual, pass } = world();
    actual.markAttached(name, plugin, disk, '', 'yes');
    actual.markDeviceLabel(name, 'one');
    actual.markDeviceMounted(name, '', '/global/pv');
    desired.addPodToVolume(pod('b'), disk, 'data', 'other');
    assert.deepEqual(pass(), [`unmountDevice ${name}`]);
    actual.markDeviceUnmounted(name);
    assert.deepEqual(pass(), [`mount ${name}`]);
    actual.markDeviceLabel(name, 'other');
    actual.markDeviceMounted(name, '', '/global/pv');
    actual.markMounted(name, 'b', disk);
    assert.deepEqual(pass(), []);
  });

  it('unmounts nothing of a pod whose wishes are unknown', () => {
    const { actual, pass, unsettle } = world();
    actual.markAttached(name, plugin, disk, '', 'yes');
    actual.markMounted(name, 'a', disk);
    unsettle();
    assert.deepEqual(pass(), []);
  });

  it('mounts again what is uncertain, refreshes what asks for it, and leaves the rest', () => {
    const { desired, actual, pass } = world();
    desired.addPodToVolume(pod('a'), config, 'config');
    pass();
    actual.markMountUncertain('test/x/a-config', 'a', config);
    assert.deepEqual(pass(), ['mount test/x/a-config']);
    actual.markMounted('test/x/a-config', 'a', config);
    assert.deepEqual(pass(), []);
    assert.equal(actual.markRemountRequired('a'), true);
    assert.deepEqual(pass(), ['remount test/x/a-config']);
  });
});

describe('waiting', () => {
  it('ends with the change, the limit or the signal', async () => {
    const clock = new FakeClock();
    const changes = new Changes();
    const controller = new AbortController();
    const limit = {
      clock,
      limitMs: 100,
      signal: controller.signal,
      timedOut: (why: string) => new Error(why),
    };
    let done = false;
    const good = changes.until(() => done, limit);
    done = true;
    changes.notify();
    await good;
    const late = assert.rejects(
      changes.until(() => false, limit),
      /context deadline exceeded/,
    );
    await clock.advance(100);
    await late;
    const stopped = assert.rejects(
      changes.until(() => false, limit),
      /context canceled/,
    );
    controller.abort();
    await stopped;
    assert.equal(clock.pending, 0);
  });
});

describe('directories of pods that have gone', () => {
  const host = createLinuxHost({ clock: systemClock });

  it('go, with empty volume directories', async (test) => {
    const root = await fs.mkdtemp(join(tmpdir(), 'orphans-'));
    test.after(() => fs.rm(root, { recursive: true }));
    await fs.mkdir(join(root, 'pods/a/volumes/x~y/data'), { recursive: true });
    await fs.mkdir(join(root, 'pods/a/containers/main'), { recursive: true });
    await fs.writeFile(join(root, 'pods/a/etc-hosts'), '');
    assert.equal(await removeOrphanedPod(host, root, 'a'), undefined);
    assert.deepEqual(await fs.readdir(join(root, 'pods')), []);
  });

  it('stay while a volume’s directory holds something', async (test) => {
    const root = await fs.mkdtemp(join(tmpdir(), 'orphans-'));
    test.after(() => fs.rm(root, { recursive: true }));
    await fs.mkdir(join(root, 'pods/a/volumes/x~y/data'), { recursive: true });
    await fs.writeFile(join(root, 'pods/a/volumes/x~y/data/precious'), 'x');
    assert.match(
      (await removeOrphanedPod(host, root, 'a'))!,
      /orphaned pod "a" found, but its volume directory/,
    );
    assert.equal(await fs.readFile(join(root, 'pods/a/volumes/x~y/data/precious'), 'utf8'), 'x');
  });

  const unprivileged = process.getuid?.() !== 0 && 'mounting needs root';
  it('stay while anything is mounted below', { skip: unprivileged }, async () => {
    const root = await fs.mkdtemp(join(tmpdir(), 'orphans-'));
    const target = join(root, 'pods/a/volumes/x~y/data');
    await fs.mkdir(target, { recursive: true });
    await host.mounts.mount({ source: 'tmpfs', target, fsType: 'tmpfs' });
    try {
      assert.match((await removeOrphanedPod(host, root, 'a'))!, /but volumes are not cleaned up/);
    } finally {
      await host.mounts.unmount(target);
      await fs.rm(root, { recursive: true });
    }
  });
});
