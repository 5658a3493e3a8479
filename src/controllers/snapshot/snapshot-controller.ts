import type { BackoffPolicy } from '../../base/index.ts';
import { type Component, type ComponentContext, Controller, runControllers } from '../../client/index.ts';
import { isBeingDeleted, joinKey, keyOf, type PersistentVolumeClaim, type Stored } from '../../kube/index.ts';
import { snapshotKeyOf, syncContent } from './content-sync.ts';
import { groupControllers } from './group-controllers.ts';
import { driverOf, SnapshotSync } from './snapshot-sync.ts';
import { releaseLeavingClaim } from './source-claim.ts';
import { openWorld, type WorldOptions } from './world.ts';

/** Flags of upstream's snapshot-controller; durations are milliseconds. */
export interface SnapshotControllerOptions extends WorldOptions {
  /** --retry-interval-start and --retry-interval-max. @default 1 s doubling to 5 min */
  readonly backoff?: BackoffPolicy;
  /** --worker-threads. @default 10 */
  readonly workers?: number;
}

const BACKOFF: BackoffPolicy = { initialMs: 1_000, maxMs: 300_000 };

/**
 * Binds VolumeSnapshots and VolumeSnapshotContents, and takes both down again: the part of external-snapshotter that
 * there is once a cluster. What concerns the driver is its csi-snapshotter's.
 */
export function createSnapshotController(
  context: ComponentContext,
  options: SnapshotControllerOptions = {},
): Component {
  const { clock, log } = context;
  const { backoff = BACKOFF, workers = 10 } = options;
  const world = openWorld(context, options);
  const settings = { clock, log, backoff, workers };
  const sync = new SnapshotSync(world);
  const snapshotQueue = new Controller({
    ...settings,
    name: 'snapshot-controller-snapshot',
    reconcile: (key) => sync.sync(key),
  });
  const claimQueue = new Controller({
    ...settings,
    name: 'snapshot-controller-claim',
    reconcile: (key) => releaseLeavingClaim(world, key),
  });
  const lookAtClaim = (claim: Stored<PersistentVolumeClaim>) => {
    if (isBeingDeleted(claim)) claimQueue.enqueue(keyOf(claim));
  };
  const contentQueue = new Controller({
    ...settings,
    name: 'snapshot-controller-content',
    async reconcile(name) {
      const content = world.contents.get(name);
      if (content) await syncContent(world, content, (key) => snapshotQueue.enqueue(key));
    },
  });
  const groups =
    world.groupInformers && groupControllers(world, world.groupInformers, settings, snapshotQueue);
  const { snapshots, contents, classes, claims, nodes } = world;
  return {
    name: 'snapshot-controller',
    start: (signal) =>
      runControllers(signal, {
        informers: { snapshots, contents, classes, claims, ...(nodes && { nodes }), ...groups?.informers },
        listen: () => [
          snapshots.on({
            added: (snapshot) => snapshotQueue.enqueue(keyOf(snapshot)),
            updated: (snapshot) => snapshotQueue.enqueue(keyOf(snapshot)),
            deleted(snapshot) {
              const { metadata, spec, status } = snapshot;
              world.operations.snapshots.succeed('Delete', snapshot, driverOf(world, snapshot));
              if (status?.boundVolumeSnapshotContentName)
                contentQueue.enqueue(status.boundVolumeSnapshotContentName);
              const claim = spec.source.persistentVolumeClaimName;
              if (claim !== undefined) claimQueue.enqueue(joinKey(metadata.namespace, claim));
            },
          }),
          claims.on({ added: lookAtClaim, updated: lookAtClaim }),
          contents.on({
            added: ({ metadata }) => contentQueue.enqueue(metadata.name),
            updated: ({ metadata }) => contentQueue.enqueue(metadata.name),
            deleted: (content) => snapshotQueue.enqueue(snapshotKeyOf(content)),
          }),
          ...(groups?.listen() ?? []),
        ],
        loops: [snapshotQueue, contentQueue, claimQueue, ...(groups?.loops ?? [])],
      }),
  };
}
