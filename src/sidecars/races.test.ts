import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { seededRandom } from '../base/index.ts';
import { createPersistentVolumeController } from '../controllers/persistent-volume/index.ts';
import { createProtectionControllers } from '../controllers/protection/index.ts';
import { createSnapshotController } from '../controllers/snapshot/index.ts';
import { startSnapshotStack } from '../controllers/snapshot/stack.test-support.ts';
import { serveInMemory } from '../csi/index.ts';
import {
  isNotFound,
  namespaces,
  persistentVolumeClaims,
  persistentVolumes,
  volumeSnapshotContents,
  volumeSnapshots,
} from '../kube/index.ts';
import { createImmediateClasses } from '../testing/immediate-classes.ts';
import { type Fate, FaultyDriver } from './faulty-driver.test-support.ts';
import { createProvisioner } from './provisioner/index.ts';
import { createSnapshotter } from './snapshotter/index.ts';

const DRIVER = 'disk.csi.example.com';
const BACKOFF = { initialMs: 5, maxMs: 40 };

/** All that makes and deletes volumes and snapshots, on an API server and a driver in memory. */
async function start(test: TestContext) {
  const stack = await startSnapshotStack(test);
  const { client, context, until } = stack;
  const { informers } = context;
  await client.create(namespaces, { metadata: { name: 'team' } });
  await createImmediateClasses(client, 'fast', DRIVER);
  const driver = new FaultyDriver();
  const served = serveInMemory(
    { identity: { name: DRIVER, vendorVersion: '1' }, controller: driver.service },
    { clock: context.clock, log: context.log },
  );
  const csi = served.connect();
  test.after(() => csi.close());
  stack.run(
    createPersistentVolumeController(context),
    createProtectionControllers(context),
    createSnapshotController(context, { backoff: BACKOFF }),
    createProvisioner(context, { csi, backoff: BACKOFF }),
    createSnapshotter(context, { csi, backoff: BACKOFF }),
  );
  const known = {
    claims: informers.of(persistentVolumeClaims),
    volumes: informers.of(persistentVolumes),
    snapshots: informers.of(volumeSnapshots),
    contents: informers.of(volumeSnapshotContents),
  };
  return {
    driver,
    until,
    ...known,
    addClaim: (name: string, snapshot?: string) =>
      client.create(persistentVolumeClaims, {
        metadata: { name, namespace: 'team' },
        spec: {
          storageClassName: 'fast',
          accessModes: ['ReadWriteOnce'],
          resources: { requests: { storage: '1Gi' } },
          ...(snapshot && {
            dataSource: { apiGroup: volumeSnapshots.group, kind: 'VolumeSnapshot', name: snapshot },
          }),
        },
      }),
    addSnapshot: (name: string, claim: string) =>
      client.create(volumeSnapshots, {
        metadata: { name, namespace: 'team' },
        spec: { volumeSnapshotClassName: 'fast', source: { persistentVolumeClaimName: claim } },
      }),
    removeClaim: (name: string) =>
      client.delete(persistentVolumeClaims, { namespace: 'team', name }).catch(ignoreGone),
    removeSnapshot: (name: string) =>
      client.delete(volumeSnapshots, { namespace: 'team', name }).catch(ignoreGone),
    bound: (name: string) =>
      until(`${name} is Bound`, () => known.claims.get(name, 'team')?.status?.phase === 'Bound'),
    ready: (name: string) =>
      until(`${name} is ready`, () => known.snapshots.get(name, 'team')?.status?.readyToUse === true),
    /**
     * Until no object is left that stands for anything, nor anything on the driver: of what it has, objects tell sooner
     * or later. Nothing was asked of it that must not be.
     */
    async nothingLeft() {
      const left = () => [
        ...Object.values(known).flatMap((informer) => [...informer.values()].map(describeObject)),
        ...driver.volumes.keys(),
        ...driver.snapshots.keys(),
      ];
      await until('nothing to be left', () => left().length === 0).catch((cause) => {
        throw new Error(`${left().join('\n')}\n${driver.calls.join(' ')}`, { cause });
      });
      assert.deepEqual(driver.violations, []);
    },
  };
}

function ignoreGone(error: unknown): void {
  if (!isNotFound(error)) throw error;
}

const describeObject = ({ kind, metadata }: { kind: string; metadata: object }) =>
  `${kind} ${JSON.stringify(metadata)}`;

/** Holds up the first call of a kind until it is let go. */
function holdFirst(driver: FaultyDriver, held: string): () => void {
  const { promise, resolve } = Promise.withResolvers<void>();
  let first = true;
  driver.gate = (call) => {
    if (call !== held || !first) return undefined;
    first = false;
    return promise;
  };
  return resolve;
}

/** The first calls of a kind end so, all later ones well. */
function firstEnd(driver: FaultyDriver, call: string, ...fates: readonly Fate[]): void {
  const left = [...fates];
  driver.fate = (one) => (one === call ? (left.shift() ?? 'done') : 'done');
}

describe('what happens at the same time', () => {
  it('a claim is deleted while its snapshot is being taken: the volume stays until that is done', async (test) => {
    const {
      driver,
      addClaim,
      bound,
      addSnapshot,
      removeClaim,
      removeSnapshot,
      ready,
      nothingLeft,
      until,
      volumes,
    } = await start(test);
    await addClaim('data');
    await bound('data');
    const letGo = holdFirst(driver, 'CreateSnapshot');
    await addSnapshot('copy', 'data');
    await driver.called('CreateSnapshot');
    await removeClaim('data');
    letGo();
    await ready('copy');
    await until('the volume to go', () => volumes.size === 0);
    assert.deepEqual(driver.violations, []);
    assert.equal(driver.snapshots.size, 1);
    await removeSnapshot('copy');
    await nothingLeft();
  });

  it('both are deleted while the snapshot is being taken: neither stays', async (test) => {
    const { driver, addClaim, bound, addSnapshot, removeClaim, removeSnapshot, nothingLeft } =
      await start(test);
    await addClaim('data');
    await bound('data');
    const letGo = holdFirst(driver, 'CreateSnapshot');
    await addSnapshot('copy', 'data');
    await driver.called('CreateSnapshot');
    await Promise.all([removeClaim('data'), removeSnapshot('copy')]);
    letGo();
    await nothingLeft();
  });

  for (const fates of [['late'], ['unavailable', 'late'], ['late', 'late', 'refused']] as const)
    it(`a snapshot is deleted whose CreateSnapshot has ended ${fates.join(', ')}: nothing stays`, async (test) => {
      const { driver, addClaim, bound, addSnapshot, removeClaim, removeSnapshot, nothingLeft } =
        await start(test);
      await addClaim('data');
      await bound('data');
      firstEnd(driver, 'CreateSnapshot', ...fates);
      await addSnapshot('copy', 'data');
      await driver.called('CreateSnapshot');
      await removeSnapshot('copy');
      await removeClaim('data');
      await nothingLeft();
    });

  for (const fates of [['late'], ['unavailable', 'late'], ['late', 'late', 'unavailable']] as const)
    it(`a claim is deleted whose CreateVolume has ended ${fates.join(', ')}: no volume stays`, async (test) => {
      const { driver, addClaim, removeClaim, nothingLeft, until, claims, volumes } = await start(test);
      const letGo = holdFirst(driver, 'CreateVolume');
      firstEnd(driver, 'CreateVolume', ...fates);
      await addClaim('data');
      await driver.called('CreateVolume');
      await removeClaim('data');
      await until('the claim to go', () => claims.size === 0);
      letGo();
      // Asked until it is known what came of it: then there is a volume, to be deleted again.
      await driver.called('DeleteVolume');
      await until('no volume', () => volumes.size === 0);
      await nothingLeft();
    });

  it('a CreateVolume that was refused for good, of a claim that is gone, is not tried again', async (test) => {
    const { driver, addClaim, removeClaim, nothingLeft, until, claims } = await start(test);
    const letGo = holdFirst(driver, 'CreateVolume');
    firstEnd(driver, 'CreateVolume', 'refused');
    await addClaim('data');
    await driver.called('CreateVolume');
    await removeClaim('data');
    await until('the claim to go', () => claims.size === 0);
    letGo();
    await nothingLeft();
    assert.deepEqual(
      driver.calls.filter((call) => call !== 'CreateVolume'),
      [],
    );
  });

  it('a snapshot is deleted while a volume is made of it: it goes after that', async (test) => {
    const { driver, addClaim, bound, addSnapshot, ready, removeSnapshot, removeClaim, nothingLeft } =
      await start(test);
    await addClaim('data');
    await bound('data');
    await addSnapshot('copy', 'data');
    await ready('copy');
    driver.calls.length = 0;
    const letGo = holdFirst(driver, 'CreateVolume');
    await addClaim('restored', 'copy');
    await driver.called('CreateVolume');
    await removeSnapshot('copy');
    letGo();
    await bound('restored');
    await driver.called('DeleteSnapshot');
    assert.ok(driver.calls.indexOf('CreateVolume') < driver.calls.indexOf('DeleteSnapshot'));
    await removeClaim('data');
    await removeClaim('restored');
    await nothingLeft();
  });
});

/**
 * As upstream, the source may be gone when the driver is asked again for what it may have made already: of a claim that went
 * the snapshot goes too, and a snapshot that went no longer holds its claim. Who asks again wants to know what came of it. A
 * driver answers by the name that it was asked with first (CSI: it MUST reply OK for what it has made), and NOT_FOUND only
 * for what it has not; one that looks at the source first would leave a volume behind, with upstream's sidecars as well.
 */
describe('claims, snapshots and restored claims that come and go in any order, with a driver that fails', () => {
  const FATES: readonly Fate[] = ['done', 'done', 'done', 'late', 'unavailable', 'refused'];
  const FAULTS = 12;
  for (let seed = 1; seed <= 12; seed++)
    it(`leave nothing (seed ${seed})`, async (test) => {
      const { driver, addClaim, addSnapshot, removeClaim, removeSnapshot, nothingLeft } = await start(test);
      const random = seededRandom(seed);
      const pick = <T>(of: readonly T[]): T => of[Math.floor(random.next() * of.length)]!;
      let faults = 0;
      driver.fate = () => {
        const fate = faults < FAULTS ? pick(FATES) : 'done';
        if (fate !== 'done') faults++;
        return fate;
      };
      const claims = ['a', 'b', 'c'];
      const snapshots = ['s', 't'];
      const steps: (() => Promise<unknown>)[] = [
        ...claims.map((name) => () => addClaim(name)),
        ...snapshots.map((name) => () => addSnapshot(name, pick(claims))),
        ...snapshots.map((name) => () => addClaim(`of-${name}`, name)),
        ...snapshots.map((name) => () => removeSnapshot(name)),
        ...claims.map((name) => () => removeClaim(name)),
      ];
      while (steps.length > 0) {
        const [step] = steps.splice(Math.floor(random.next() * Math.min(3, steps.length)), 1);
        await step!();
        // Some of what was begun happens before the next.
        for (let turns = Math.floor(random.next() * 20); turns > 0; turns--)
          await new Promise((resolve) => setImmediate(resolve));
      }
      for (const name of [...claims, ...snapshots.map((one) => `of-${one}`)]) await removeClaim(name);
      for (const name of snapshots) await removeSnapshot(name);
      await nothingLeft();
    });
});
