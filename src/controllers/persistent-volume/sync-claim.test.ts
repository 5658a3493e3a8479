import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PersistentVolume, PersistentVolumeClaim, Stored } from '../../kube/index.ts';
import { bindingCases } from './cases/binding.cases.ts';
import { bound, type ClaimCase, classes, mine, pod } from './cases/claim-case.ts';
import { classAndModeCases } from './cases/class-and-mode.cases.ts';
import { handoverCases } from './cases/handover.cases.ts';
import { preboundCases } from './cases/prebound.cases.ts';
import { type ClaimFixture, newClaim, newVolume, type VolumeFixture } from './fixtures.ts';
import { type Given, MemoryWorld } from './memory-world.ts';

const cases = [...bindingCases, ...preboundCases, ...classAndModeCases, ...handoverCases];

const deepEqual = (actual: unknown, expected: unknown) => assert.deepEqual(strip(actual), strip(expected));
const strip = (object: unknown) =>
  JSON.parse(JSON.stringify(object), (key, value) =>
    key === 'resourceVersion' || key === 'apiVersion' || key === 'kind' ? undefined : value,
  );

function given({ volumes = {}, claim, pods, classes: own }: ClaimCase): Given {
  const make = ([name, fixture]: [string, VolumeFixture]) => newVolume(name, fixture);
  return {
    volumes: Object.entries(volumes).map(make),
    claims: [newClaim('claim', claim)],
    classes: own ?? classes,
    pods,
  };
}

function expectState(world: MemoryWorld, test: ClaimCase): void {
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
      if (test.error || test.isFirstStep) return;
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
      if (test.error || test.isFirstStep) return;
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
