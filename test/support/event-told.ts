import { waitUntil } from '../../src/client/index.ts';
import type { Cluster } from '../../src/cluster.ts';
import { events } from '../../src/kube/index.ts';

/** Waits for an event on an object (`KIND/NAME`); resolves to its message. */
export function eventTold(
  cluster: Pick<Cluster, 'informers' | 'clock'>,
  object: string,
  reason: string,
  says: RegExp,
  limitMs = 60_000,
): Promise<string> {
  const [kind, name] = object.split('/');
  const informer = cluster.informers.of(events);
  const matching = () =>
    [...informer.values()].find(
      (event) =>
        event.involvedObject.kind === kind &&
        event.involvedObject.name === name &&
        event.reason === reason &&
        says.test(event.message ?? ''),
    )?.message;
  return waitUntil([informer] as never, matching, {
    clock: cluster.clock,
    limitMs,
    what: `event ${reason} ${says} on ${object}`,
  });
}
