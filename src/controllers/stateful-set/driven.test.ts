import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { PersistentVolumeClaim, Pod, StatefulSet, Stored } from '../../kube/index.ts';
import { makeClaim, makeSet, NOW } from './fixtures.ts';
import { isInOrdinalRange, ordinalOf } from './identity.ts';
import { type Action, plan, statusAfter } from './plan.ts';
import { isRunningAndReady, revisionOf } from './pod-state.ts';
import { completeRollingUpdate } from './status.ts';

const SINCE = new Date(NOW - 3_600_000).toISOString();

/** A set with its pods and claims, its plans carried out, and a node that brings pods to life and to their end. */
class World {
  set: Stored<StatefulSet>;
  readonly pods = new Map<string, Stored<Pod>>();
  readonly claims = new Map<string, Stored<PersistentVolumeClaim>>();
  /** Claims whose pod went before it could own them: nobody but a later pod will take them away, as upstream. */
  readonly missed = new Set<string>();
  /** The set's templates so far; the last is the present one. */
  #version = 1;
  #uids = 0;

  constructor(spec: Partial<NonNullable<StatefulSet['spec']>>) {
    this.set = makeSet(spec, { status: { replicas: 0, currentRevision: 'v1' } });
  }

  change(spec: Partial<NonNullable<StatefulSet['spec']>>): void {
    this.set = { ...this.set, spec: { ...this.set.spec!, ...spec } };
  }

  changeTemplate(): void {
    this.#version++;
  }

  get updateRevision(): string {
    return `v${this.#version}`;
  }

  /** One look of the controller. Returns whether there was anything to do. */
  sync(): boolean {
    const { template } = this.set.spec!;
    const revision = (name: string) => ({ name, template });
    const next = plan({
      set: this.set,
      pods: [...this.pods.values()],
      claim: (name) => this.claims.get(name),
      current: revision(this.set.status?.currentRevision ?? 'v1'),
      update: revision(this.updateRevision),
      collisionCount: 0,
      nowMs: NOW,
    });
    const actions = next.phases.flat(2);
    if (!next.parallel) this.#assertOneAtATime(actions);
    for (const action of actions) this.#apply(action);
    const status = actions.reduce(statusAfter, next.status);
    this.set = { ...this.set, status: completeRollingUpdate(this.set, status) };
    return actions.length > 0;
  }

  /** The node and the garbage collector get on with one pod. */
  live(name: string): boolean {
    const pod = this.pods.get(name);
    if (!pod) return false;
    if (pod.metadata.deletionTimestamp !== undefined) {
      this.pods.delete(name);
      const claim = `data-${name}`;
      const owners = this.claims.get(claim)?.metadata.ownerReferences ?? [];
      if (owners.some(({ uid }) => uid === pod.metadata.uid)) this.claims.delete(claim);
      else this.missed.add(claim);
      return true;
    }
    if (isRunningAndReady(pod) || pod.status?.phase === 'Failed') return false;
    const isPending = pod.status?.phase === 'Pending';
    const conditions = isPending ? [] : [{ type: 'Ready', status: 'True', lastTransitionTime: SINCE }];
    this.pods.set(name, { ...pod, status: { phase: 'Running', conditions } });
    return true;
  }

  fail(name: string): void {
    const pod = this.pods.get(name);
    if (pod) this.pods.set(name, { ...pod, status: { phase: 'Failed' } });
  }

  remove(name: string): void {
    const pod = this.pods.get(name);
    if (pod) this.pods.set(name, { ...pod, metadata: { ...pod.metadata, deletionTimestamp: SINCE } });
  }

  /** Until nobody has anything left to do. */
  settle(): void {
    for (let turns = 0; ; turns++) {
      assert.ok(turns < 500, 'it does not come to rest');
      const synced = this.sync();
      const lived = [...this.pods.keys()].map((name) => this.live(name));
      if (!synced && !lived.includes(true)) return;
    }
  }

  #apply(action: Action): void {
    switch (action.type) {
      case 'create-claims':
        for (const { metadata } of action.claims) this.#keepClaim(metadata!.name!, metadata!);
        break;
      case 'own-claim':
        this.#keepClaim(action.claim.metadata.name, {
          ...action.claim.metadata,
          ownerReferences: action.owners,
        });
        break;
      case 'create-pod': {
        const { metadata } = action.pod;
        assert.ok(!this.pods.has(metadata!.name!), `${metadata?.name} is there`);
        for (const volume of action.pod.spec?.volumes ?? [])
          assert.ok(this.claims.has(volume.persistentVolumeClaim!.claimName), 'claims come first');
        const stored = {
          ...metadata,
          uid: `uid-${this.#uids++}`,
          resourceVersion: '1',
          creationTimestamp: SINCE,
        };
        const pod = { ...action.pod, metadata: stored, status: { phase: 'Pending' } };
        this.pods.set(stored.name!, pod as Stored<Pod>);
        this.missed.delete(`data-${stored.name}`);
        break;
      }
      case 'update-pod':
        this.pods.set(action.pod.metadata.name, action.pod);
        break;
      case 'delete-pod':
        this.#assertHasReason(action.pod);
        this.remove(action.pod.metadata.name);
        break;
      default:
        assert.fail(`unexpected: ${action.type}`);
    }
  }

  #keepClaim(name: string, metadata: PersistentVolumeClaim['metadata']): void {
    this.claims.set(name, makeClaim(name, metadata));
  }

  /** Deleted is what has failed, is too many, or is of an old revision and not below the partition. */
  #assertHasReason(pod: Stored<Pod>): void {
    const { persistentVolumeClaimRetentionPolicy: policy } = this.set.spec!;
    if (!isInOrdinalRange(this.set, ordinalOf(pod))) {
      const owners = this.claims.get(`data-${pod.metadata.name}`)?.metadata.ownerReferences ?? [];
      const goesAlong = owners.some(({ uid }) => uid === pod.metadata.uid);
      assert.equal(goesAlong, policy?.whenScaled === 'Delete', 'the claim goes with the pod, or not');
      return;
    }
    if (pod.status?.phase === 'Failed') return;
    assert.notEqual(revisionOf(pod), this.updateRevision);
    const partition = this.set.spec?.updateStrategy?.rollingUpdate?.partition ?? 0;
    assert.ok(ordinalOf(pod) >= partition, `${pod.metadata.name} is below the partition`);
  }

  /** In order: at most one pod is made or deleted, and made only when those before it are well. */
  #assertOneAtATime(actions: readonly Action[]): void {
    const changes = actions.filter(({ type }) => type === 'create-pod' || type === 'delete-pod');
    assert.ok(changes.length <= 1, changes.map(({ type }) => type).join());
    for (const change of changes) {
      if (change.type !== 'create-pod') continue;
      for (const pod of this.pods.values()) {
        const isBefore = ordinalOf(pod) < ordinalOf(change.pod) && isInOrdinalRange(this.set, ordinalOf(pod));
        if (isBefore) assert.ok(isRunningAndReady(pod), `${pod.metadata.name} is not ready`);
      }
    }
  }
}

type Event =
  | { readonly type: 'scale'; readonly replicas: number }
  | { readonly type: 'template' }
  | { readonly type: 'partition'; readonly partition: number }
  | { readonly type: 'fail' | 'remove' | 'live'; readonly ordinal: number }
  | { readonly type: 'sync' };

const small = fc.nat({ max: 4 });
const events: fc.Arbitrary<Event> = fc.oneof(
  fc.record({ type: fc.constant('scale' as const), replicas: small }),
  fc.record({ type: fc.constant('template' as const) }),
  fc.record({ type: fc.constant('partition' as const), partition: small }),
  fc.record({ type: fc.constantFrom('fail' as const, 'remove' as const), ordinal: small }),
  { weight: 4, arbitrary: fc.record({ type: fc.constant('live' as const), ordinal: small }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('sync' as const) }) },
);
const retention = fc.constantFrom('Retain', 'Delete');

function happens(world: World, event: Event): void {
  switch (event.type) {
    case 'scale':
      world.change({ replicas: event.replicas });
      break;
    case 'template':
      world.changeTemplate();
      break;
    case 'partition':
      world.change({
        updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: event.partition } },
      });
      break;
    case 'sync':
      world.sync();
      break;
    default:
      world[event.type](`web-${event.ordinal}`);
  }
}

describe('a set that is driven', () => {
  for (const podManagementPolicy of ['OrderedReady', 'Parallel']) {
    it(`comes to what it says, whatever happened (${podManagementPolicy})`, () => {
      fc.assert(
        fc.property(
          retention,
          retention,
          fc.array(events, { maxLength: 40 }),
          (whenScaled, whenDeleted, story) => {
            const world = new World({
              podManagementPolicy,
              persistentVolumeClaimRetentionPolicy: { whenScaled, whenDeleted },
            });
            for (const event of story) happens(world, event);
            world.settle();
            assertAsAsked(world, whenScaled, whenDeleted);
            assert.equal(world.sync(), false, 'and rests');
          },
        ),
        { numRuns: 300 },
      );
    });
  }
});

function assertAsAsked(
  { set, pods, claims, missed, updateRevision }: World,
  whenScaled: string,
  whenDeleted: string,
): void {
  const { replicas = 1, updateStrategy } = set.spec!;
  const partition = updateStrategy?.rollingUpdate?.partition ?? 0;
  const wanted = Array.from({ length: replicas }, (_, ordinal) => `web-${ordinal}`);
  assert.deepEqual([...pods.keys()].sort(), wanted);
  for (const [name, pod] of pods) {
    if (ordinalOf(pod) >= partition) assert.equal(revisionOf(pod), updateRevision, name);
    const owners = claims.get(`data-${name}`)?.metadata.ownerReferences ?? [];
    assert.deepEqual(
      owners.map(({ kind }) => kind),
      whenDeleted === 'Delete' ? ['StatefulSet'] : [],
    );
  }
  for (const name of wanted) assert.ok(claims.has(`data-${name}`));
  if (whenScaled === 'Delete') {
    const left = [...claims.keys()].filter(
      (name) => !missed.has(name) && !pods.has(name.slice('data-'.length)),
    );
    assert.deepEqual(left, [], 'none is left of what was scaled away');
  }
  assert.equal(set.status?.readyReplicas ?? 0, replicas);
  if (partition === 0) assert.equal(set.status?.currentRevision, updateRevision);
}
