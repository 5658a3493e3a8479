import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock } from '../../base/index.ts';
import type { Client } from '../../client/index.ts';
import type { PersistentVolume, PersistentVolumeClaim, Pod, Stored } from '../../kube/index.ts';
import {
  FailedPreconditionError,
  InfeasibleError,
  OperationNotSupportedError,
  specFromPersistentVolume,
  TransientOperationFailure,
  type VolumePlugin,
} from '../../volume/index.ts';
import { ActualStateOfWorld } from './actual-state-of-world.ts';
import type { VolumeToMount } from './desired-state-of-world.ts';
import { type ExpansionPlan, hasOutgrown, planNodeExpansion } from './expansion-plan.ts';
import { VolumeExpander } from './volume-expander.ts';

interface State {
  has?: string;
  asks?: string;
  allocated?: string;
  status?: string;
  modes?: string[];
  annotations?: Record<string, string>;
}

const claimOf = ({ has = '1Gi', asks = '2Gi', allocated, status, modes, annotations }: State) =>
  ({
    metadata: { name: 'c', namespace: 'ns', uid: 'c-1', resourceVersion: '7', annotations },
    spec: { accessModes: modes ?? ['ReadWriteOnce'], resources: { requests: { storage: asks } } },
    status: {
      capacity: { storage: has },
      ...(allocated && { allocatedResources: { storage: allocated } }),
      ...(status && { allocatedResourceStatuses: { storage: status } }),
    },
  }) as unknown as Stored<PersistentVolumeClaim>;

const volumeOf = (size: string) =>
  ({
    metadata: { name: 'pv' },
    spec: { capacity: { storage: size }, claimRef: { namespace: 'ns', name: 'c', uid: 'c-1' } },
  }) as unknown as Stored<PersistentVolume>;

describe('what a node does about a volume that has grown', () => {
  const full = { allocated: '2Gi', has: '2Gi' };
  const cases: [string, State, ExpansionPlan][] = [
    [
      'grows it when the controller is done',
      { allocated: '2Gi', status: 'NodeResizePending' },
      { action: 'expand', newSize: '2Gi', tellsClaim: true, tellsProgress: true },
    ],
    [
      'carries on after a crash',
      { allocated: '2Gi', status: 'NodeResizeInProgress' },
      { action: 'expand', newSize: '2Gi', tellsClaim: true, tellsProgress: true },
    ],
    [
      'waits for the controller',
      { allocated: '2Gi', status: 'ControllerResizeInProgress' },
      { action: 'wait' },
    ],
    [
      'leaves it after it was impossible',
      { allocated: '2Gi', status: 'NodeResizeInfeasible' },
      { action: 'wait' },
    ],
    ['waits while the claim says nothing yet', { allocated: '2Gi' }, { action: 'wait' }],
    ['has nothing to do when all is done elsewhere', full, { action: 'done', newSize: '2Gi' }],
    [
      'grows a shared one here too',
      { ...full, modes: ['ReadWriteMany'] },
      { action: 'expand', newSize: '2Gi', tellsClaim: false, tellsProgress: false },
    ],
    [
      'unless no node has to',
      {
        ...full,
        modes: ['ReadWriteMany'],
        annotations: { 'volume.kubernetes.io/node-expansion-not-required': 'true' },
      },
      { action: 'done', newSize: '2Gi' },
    ],
    [
      'grows it when the controller is too old to say anything',
      {},
      { action: 'expand', newSize: '2Gi', tellsClaim: true, tellsProgress: false },
    ],
  ];
  for (const [name, state, plan] of cases)
    it(name, () => assert.deepEqual(planNodeExpansion(claimOf(state), volumeOf('2Gi')), plan));

  it('is asked for only when the volume is larger than it is here, and the claim is its own', () => {
    const claim = claimOf({ allocated: '2Gi', status: 'NodeResizePending' });
    assert.equal(hasOutgrown('1Gi', volumeOf('2Gi'), claim), true);
    assert.equal(hasOutgrown('2Gi', volumeOf('2Gi'), claim), false);
    assert.equal(hasOutgrown(undefined, volumeOf('2Gi'), claim), false, 'its size is not known yet');
    assert.equal(hasOutgrown('1Gi', volumeOf('2Gi'), claimOf({ allocated: '2Gi' })), false, 'not its turn');
    const stranger = { ...claim, metadata: { ...claim.metadata, uid: 'c-2' } };
    assert.equal(hasOutgrown('1Gi', volumeOf('2Gi'), stranger), false);
  });
});

describe('growing a volume on the node', () => {
  const at = { devicePath: '/dev/x', mountPath: '/pod', deviceMountPath: '/global' };
  const { signal } = new AbortController();

  function start(state: State, expand: () => Promise<void> = async () => undefined, readOnly = false) {
    const patches: object[] = [];
    const told: string[] = [];
    const sizes: string[] = [];
    const volume = volumeOf('2Gi');
    let claim = claimOf(state);
    const client = {
      get: async (resource: { kind: string }) => (resource.kind === 'PersistentVolume' ? volume : claim),
      async patch(_resource: unknown, _name: unknown, { body }: { body: object }) {
        patches.push(body);
        claim = { ...claim, metadata: { ...claim.metadata, resourceVersion: '8' } };
        return claim;
      },
    } as unknown as Client;
    const plugin = {
      name: 'v/d',
      nodeExpander: {
        requiresExpansion: () => true,
        async expand(request: { oldSize: string; newSize: string; mountPath: string }) {
          sizes.push(`${request.mountPath} ${request.oldSize} ${request.newSize}`);
          await expand();
        },
      },
    } as unknown as VolumePlugin;
    const spec = specFromPersistentVolume(volume, readOnly);
    const actual = new ActualStateOfWorld();
    actual.markAttached('v/d/pv', plugin, spec, '/dev/x', 'yes');
    const expander = new VolumeExpander({
      client,
      clock: new FakeClock(),
      actual,
      recorder: { event: (_subject, type, reason, text) => void told.push(`${type} ${reason} ${text}`) },
    });
    const pod = { metadata: { name: 'p' }, spec: { nodeName: 'n' } } as unknown as Stored<Pod>;
    const toMount = { volumeName: 'v/d/pv', plugin, spec, pod } as unknown as VolumeToMount;
    return { patches, told, sizes, actual, expander, toMount };
  }

  const PENDING = { allocated: '2Gi', status: 'NodeResizePending' };

  it('says so before and after, and notes its size', async () => {
    const w = start(PENDING);
    await w.expander.afterMount(w.toMount, at, signal);
    assert.deepEqual(w.sizes, ['/pod 1Gi 2Gi']);
    assert.deepEqual(w.patches, [
      {
        metadata: { resourceVersion: '7' },
        status: { allocatedResourceStatuses: { storage: 'NodeResizeInProgress' } },
      },
      {
        metadata: { resourceVersion: '8' },
        status: {
          capacity: { storage: '2Gi' },
          allocatedResourceStatuses: { storage: null },
          conditions: [],
        },
      },
    ]);
    const text = 'Normal FileSystemResizeSuccessful MountVolume.NodeExpandVolume succeeded for volume "pv" n';
    assert.deepEqual(w.told, [text, text], 'the pod and the claim');
    assert.equal(w.actual.get('v/d/pv')?.size, '2Gi');
  });

  it('does nothing when the claim has it all', async () => {
    const w = start({ allocated: '2Gi', has: '2Gi' });
    await w.expander.afterMount(w.toMount, at, signal);
    assert.deepEqual([w.sizes, w.patches], [[], []]);
    assert.equal(w.actual.get('v/d/pv')?.size, '2Gi');
  });

  it('does not grow what is only read', async () => {
    const w = start(PENDING, undefined, true);
    await w.expander.afterMount(w.toMount, at, signal);
    assert.deepEqual([w.sizes, w.patches], [[], []]);
    assert.match(w.told[0]!, /^Warning FileSystemResizeFailed .* requested read-only file system$/);
  });

  it('tells the claim of a failure; of one that is for good, when the claim asks for another size by now', async () => {
    const fails = async () => {
      throw new Error('no');
    };
    const w = start({ ...PENDING, asks: '3Gi' }, fails);
    await assert.rejects(w.expander.inUse(w.toMount, at, signal), /^Error: no$/);
    await assert.rejects(w.expander.inUse(w.toMount, at, signal), /^Error: no$/);
    const conditions = [
      {
        type: 'NodeResizeError',
        status: 'True',
        lastTransitionTime: '2026-01-01T00:00:00Z',
        message: 'failed to expand pvc with no',
      },
    ];
    assert.deepEqual(w.patches[1], { status: { conditions } });
    assert.deepEqual(w.patches[3], {
      status: { allocatedResourceStatuses: { storage: 'NodeResizeInfeasible' }, conditions },
    });
  });

  it('makes room for another size at once when the driver says that it can never be', async () => {
    const w = start(PENDING, async () => {
      throw new InfeasibleError('never');
    });
    await assert.rejects(w.expander.inUse(w.toMount, at, signal), InfeasibleError);
    const { status } = w.patches[1] as { status: { allocatedResourceStatuses: object } };
    assert.deepEqual(status.allocatedResourceStatuses, { storage: 'NodeResizeInfeasible' });
  });

  it('lets a volume be used as it is that grows only while nobody has it, until nobody has', async () => {
    const w = start(PENDING, async () => {
      throw new FailedPreconditionError('in use');
    });
    await w.expander.afterMount(w.toMount, at, signal);
    assert.match(JSON.stringify(w.patches[1]), /"NodeResizeError".*failed to expand pvc with in use/);
    assert.doesNotMatch(JSON.stringify(w.patches[1]), /NodeResizeInfeasible/);
    assert.equal(w.actual.get('v/d/pv')?.size, '1Gi');
    assert.equal(w.actual.get('v/d/pv')?.growsUnused, true);
    w.actual.markDeviceUnmounted('v/d/pv');
    assert.equal(w.actual.get('v/d/pv')?.growsUnused, false);
  });

  it('has no part in it where the driver does it elsewhere; but a node that is asked to must', async () => {
    const unable = async () => {
      throw new OperationNotSupportedError('not here');
    };
    for (const state of [{}, { allocated: '2Gi', has: '2Gi', modes: ['ReadWriteMany'] }]) {
      const w = start(state, unable);
      await w.expander.inUse(w.toMount, at, signal);
      assert.deepEqual([w.patches, w.told], [[], []]);
      assert.equal(w.actual.get('v/d/pv')?.size, '2Gi');
    }
    const w = start(PENDING, unable);
    await assert.rejects(w.expander.inUse(w.toMount, at, signal), OperationNotSupportedError);
  });

  it('tells nothing of a failure that leaves open what happened', async () => {
    const w = start(PENDING, async () => {
      throw new TransientOperationFailure('later');
    });
    await assert.rejects(w.expander.inUse(w.toMount, at, signal), TransientOperationFailure);
    assert.equal(w.patches.length, 1);
  });
});
