import { durationText, errorMessage, Metrics, sleep } from '../../base/index.ts';
import {
  type Component,
  type ComponentContext,
  Controller,
  ignoreNotFound,
  runControllers,
} from '../../client/index.ts';
import {
  nodes,
  type PersistentVolume,
  persistentVolumeClaims,
  persistentVolumes,
  type Stored,
} from '../../kube/index.ts';
import { cleanupMetrics } from './metrics.ts';
import { isStale, mayBeDeleted } from './stale.ts';

export interface NodeCleanupOptions {
  /** Of which classes volumes and claims may be deleted; of no other. */
  readonly storageClassNames: readonly string[];
  /** How long a node may be gone before its claims are. @default 60000 */
  readonly claimDeletionDelayMs?: number;
  /** Between two looks for volumes of nodes that are gone. @default 10000 */
  readonly discoveryPeriodMs?: number;
  /** How many claims at once. @default 10 */
  readonly workers?: number;
  /** @default they are not served */
  readonly metrics?: Metrics;
}

/**
 * Deletes the claims of local volumes whose node is gone, and then the volumes, so that a StatefulSet's pods can have
 * others elsewhere: the data is taken for lost. Source: node-cleanup of sig-storage-local-static-provisioner.
 */
export function createNodeCleanup(context: ComponentContext, options: NodeCleanupOptions): Component {
  const { client, clock, log, informers } = context;
  const { claimDeletionDelayMs = 60_000, discoveryPeriodMs = 10_000, workers = 10 } = options;
  const classes = new Set(options.storageClassNames);
  const counts = cleanupMetrics(options.metrics ?? new Metrics());
  const recorder = context.recorder('cleanup-controller');
  const known = {
    nodes: informers.of(nodes),
    volumes: informers.of(persistentVolumes),
    claims: informers.of(persistentVolumeClaims),
  };
  const stale = () =>
    [...known.volumes.values()].filter((volume) => isStale(volume, classes, known.nodes.values()));

  const queue = new Controller({
    name: 'stalePVQueue',
    clock,
    log,
    workers,
    observer: context.queues?.('stalePVQueue'),
    async reconcile(name) {
      const volume = known.volumes.get(name);
      // The node may have come back meanwhile.
      if (!volume || !isStale(volume, classes, known.nodes.values())) return;
      await deleteClaim(volume);
    },
  });

  /** The claim of the volume, if both agree that it is. */
  const deleteClaim = async (volume: Stored<PersistentVolume>): Promise<void> => {
    const { name = '', namespace = '', uid } = volume.spec?.claimRef ?? {};
    const claim = known.claims.get(name, namespace);
    if (!claim || claim.metadata.uid !== uid || claim.spec?.volumeName !== volume.metadata.name) return;
    try {
      const preconditions = { uid: claim.metadata.uid };
      await ignoreNotFound(client.delete(persistentVolumeClaims, { name, namespace }, { preconditions }));
    } catch (error) {
      counts.claimFailed();
      throw error;
    }
    counts.claimDeleted();
    log.info('deleted a claim whose node is gone', {
      claim: `${namespace}/${name}`,
      volume: volume.metadata.name,
    });
  };

  const startTimers = (): void => {
    for (const { metadata, spec } of stale()) {
      if (!spec?.claimRef) continue;
      const delay = durationText(claimDeletionDelayMs);
      recorder.event(
        spec.claimRef,
        'Warning',
        'ReferencedNodeDeleted',
        `PVC is tied to a deleted Node. PVC will be cleaned up in ${delay} if the Node doesn't come back`,
      );
      queue.enqueueAfter(metadata.name, claimDeletionDelayMs);
    }
  };

  const deleteVolumes = async (signal: AbortSignal): Promise<void> => {
    for (const { metadata, status } of stale().filter(mayBeDeleted)) {
      const { name, uid } = metadata;
      const phase = status!.phase!;
      try {
        await ignoreNotFound(client.delete(persistentVolumes, { name }, { preconditions: { uid }, signal }));
        counts.volumeDeleted(phase);
        log.info('deleted a volume whose node is gone', { volume: name });
      } catch (error) {
        if (signal.aborted) return;
        counts.volumeFailed(phase);
        log.warn('cannot delete a volume whose node is gone; trying again', {
          volume: name,
          error: errorMessage(error),
        });
      }
    }
  };

  const deleter = {
    async run(signal: AbortSignal): Promise<void> {
      while (!signal.aborted) {
        await deleteVolumes(signal);
        await sleep(clock, discoveryPeriodMs, signal).catch(() => undefined);
      }
    },
  };

  return {
    name: 'local volume node cleanup',
    start: (signal) =>
      runControllers(signal, {
        informers: known,
        listen() {
          startTimers();
          return [known.nodes.on({ deleted: startTimers })];
        },
        loops: [queue, deleter],
      }),
  };
}
