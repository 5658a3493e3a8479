import { Controller, type ControllerParts } from '../../client/index.ts';
import { keyOf } from '../../kube/index.ts';
import { GroupSync, groupDriverOf, groupKeyOf } from './group-sync.ts';
import { type GroupInformers, SNAPSHOTS_BY_GROUP, type World } from './world.ts';

type Settings = Omit<ConstructorParameters<typeof Controller>[0], 'name' | 'reconcile'>;

/** The part of the snapshot controller that looks after group snapshots, where there are any. */
export function groupControllers(
  world: World,
  informers: GroupInformers,
  settings: Settings,
  snapshotQueue: Controller,
): ControllerParts {
  const sync = new GroupSync(world);
  const groupQueue = new Controller({
    ...settings,
    name: 'snapshot-controller-group-snapshot',
    reconcile: (key) => sync.sync(key),
  });
  const contentQueue = new Controller({
    ...settings,
    name: 'snapshot-controller-group-content',
    async reconcile(name) {
      const content = world.groupContents.get(name);
      if (content) await sync.syncContent(content, (key) => groupQueue.enqueue(key));
    },
  });
  const { groups, groupContents } = informers;
  return {
    informers: { ...informers },
    listen: () => [
      groups.on({
        added: (group) => groupQueue.enqueue(keyOf(group)),
        updated: (group) => groupQueue.enqueue(keyOf(group)),
        deleted(group) {
          world.operations.groups.succeed('Delete', group, groupDriverOf(world, group));
          // Its snapshots have waited for it.
          for (const member of world.snapshots.byIndex(SNAPSHOTS_BY_GROUP, keyOf(group)))
            snapshotQueue.enqueue(keyOf(member));
          const name = group.status?.boundVolumeGroupSnapshotContentName;
          if (name) contentQueue.enqueue(name);
        },
      }),
      groupContents.on({
        added: ({ metadata }) => contentQueue.enqueue(metadata.name),
        updated: ({ metadata }) => contentQueue.enqueue(metadata.name),
        deleted: (content) => groupQueue.enqueue(groupKeyOf(content)),
      }),
    ],
    loops: [groupQueue, contentQueue],
  };
}
