import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ControlPlugin } from '../../volume/index.ts';
import { boundByController, byController, mine, storageClass } from './cases/claim-case.ts';
import { type ClaimFixture, newClaim, newVolume, type VolumeFixture } from './fixtures.ts';
import { MemoryWorld } from './memory-world.ts';

const MADE = 'pvc-uid-claim';
const PLUGIN = 'kubernetes.io/example';
const recycle = { claim: mine, policy: 'Recycle' };
const asked = (provisioner: string) => ({
  'volume.beta.kubernetes.io/storage-provisioner': provisioner,
  'volume.kubernetes.io/storage-provisioner': provisioner,
});
const handedOver = { className: 'external', annotations: asked('disk.example.com') };

interface Case {
  readonly name: string;
  readonly volumes?: Readonly<Record<string, VolumeFixture>>;
  readonly claim?: ClaimFixture;
  /** What deleting or scrubbing comes to, call by call. @default it goes well */
  readonly outcomes?: readonly (Error | undefined)[];
  /** What somebody else makes once the claim has been handed over. */
  readonly madeOutside?: VolumeFixture;
  /** All volumes that are there at the end. */
  readonly expectVolumes: Readonly<Record<string, VolumeFixture>>;
  readonly expectClaim?: ClaimFixture;
  readonly events?: readonly string[];
}

/** Syncs of all objects, until nothing changes any more: upstream's runMultisyncTests. */
const cases: readonly Case[] = [
  {
    name: '7-1 a volume that could not be scrubbed is scrubbed at the next try',
    volumes: { pv: { ...recycle, phase: 'Bound' } },
    outcomes: [new Error('no')],
    expectVolumes: { pv: { policy: 'Recycle', claim: { name: 'claim' } } },
    events: ['Warning VolumeFailedRecycle', 'Normal VolumeRecycled'],
  },
  {
    name: '9-1 a volume that could not be deleted is deleted at the next try',
    volumes: {
      pv: { claim: mine, phase: 'Bound', policy: 'Delete', finalizers: ['kubernetes.io/pv-controller'] },
    },
    outcomes: [new Error('no')],
    expectVolumes: {},
    events: ['Warning VolumeFailedDelete'],
  },
  {
    name: '10-1 a claim is bound to a volume that has yet to become Available',
    volumes: { pv: { phase: 'Pending' } },
    claim: {},
    expectVolumes: { pv: { claim: mine, phase: 'Bound', ...byController } },
    expectClaim: boundByController,
    events: ['Normal FailedBinding'],
  },
  {
    name: '10-2 of two volumes bound to one claim, the one that it does not name is given back',
    volumes: {
      pv: { claim: mine, phase: 'Bound', ...byController },
      other: { claim: mine, phase: 'Bound', ...byController },
    },
    claim: boundByController,
    expectVolumes: { pv: { claim: mine, phase: 'Bound', ...byController }, other: {} },
    expectClaim: boundByController,
  },
  {
    name: '12-1 a volume is made and bound',
    claim: { className: 'gold' },
    expectVolumes: {
      [MADE]: {
        claim: mine,
        phase: 'Bound',
        className: 'gold',
        policy: 'Delete',
        finalizers: ['kubernetes.io/pv-controller'],
        annotations: { 'pv.kubernetes.io/provisioned-by': PLUGIN },
        ...byController,
      },
    },
    expectClaim: { ...boundByController, volumeName: MADE, className: 'gold', annotations: asked(PLUGIN) },
    events: ['Normal ProvisioningSucceeded'],
  },
  {
    name: '12-2 a claim takes the volume that its provisioner made',
    claim: { className: 'external' },
    madeOutside: { className: 'external' },
    expectVolumes: { [MADE]: { className: 'external', claim: mine, phase: 'Bound', ...byController } },
    expectClaim: { ...handedOver, ...boundByController, volumeName: MADE },
    events: ['Normal ExternalProvisioning'],
  },
  {
    name: '12-3 a claim waits for its provisioner',
    claim: { className: 'external' },
    expectVolumes: {},
    expectClaim: handedOver,
    events: ['Normal ExternalProvisioning'],
  },
  {
    name: '12-4 a claim takes the volume that its provisioner bound to it',
    claim: { className: 'external' },
    madeOutside: { className: 'external', claim: mine, phase: 'Bound', ...byController },
    expectVolumes: { [MADE]: { className: 'external', claim: mine, phase: 'Bound', ...byController } },
    expectClaim: { ...handedOver, ...boundByController, volumeName: MADE },
    events: ['Normal ExternalProvisioning'],
  },
];

function worldOf({ volumes = {}, claim, outcomes = [], ...test }: Case): MemoryWorld {
  let calls = 0;
  const work = async () => {
    const outcome = outcomes[calls++];
    if (outcome) throw outcome;
  };
  const plugin: ControlPlugin = {
    name: PLUGIN,
    canSupport: (spec) => !spec.persistentVolume?.spec?.csi,
    deleter: { delete: work },
    recycler: {
      source: () => ({ hostPath: { path: '/data' } }),
      minimumTimeoutSeconds: 1,
      timeoutSecondsPerGi: 1,
    },
    provisioner: {
      supportsMountOptions: false,
      provision: async ({ name, reclaimPolicy }) => ({
        metadata: { name },
        spec: {
          capacity: { storage: '1Gi' },
          accessModes: ['ReadWriteOnce'],
          persistentVolumeReclaimPolicy: reclaimPolicy,
        },
      }),
    },
  };
  const world = new MemoryWorld({
    volumes: Object.entries(volumes).map(([name, fixture]) => newVolume(name, fixture)),
    claims: claim && [newClaim('claim', claim)],
    classes: [storageClass('external'), storageClass('gold', { provisioner: PLUGIN })],
    plugins: [plugin],
    runRecycler: work,
  });
  const { madeOutside } = test;
  if (madeOutside) {
    const save = world.saveClaim.bind(world);
    world.saveClaim = async (saved, subresource) => {
      const answer = await save(saved, subresource);
      if (!world.volumes.has(MADE)) {
        world.volumes.set(MADE, newVolume(MADE, madeOutside));
        world.refresh(MADE);
      }
      return answer;
    };
  }
  return world;
}

const strip = (object: unknown) =>
  object &&
  JSON.parse(JSON.stringify(object), (key, value) =>
    ['resourceVersion', 'message', 'apiVersion', 'kind'].includes(key) ? undefined : value,
  );

describe('volumes and claims, synced until nothing changes', () => {
  for (const test of cases) {
    it(test.name, async () => {
      const world = worldOf(test);
      await world.settle();
      const names = Object.keys(test.expectVolumes);
      assert.deepEqual([...world.volumes.keys()].sort(), names.sort());
      for (const name of names) {
        const expected = newVolume(name, test.expectVolumes[name]);
        assert.deepEqual(strip(world.volumes.get(name)), strip(expected));
      }
      const claim = test.expectClaim && newClaim('claim', test.expectClaim);
      assert.deepEqual(strip(world.claims.get('default/claim')), strip(claim));
      assert.deepEqual([...new Set(world.events)], test.events ?? []);
    });
  }
});
