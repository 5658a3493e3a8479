import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { InTurn, turn } from '../../base/index.ts';
import {
  FINALIZER_CLAIM_AS_SOURCE,
  type PersistentVolumeClaim,
  type Stored,
  type VolumeSnapshot,
} from '../../kube/index.ts';
import { holdClaim, releaseClaim } from './source-claim.ts';
import type { World } from './world.ts';

const metadata = { namespace: 'ns', uid: '', resourceVersion: '1', creationTimestamp: '' };

function snapshotOf(name: string, readyToUse: boolean): Stored<VolumeSnapshot> {
  return {
    apiVersion: 'snapshot.storage.k8s.io/v1',
    kind: 'VolumeSnapshot',
    metadata: { ...metadata, name },
    spec: { source: { persistentVolumeClaimName: 'data' } },
    status: { readyToUse },
  };
}

/** A claim that is held in the cache for good; the server holds its answers to reads until `answer` is called. */
function scene(deletionTimestamp?: string) {
  const claim = (finalizers: string[]): Stored<PersistentVolumeClaim> => ({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { ...metadata, name: 'data', finalizers, ...(deletionTimestamp && { deletionTimestamp }) },
  });
  let live = claim([FINALIZER_CLAIM_AS_SOURCE]);
  const snapshots = [snapshotOf('first', true)];
  const reads: (() => void)[] = [];
  let writes = 0;
  const cached = claim([FINALIZER_CLAIM_AS_SOURCE]);
  const world = {
    claimsInTurn: new InTurn(),
    claims: { get: () => cached, byKey: () => cached },
    snapshots: { byIndex: () => snapshots },
    client: {
      get: () => new Promise((resolve) => reads.push(() => resolve(live))),
      update: async (_: unknown, object: Stored<PersistentVolumeClaim>) => {
        live = object;
        writes++;
      },
    },
    recorder: { event() {} },
  } as unknown as World;
  return {
    world,
    snapshots,
    waitingReads: () => reads.length,
    writes: () => writes,
    isHeld: () => live.metadata.finalizers?.includes(FINALIZER_CLAIM_AS_SOURCE) ?? false,
    /** Once the next read is there. */
    async answer() {
      while (reads.length === 0) await turn();
      reads.shift()!();
    },
  };
}

const [first] = scene().snapshots as [Stored<VolumeSnapshot>];
const second = snapshotOf('second', false);

describe('a claim that one snapshot lets go of while another takes hold of it', () => {
  it('is let go of when no snapshot is in the making', async () => {
    const { world, answer, isHeld } = scene();
    const released = releaseClaim(world, first, { leaving: false });
    await answer();
    await released;
    assert.equal(isHeld(), false);
  });

  it('stays held when the other came while the first was letting go', async () => {
    const { world, answer, isHeld, snapshots, writes } = scene();
    const released = releaseClaim(world, first, { leaving: false });
    snapshots.push(second);
    const held = holdClaim(world, second);
    await answer();
    await released;
    await answer();
    await held;
    assert.deepEqual([isHeld(), writes()], [true, 0], 'and was so all the time');
  });

  it('is held anew when it was let go of and the cache does not know it yet', async () => {
    const { world, answer, isHeld, waitingReads } = scene();
    const released = releaseClaim(world, first, { leaving: false });
    const held = holdClaim(world, second);
    await turn();
    assert.equal(waitingReads(), 1, 'what is let go of is not looked at before it is');
    await answer();
    await released;
    assert.equal(isHeld(), false);
    await answer();
    await held;
    assert.equal(isHeld(), true);
  });

  it('cannot be held anew when it is on its way out', async () => {
    const { world, answer, isHeld } = scene('2026-01-01T00:00:00Z');
    const released = releaseClaim(world, first, { leaving: false });
    const held = assert.rejects(
      holdClaim(world, second),
      /failed to update data on API server: cannot add finalizer on claim because it is being deleted$/,
    );
    await answer();
    await released;
    await answer();
    await held;
    assert.equal(isHeld(), false);
  });
});
