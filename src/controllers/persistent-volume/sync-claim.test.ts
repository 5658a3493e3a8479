import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PersistentVolume, PersistentVolumeClaim, Pod, StorageClass, Stored } from '../../kube/index.ts';
import { type ClaimFixture, newClaim, newVolume, type VolumeFixture } from './fixtures.ts';
import { type Given, MemoryWorld } from './memory-world.ts';

const storageClass = (name: string, more: Partial<Stored<StorageClass>> = {}): Stored<StorageClass> => ({
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: { name, uid: name, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' },
  provisioner: 'disk.example.com',
  ...more,
});
const classes = [
  storageClass('external'),
  storageClass('wait', { volumeBindingMode: 'WaitForFirstConsumer' }),
  storageClass('by-hand', { provisioner: 'kubernetes.io/no-provisioner' }),
  storageClass('wait-by-hand', {
    provisioner: 'kubernetes.io/no-provisioner',
    volumeBindingMode: 'WaitForFirstConsumer',
  }),
];
const pod = (name: string, claimName: string, nodeName?: string): Pod => ({
  metadata: { name, namespace: 'default' },
  spec: { containers: [], nodeName, volumes: [{ name: 'v', persistentVolumeClaim: { claimName } }] },
});

interface Case {
  readonly name: string;
  readonly volumes?: Readonly<Record<string, VolumeFixture>>;
  readonly claim: ClaimFixture;
  readonly pods?: readonly Pod[];
  /** What changes; objects not named stay as they were. */
  readonly expectVolumes?: Readonly<Record<string, VolumeFixture>>;
  readonly expectClaim?: ClaimFixture;
  readonly events?: readonly string[];
  readonly error?: RegExp;
}

const UID = 'uid-claim';
const mine = { name: 'claim', uid: UID };
const byController = { boundByController: true };
const bound = { phase: 'Bound', volumeName: 'pv', bindCompleted: true };
const boundByController = { ...bound, boundByController: true };
const noMatch = ['Normal FailedBinding'];

/** The cases of upstream's binder_test, under upstream's numbers. */
const cases: readonly Case[] = [
  {
    name: '1-1 binds',
    volumes: { pv: {} },
    claim: {},
    expectVolumes: { pv: { claim: mine, phase: 'Bound', ...byController } },
    expectClaim: boundByController,
  },
  { name: '1-2 does nothing without a volume', claim: {}, events: noMatch },
  { name: '1-3 resets the status to Pending', claim: { phase: 'Bound' }, expectClaim: {}, events: noMatch },
  {
    name: '1-4 takes the smallest volume',
    volumes: { large: { size: '10Gi' }, pv: {} },
    claim: {},
    expectVolumes: { pv: { claim: mine, phase: 'Bound', ...byController } },
    expectClaim: boundByController,
  },
  {
    name: '1-5 prefers the volume reserved by name, though it is larger',
    volumes: { pv: { size: '10Gi', claim: { name: 'claim' } }, small: {} },
    claim: {},
    expectVolumes: { pv: { size: '10Gi', claim: mine, phase: 'Bound' } },
    expectClaim: { ...boundByController, capacity: '10Gi' },
  },
  {
    name: '1-6 prefers the volume reserved by uid',
    volumes: { pv: { size: '10Gi', claim: mine }, small: {} },
    claim: {},
    expectVolumes: { pv: { size: '10Gi', claim: mine, phase: 'Bound' } },
    expectClaim: { ...boundByController, capacity: '10Gi' },
  },
  {
    name: '1-7 leaves a volume that another uid holds',
    volumes: { pv: { claim: { name: 'claim', uid: 'elder' } } },
    claim: {},
    events: noMatch,
  },
  {
    name: '1-8 completes after claimRef',
    volumes: { pv: { claim: mine, ...byController } },
    claim: {},
    expectVolumes: { pv: { claim: mine, phase: 'Bound', ...byController } },
    expectClaim: boundByController,
  },
  {
    name: '1-9 completes after the phase of the volume',
    volumes: { pv: { claim: mine, phase: 'Bound', ...byController } },
    claim: {},
    expectClaim: boundByController,
  },
  {
    name: '1-10 completes after volumeName',
    volumes: { pv: { claim: mine, phase: 'Bound', ...byController } },
    claim: { ...boundByController, phase: 'Pending' },
    expectClaim: boundByController,
  },
  {
    name: '1-11 binds where the selector matches',
    volumes: { pv: { labels: { a: 'b' } } },
    claim: { selector: { matchLabels: { a: 'b' } } },
    expectVolumes: { pv: { labels: { a: 'b' }, claim: mine, phase: 'Bound', ...byController } },
    expectClaim: { ...boundByController, selector: { matchLabels: { a: 'b' } } },
  },
  {
    name: '1-12 does not bind where the selector does not match',
    volumes: { pv: {} },
    claim: { selector: { matchLabels: { a: 'b' } } },
    events: noMatch,
  },
  {
    name: '1-13 leaves delayed binding to the scheduler',
    volumes: { pv: { className: 'wait' } },
    claim: { className: 'wait' },
    events: ['Normal WaitForFirstConsumer'],
  },
  {
    name: '1-14 binds a reserved volume although binding is delayed',
    volumes: { pv: { className: 'wait', claim: { name: 'claim' } } },
    claim: { className: 'wait' },
    expectVolumes: { pv: { className: 'wait', claim: mine, phase: 'Bound' } },
    expectClaim: { ...boundByController, className: 'wait' },
  },
  {
    name: '1-15 binds a claim to the volume it names, though a smaller one is free',
    volumes: { pv: { size: '10Gi' }, small: {} },
    claim: { volumeName: 'pv' },
    expectVolumes: { pv: { size: '10Gi', claim: mine, phase: 'Bound', ...byController } },
    expectClaim: { ...bound, capacity: '10Gi' },
  },
  {
    name: '1-16 does not bind a claim to the volume it names with other access modes',
    volumes: { pv: {} },
    claim: { volumeName: 'pv', accessModes: ['ReadWriteMany'] },
    events: ['Warning VolumeMismatch'],
  },
  {
    name: '1-17 takes only Available volumes',
    volumes: {
      pending: { phase: 'Pending' },
      failed: { phase: 'Failed' },
      released: { phase: 'Released' },
      none: { phase: '' },
      pv: {},
    },
    claim: {},
    expectVolumes: { pv: { claim: mine, phase: 'Bound', ...byController } },
    expectClaim: boundByController,
  },
  {
    name: '1-18 takes a reserved volume in whatever phase',
    volumes: { pv: { phase: 'Pending', claim: mine } },
    claim: {},
    expectVolumes: { pv: { claim: mine, phase: 'Bound' } },
    expectClaim: boundByController,
  },
  { name: '2-1 waits for the volume it names', claim: { volumeName: 'pv' } },
  {
    name: '2-2 resets the status while it waits for the volume it names',
    claim: { volumeName: 'pv', phase: 'Bound' },
    expectClaim: { volumeName: 'pv' },
  },
  {
    name: '2-4 binds to a volume that names it, too',
    volumes: { pv: { claim: { name: 'claim' } } },
    claim: { volumeName: 'pv' },
    expectVolumes: { pv: { claim: mine, phase: 'Bound' } },
    expectClaim: bound,
  },
  {
    name: '2-5 binds to a volume that names it by uid, too',
    volumes: { pv: { claim: mine } },
    claim: { volumeName: 'pv' },
    expectVolumes: { pv: { claim: mine, phase: 'Bound' } },
    expectClaim: bound,
  },
  {
    name: '2-6 waits when the volume it names has another claim',
    volumes: { pv: { claim: { name: 'other', uid: 'other' }, phase: 'Bound' } },
    claim: { volumeName: 'pv' },
    events: noMatch.map((event) => event.replace('Normal', 'Warning')),
  },
  {
    name: '2-7 fails when the controller had bound it and the volume has another claim',
    volumes: { pv: { claim: { name: 'other', uid: 'other' }, phase: 'Bound' } },
    claim: { volumeName: 'pv', boundByController: true },
    events: ['Warning FailedBinding'],
    error:
      /^invalid binding of claim "default\/claim" to volume "pv": volume already claimed by "default\/other"$/,
  },
  {
    name: '2-8 binds to the volume it names, whatever its selector says',
    volumes: { pv: {} },
    claim: { volumeName: 'pv', selector: { matchLabels: { a: 'b' } } },
    expectVolumes: { pv: { claim: mine, phase: 'Bound', ...byController } },
    expectClaim: { ...bound, selector: { matchLabels: { a: 'b' } } },
  },
  {
    name: '2-9 does not bind to a volume that is too small',
    volumes: { pv: {} },
    claim: { volumeName: 'pv', size: '2Gi' },
    events: ['Warning VolumeMismatch'],
  },
  {
    name: '2-10 does not bind to a volume of another class',
    volumes: { pv: {} },
    claim: { volumeName: 'pv', className: 'gold' },
    events: ['Warning VolumeMismatch'],
  },
  {
    name: '2-11 does not bind to a volume of another VolumeAttributesClass',
    volumes: { pv: {} },
    claim: { volumeName: 'pv', attributesClass: 'fast' },
    events: ['Warning VolumeMismatch'],
  },
  {
    name: '2-12 binds to a volume of the same VolumeAttributesClass',
    volumes: { pv: { attributesClass: 'fast' } },
    claim: { volumeName: 'pv', attributesClass: 'fast' },
    expectVolumes: { pv: { attributesClass: 'fast', claim: mine, phase: 'Bound', ...byController } },
    expectClaim: { ...bound, attributesClass: 'fast', currentAttributesClass: 'fast' },
  },
  {
    name: '3-1 is Lost without volumeName',
    claim: { phase: 'Bound', bindCompleted: true },
    expectClaim: { phase: 'Lost', bindCompleted: true },
    events: ['Warning ClaimLost'],
  },
  {
    name: '3-2 is Lost when its volume is gone',
    claim: bound,
    expectClaim: { ...bound, phase: 'Lost' },
    events: ['Warning ClaimLost'],
  },
  {
    name: 'tells only once that it is Lost',
    claim: { ...bound, phase: 'Lost' },
  },
  {
    name: '3-3 takes its volume back when that has come unbound',
    volumes: { pv: {} },
    claim: bound,
    expectVolumes: { pv: { claim: mine, phase: 'Bound', ...byController } },
  },
  {
    name: 'is Bound again when the lost volume is back',
    volumes: { pv: {} },
    claim: { ...bound, phase: 'Lost' },
    expectVolumes: { pv: { claim: mine, phase: 'Bound', ...byController } },
    expectClaim: bound,
  },
  {
    name: '3-4 is Lost when the volume is reserved for its name only',
    volumes: { pv: { claim: { name: 'claim' } } },
    claim: bound,
    expectClaim: { ...bound, phase: 'Lost' },
    events: ['Warning ClaimMisbound'],
  },
  { name: '3-5 all is well', volumes: { pv: { claim: mine, phase: 'Bound' } }, claim: bound },
  {
    name: '3-6 is Lost when its volume has another claim',
    volumes: { pv: { claim: { name: 'other', uid: 'other' }, phase: 'Bound' } },
    claim: bound,
    expectClaim: { ...bound, phase: 'Lost' },
    events: ['Warning ClaimMisbound'],
  },
  {
    name: '3-7 takes its volume back, whatever its selector says',
    volumes: { pv: {} },
    claim: { ...bound, selector: { matchLabels: { a: 'b' } } },
    expectVolumes: { pv: { claim: mine, phase: 'Bound', ...byController } },
  },
  {
    name: '13-2 takes a volume without a class when it asks for none',
    volumes: { gold: { className: 'gold' }, pv: { size: '10Gi' } },
    claim: {},
    expectVolumes: { pv: { size: '10Gi', claim: mine, phase: 'Bound', ...byController } },
    expectClaim: { ...boundByController, capacity: '10Gi' },
  },
  {
    name: '13-5 so does a claim that says nothing of a class',
    volumes: { pv: {} },
    claim: { className: null },
    expectVolumes: { pv: { claim: mine, phase: 'Bound', ...byController } },
    expectClaim: { ...boundByController, className: null },
  },
  {
    name: '13-1 takes a volume of its class',
    volumes: { none: {}, pv: { className: 'by-hand', size: '10Gi' }, silver: { className: 'silver' } },
    claim: { className: 'by-hand' },
    expectVolumes: {
      pv: { className: 'by-hand', size: '10Gi', claim: mine, phase: 'Bound', ...byController },
    },
    expectClaim: { ...boundByController, className: 'by-hand', capacity: '10Gi' },
  },
  {
    name: 'takes a volume of the class in the beta annotation',
    volumes: { pv: { annotations: { 'volume.beta.kubernetes.io/storage-class': 'gold' } } },
    claim: { annotations: { 'volume.beta.kubernetes.io/storage-class': 'gold' } },
    expectVolumes: {
      pv: {
        annotations: { 'volume.beta.kubernetes.io/storage-class': 'gold' },
        claim: mine,
        phase: 'Bound',
        ...byController,
      },
    },
    expectClaim: {
      ...boundByController,
      annotations: { 'volume.beta.kubernetes.io/storage-class': 'gold' },
    },
  },
  {
    name: '14-1 takes a block volume for a block claim',
    volumes: { fs: {}, pv: { volumeMode: 'Block' } },
    claim: { volumeMode: 'Block' },
    expectVolumes: { pv: { volumeMode: 'Block', claim: mine, phase: 'Bound', ...byController } },
    expectClaim: { ...boundByController, volumeMode: 'Block' },
  },
  ...[undefined, 'Block'].flatMap((volumeMode): Case[] => [
    {
      name: `14-2 takes a ${volumeMode ?? 'Filesystem'} volume`,
      volumes: { pv: { volumeMode } },
      claim: { volumeMode },
      expectVolumes: { pv: { volumeMode, claim: mine, phase: 'Bound', ...byController } },
      expectClaim: { ...boundByController, volumeMode },
    },
    {
      name: `14-3 does not take a volume of the other mode for ${volumeMode ?? 'Filesystem'}`,
      volumes: { pv: { volumeMode: volumeMode ? 'Filesystem' : 'Block' } },
      claim: { volumeMode },
      events: noMatch,
    },
    {
      name: `14-7 takes a ${volumeMode ?? 'Filesystem'} volume that is reserved for it`,
      volumes: { pv: { volumeMode, claim: { name: 'claim' } } },
      claim: { volumeMode },
      expectVolumes: { pv: { volumeMode, claim: mine, phase: 'Bound' } },
      expectClaim: { ...boundByController, volumeMode },
    },
    {
      name: `14-9 binds to the ${volumeMode ?? 'Filesystem'} volume that it names`,
      volumes: { pv: { volumeMode } },
      claim: { volumeMode, volumeName: 'pv' },
      expectVolumes: { pv: { volumeMode, claim: mine, phase: 'Bound', ...byController } },
      expectClaim: { ...bound, volumeMode },
    },
  ]),
  {
    name: '14-5 takes no volume of its mode and another class',
    volumes: { pv: { volumeMode: 'Block', className: 'gold' } },
    claim: { volumeMode: 'Block' },
    events: noMatch,
  },
  {
    name: '14-5-2 nor the one it names',
    volumes: { pv: { volumeMode: 'Block', className: 'gold' } },
    claim: { volumeMode: 'Block', volumeName: 'pv' },
    events: ['Warning VolumeMismatch'],
  },
  {
    name: '14-8 does not bind to the volume it names with another volumeMode',
    volumes: { pv: { volumeMode: 'Block' } },
    claim: { volumeName: 'pv' },
    events: ['Warning VolumeMismatch'],
  },
  {
    name: '11-14 cannot be provisioned by a class that is not there',
    claim: { className: 'none' },
    events: ['Warning ProvisioningFailed'],
  },
  {
    name: '11-17 is handed to the external provisioner',
    claim: { className: 'external' },
    expectClaim: {
      className: 'external',
      annotations: {
        'volume.beta.kubernetes.io/storage-provisioner': 'disk.example.com',
        'volume.kubernetes.io/storage-provisioner': 'disk.example.com',
      },
    },
    events: ['Normal ExternalProvisioning'],
  },
  {
    name: '11-18 cannot be provisioned by an in-tree provisioner without plugin',
    claim: { className: 'by-hand' },
    events: ['Warning ProvisioningFailed'],
  },
  {
    name: '11-22 takes a volume that is there before it asks for one',
    volumes: { pv: { className: 'external' } },
    claim: { className: 'external' },
    expectVolumes: { pv: { className: 'external', claim: mine, phase: 'Bound', ...byController } },
    expectClaim: { ...boundByController, className: 'external' },
  },
  {
    name: '11-24 asks for a volume once a node is selected, and takes no free one',
    volumes: { free: { className: 'wait' } },
    claim: { className: 'wait', annotations: { 'volume.kubernetes.io/selected-node': 'n1' } },
    expectClaim: {
      className: 'wait',
      annotations: {
        'volume.kubernetes.io/selected-node': 'n1',
        'volume.beta.kubernetes.io/storage-provisioner': 'disk.example.com',
        'volume.kubernetes.io/storage-provisioner': 'disk.example.com',
      },
    },
    events: ['Normal ExternalProvisioning'],
  },
  {
    name: 'tells which pod it waits for',
    claim: { className: 'wait' },
    pods: [pod('a', 'claim'), pod('b', 'other'), pod('c', 'claim', 'n1')],
    events: ['Normal WaitForPodScheduled'],
  },
];

const deepEqual = (actual: unknown, expected: unknown) => assert.deepEqual(strip(actual), strip(expected));
const strip = (object: unknown) =>
  JSON.parse(JSON.stringify(object), (key, value) =>
    key === 'resourceVersion' || key === 'apiVersion' || key === 'kind' ? undefined : value,
  );

function given({ volumes = {}, claim, pods }: Case): Given {
  const make = ([name, fixture]: [string, VolumeFixture]) => newVolume(name, fixture);
  return { volumes: Object.entries(volumes).map(make), claims: [newClaim('claim', claim)], classes, pods };
}

function expectState(world: MemoryWorld, test: Case): void {
  deepEqual(world.claims.get('default/claim'), newClaim('claim', test.expectClaim ?? test.claim));
  for (const [name, fixture] of Object.entries({ ...test.volumes, ...test.expectVolumes })) {
    deepEqual(world.volumes.get(name), newVolume(name, fixture));
  }
}

describe('syncClaim', () => {
  for (const test of cases) {
    it(test.name, async () => {
      const world = new MemoryWorld(given(test));
      const syncing = world.syncClaim('claim');
      if (test.error) await assert.rejects(syncing, { message: test.error });
      else await syncing;
      expectState(world, test);
      assert.deepEqual(world.events, test.events ?? []);
    });

    it(`${test.name}: also after a crash at any write`, async () => {
      if (test.error) return;
      for (let crashAt = 0; ; crashAt++) {
        const world = new MemoryWorld(given(test));
        world.crashAt = crashAt;
        const crashed = await world.syncClaim('claim').then(
          () => false,
          () => true,
        );
        if (!crashed) break;
        world.crashAt = Number.POSITIVE_INFINITY;
        await world.syncClaim('claim');
        expectState(world, test);
      }
    });

    it(`${test.name}: once settled, writes nothing more`, async () => {
      if (test.error) return;
      const world = new MemoryWorld(given(test));
      await world.syncClaim('claim');
      world.writes = 0;
      await world.syncClaim('claim');
      assert.equal(world.writes, 0);
    });
  }

  it('binds with four writes, a provisioned volume with three', async () => {
    const world = new MemoryWorld({ volumes: [newVolume('pv')], claims: [newClaim('claim')] });
    await world.syncClaim('claim');
    assert.equal(world.writes, 4);
    const provisioned = newVolume('pv', { phase: 'Pending', claim: mine });
    const second = new MemoryWorld({ volumes: [provisioned], claims: [newClaim('claim')] });
    await second.syncClaim('claim');
    assert.equal(second.writes, 3);
  });

  it('tells events in the words of upstream', async () => {
    const words = async (claim: ClaimFixture, more: Partial<Given> = {}): Promise<string | undefined> => {
      const world = new MemoryWorld({ claims: [newClaim('claim', claim)], classes, ...more });
      await world.syncClaim('claim');
      return world.messages[0];
    };
    const large = { volumes: [newVolume('pv', { claim: { name: 'other', uid: 'o' } })] };
    const table: [string | undefined, string][] = [
      [
        await words({}),
        'FailedBinding: no persistent volumes available for this claim and no storage class is set',
      ],
      [
        await words({ className: 'wait' }),
        'WaitForFirstConsumer: waiting for first consumer to be created before binding',
      ],
      [
        await words({ className: 'wait-by-hand' }, { pods: [pod('a', 'claim'), pod('b', 'claim')] }),
        'WaitForPodScheduled: waiting for pods a,b to be scheduled',
      ],
      [
        await words({ className: 'wait' }, { pods: [pod('a', 'claim')] }),
        'WaitForPodScheduled: waiting for pod a to be scheduled',
      ],
      [
        await words({ className: 'none' }),
        'ProvisioningFailed: storageclass.storage.k8s.io "none" not found',
      ],
      [
        await words({ className: 'by-hand' }),
        'ProvisioningFailed: no volume plugin matched name: kubernetes.io/no-provisioner',
      ],
      [
        await words({ className: 'external' }),
        "ExternalProvisioning: Waiting for a volume to be created either by the external provisioner 'disk.example.com' " +
          'or manually by the system administrator. If volume creation is delayed, please verify that ' +
          'the provisioner is running and correctly registered.',
      ],
      [
        await words({ volumeName: 'pv' }, large),
        'FailedBinding: volume "pv" already bound to a different claim.',
      ],
      [
        await words({ volumeName: 'pv', size: '2Gi' }, { volumes: [newVolume('pv')] }),
        'VolumeMismatch: Cannot bind to requested volume "pv": requested PV is too small',
      ],
      [
        await words({ phase: 'Bound', bindCompleted: true }),
        'ClaimLost: Bound claim has lost reference to PersistentVolume. Data on the volume is lost!',
      ],
      [
        await words(bound),
        'ClaimLost: Bound claim has lost its PersistentVolume. Data on the volume is lost!',
      ],
      [
        await words(bound, large),
        'ClaimMisbound: Two claims are bound to the same volume, this one is bound incorrectly',
      ],
    ];
    for (const [actual, expected] of table) assert.equal(actual, expected);
  });

  it('gives the newest default class to a claim that names none', async () => {
    const isDefault = { 'storageclass.kubernetes.io/is-default-class': 'true' };
    const made = (name: string, creationTimestamp: string) =>
      storageClass(name, {
        metadata: { name, uid: name, resourceVersion: '1', creationTimestamp, annotations: isDefault },
      });
    const defaults = [made('old', '2025-01-01T00:00:00Z'), made('new', '2026-01-01T00:00:00Z')];
    const world = new MemoryWorld({ claims: [newClaim('claim', { className: null })], classes: defaults });
    await world.syncClaim('claim');
    assert.equal(claimIn(world).spec?.storageClassName, 'new');
    const empty = new MemoryWorld({ claims: [newClaim('claim', { className: '' })], classes: defaults });
    await empty.syncClaim('claim');
    assert.equal(claimIn(empty).spec?.storageClassName, '');
  });

  it('never gives one volume to two claims, whatever the order', async () => {
    const claims = [newClaim('claim'), newClaim('b')];
    const world = new MemoryWorld({ volumes: [newVolume('pv')], claims });
    await Promise.all([world.syncClaim('claim'), world.syncClaim('b')]);
    const names = [...world.claims.values()].map((claim) => claim.spec?.volumeName);
    assert.deepEqual(names.filter(Boolean), ['pv']);
  });

  it('loses to whoever was faster when its view of the volume is stale', async () => {
    const world = new MemoryWorld({ volumes: [newVolume('pv')], claims: [newClaim('claim')] });
    const stale = newVolume('pv');
    const taken: Stored<PersistentVolume> = newVolume('pv', { claim: { name: 'other', uid: 'o' } });
    world.volumes.set('pv', { ...taken, metadata: { ...taken.metadata, resourceVersion: '2' } });
    world.index.set(stale);
    await assert.rejects(world.syncClaim('claim'), { reason: 'Conflict' });
    assert.equal(claimIn(world).spec?.volumeName, undefined);
    assert.equal(world.volumes.get('pv')?.spec?.claimRef?.name, 'other');
  });
});

function claimIn(world: MemoryWorld): Stored<PersistentVolumeClaim> {
  return world.claims.get('default/claim')!;
}
