import type { Informer, Informers } from '../client/index.ts';
import {
  csiDrivers,
  csiNodes,
  csiStorageCapacities,
  isBeingDeleted,
  isPodTerminal,
  type KubeObject,
  keyOf,
  nodes,
  type Pod,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  type Stored,
  storageClasses,
  volumeAttachments,
} from '../kube/index.ts';
import type { Cache } from './cache.ts';
import {
  ADD,
  type ClusterEvent,
  DELETE,
  type EventResource,
  event,
  nodeUpdateEvents,
  podUpdateEvents,
  UPDATE,
} from './cluster-events.ts';
import type { Nominator } from './nominator.ts';
import { podInfo } from './pod-info.ts';
import type { SchedulingQueue } from './queue.ts';

export interface EventHandlerOptions {
  readonly informers: Informers;
  readonly cache: Cache;
  readonly queue: SchedulingQueue;
  readonly nominator: Nominator;
  /** Whether the pod is this scheduler's to place. */
  isOurs(pod: Stored<Pod>): boolean;
  /** A pod of ours that has no node was seen, now or again. */
  onPending(pod: Stored<Pod>): void;
  /** A pod is gone, finished or placed, and will not be waited for any more. */
  onSettled(pod: Stored<Pod>): void;
}

/**
 * Brings what happens in the cluster to the cache and the queue. Returns what undoes it, and the informers that must
 * have synced before the first pod is tried.
 */
export function handleClusterEvents(options: EventHandlerOptions): {
  informers: readonly { synced: Promise<void> }[];
  stop: () => void;
} {
  const { informers, cache, queue } = options;
  const stops: (() => void)[] = [];
  const podInformer = informers.of(pods);
  const nodeInformer = informers.of(nodes);
  stops.push(
    nodeInformer.on({
      added: (node) => {
        cache.setNode(node);
        queue.move(event('Node', ADD, undefined, node));
      },
      updated: (node, before) => {
        cache.setNode(node);
        for (const change of nodeUpdateEvents(before, node)) queue.move(change);
      },
      deleted: (node) => {
        cache.removeNode(node.metadata.name);
        queue.move(event('Node', DELETE, node, undefined));
      },
    }),
  );
  stops.push(podInformer.on(podHandler(options)));
  const others = [
    follow(informers.of(persistentVolumes), 'PersistentVolume'),
    follow(informers.of(persistentVolumeClaims), 'PersistentVolumeClaim'),
    follow(informers.of(storageClasses), 'StorageClass'),
    follow(informers.of(csiNodes), 'CSINode'),
    follow(informers.of(csiDrivers), 'CSIDriver'),
    follow(informers.of(csiStorageCapacities), 'CSIStorageCapacity'),
    follow(informers.of(volumeAttachments), 'VolumeAttachment'),
  ];
  function follow<T extends KubeObject>(informer: Informer<T>, resource: EventResource) {
    const move = (action: number, before?: unknown, after?: unknown) =>
      queue.move({ resource, action, before, after } satisfies ClusterEvent);
    stops.push(
      informer.on({
        added: (object) => move(ADD, undefined, object),
        updated: (object, before) => move(UPDATE, before, object),
        deleted: (object) => move(DELETE, object),
      }),
    );
    return informer;
  }
  return {
    informers: [podInformer, nodeInformer, ...others],
    stop: () => {
      for (const stop of stops) stop();
    },
  };
}

function podHandler({ cache, queue, nominator, isOurs, onPending, onSettled }: EventHandlerOptions) {
  const added = (pod: Stored<Pod>) => {
    // To scheduling, a pod that has ended is gone: it takes nothing any more.
    if (isPodTerminal(pod)) return;
    if (pod.spec?.nodeName) {
      cache.setPod(pod);
      queue.move(event('Pod', ADD, undefined, pod));
    } else if (isOurs(pod)) {
      onPending(pod);
      const info = podInfo(pod);
      nominator.set(info);
      queue.add(info);
    }
  };
  const deleted = (pod: Stored<Pod>) => {
    onSettled(pod);
    queue.delete(keyOf(pod));
    nominator.delete(pod.metadata.uid);
    release(pod);
  };
  const release = (pod: Stored<Pod>) => {
    const nodeName = cache.removePod(pod.metadata.uid);
    if (nodeName === undefined) {
      // Pods that go after it have kept off the node that it was promised.
      const priority = pod.spec?.priority ?? 0;
      if (pod.status?.nominatedNodeName && !pod.spec?.nodeName)
        queue.move(event('Pod', DELETE, pod, undefined), (other) => other.priority <= priority);
      return;
    }
    // A pod that was only assumed on its node carries no node name, but what it took there is free again.
    const placed = { ...pod, spec: { ...pod.spec, nodeName } } as Stored<Pod>;
    queue.move(event('Pod', DELETE, placed, undefined));
  };
  const updated = (pod: Stored<Pod>, before: Stored<Pod>) => {
    if (pod.metadata.uid !== before.metadata.uid || isPodTerminal(before) !== isPodTerminal(pod)) {
      deleted(before);
      added(pod);
    } else if (isPodTerminal(pod)) return;
    else if (pod.spec?.nodeName) {
      cache.setPod(pod);
      if (!before.spec?.nodeName) {
        onSettled(pod);
        queue.delete(keyOf(pod));
        nominator.delete(pod.metadata.uid);
        queue.move(event('Pod', ADD, undefined, pod));
      } else for (const change of podUpdateEvents(before, pod)) queue.move(change);
    } else if (cache.isAssumed(pod.metadata.uid)) {
      // Its binding will fail now; what it had taken is free.
      if (isBeingDeleted(pod)) release(pod);
    } else if (isOurs(pod)) {
      const info = podInfo(pod);
      nominator.update(info, before.status?.nominatedNodeName);
      queue.update(info, podUpdateEvents(before, pod));
    }
  };
  return { added, updated, deleted };
}
