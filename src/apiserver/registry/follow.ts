import type { KubeObject, Stored } from '../../kube/index.ts';
import type { Follower } from '../auth/authorization/contract.ts';
import type { Table } from '../store/index.ts';

/** How many changes are taken from the log at once. */
const BATCH_LIMIT = 1000;

/** Hands over the durable objects of a table at once, and then each durable change before its write is acknowledged. */
export function follow<T extends KubeObject>(table: Table, follower: Follower<T>): void {
  let position = 0;
  const start = () => {
    position = table.log.end;
    for (const [key, entry] of table.entries()) follower.change(key, entry.object as Stored<T>, undefined);
  };
  start();
  table.onChange(() => {
    for (;;) {
      const events = table.log.read(position, BATCH_LIMIT);
      if (!events) {
        // More was written in one batch than the log keeps.
        follower.reset();
        return start();
      }
      if (events.length === 0) return;
      position += events.length;
      for (const { key, entry, previous, deleted } of events)
        follower.change(
          key,
          deleted ? undefined : (entry.object as Stored<T>),
          previous?.object as Stored<T> | undefined,
        );
    }
  });
}
