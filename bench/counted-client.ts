import type { Client } from '../src/client/index.ts';

/** A client whose requests are counted, by verb and kind. Watches are not: there is one a kind, however many volumes. */
export function countedClient(client: Client): { client: Client; requests: Map<string, number> } {
  const requests = new Map<string, number>();
  const count =
    <Args extends readonly [{ readonly kind: string }, ...unknown[]], R>(
      verb: string,
      call: (...args: Args) => R,
    ) =>
    (...args: Args): R => {
      const key = `${verb} ${args[0].kind}`;
      requests.set(key, (requests.get(key) ?? 0) + 1);
      return call(...args);
    };
  return {
    requests,
    client: {
      ...client,
      get: count('get', client.get) as Client['get'],
      list: count('list', client.list) as Client['list'],
      create: count('create', client.create) as Client['create'],
      update: count('update', client.update) as Client['update'],
      patch: count('patch', client.patch) as Client['patch'],
      delete: count('delete', client.delete) as Client['delete'],
    },
  };
}

/** How many requests there were, without and with those for events, and what they were; forgets them. */
export function tally(requests: Map<string, number>): { own: number; events: number; list: string } {
  const entries = [...requests].sort(([, a], [, b]) => b - a);
  const sum = (of: typeof entries) => of.reduce((total, [, count]) => total + count, 0);
  const isEvent = ([key]: readonly [string, number]) => key.endsWith(' Event');
  requests.clear();
  return {
    own: sum(entries.filter((entry) => !isEvent(entry))),
    events: sum(entries.filter(isEvent)),
    list: entries.map(([key, count]) => `${key} ${count}`).join(', '),
  };
}
