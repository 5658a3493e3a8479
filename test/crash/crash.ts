import assert from 'node:assert/strict';
import { type Random, systemClock, withDeadline } from '../../src/base/index.ts';
import { configMaps } from '../../src/kube/index.ts';
import { Ledger } from './ledger.ts';
import { foundIn, NAMESPACE, objectOf } from './payload.ts';
import { type ServerProcess, startServer } from './server-process.ts';
import { Watcher } from './watcher.ts';
import { writeUntilGone } from './writer.ts';

const WRITERS = 8;
const WATCHERS = 3;
/** A server is killed after so many acknowledged writes, at most; drawn anew each time. */
const LIFE_WRITES = 150;
const LIMIT_MS = 60_000;

export interface CrashReport {
  readonly kills: number;
  readonly writes: number;
  readonly lists: number;
  readonly resumes: number;
}

/** Kills a server under load again and again and looks at what it kept. @throws AssertionError for anything lost. */
export async function crash(
  directory: string,
  kills: number,
  random: Random,
  onKill: (kill: number, report: CrashReport) => void = () => undefined,
): Promise<CrashReport> {
  const ledger = new Ledger();
  const watchers = Array.from({ length: WATCHERS }, () => new Watcher(random));
  const report = (kill: number): CrashReport => ({
    kills: kill,
    writes: ledger.writes,
    lists: watchers.reduce((sum, { lists }) => sum + lists, 0),
    resumes: watchers.reduce((sum, { resumes }) => sum + resumes, 0),
  });
  for (let kill = 1; kill <= kills; kill++) {
    const server = await startServer(directory);
    try {
      await settle(server, ledger);
      await liveAndDie(server, ledger, watchers, random);
    } finally {
      await server.kill();
    }
    onKill(kill, report(kill));
  }
  const last = await startServer(directory);
  try {
    await settle(last, ledger);
    await assertWatchersAgree(last, ledger, watchers);
  } finally {
    await last.kill();
  }
  return report(kills);
}

async function settle({ client }: ServerProcess, ledger: Ledger): Promise<void> {
  const list = await client.list(configMaps, { namespace: NAMESPACE });
  ledger.settle(list.items.map(foundIn), Number(list.metadata.resourceVersion));
}

/** Load until the kill, which comes at any moment of it. */
async function liveAndDie(
  server: ServerProcess,
  ledger: Ledger,
  watchers: readonly Watcher[],
  random: Random,
): Promise<void> {
  const { client } = server;
  const never = new AbortController().signal;
  const load = Promise.all([
    ...Array.from({ length: WRITERS }, (_, writer) => writeUntilGone(writer, { client, ledger, random })),
    ...watchers.map((watcher) => watcher.watchUntilGone(client, never)),
  ]);
  const enough = ledger.reach(ledger.writes + Math.floor(random.next() * LIFE_WRITES));
  try {
    await withDeadline(systemClock, LIMIT_MS, 'the load to be under way', Promise.race([load, enough]));
  } finally {
    await server.kill();
  }
  await withDeadline(systemClock, LIMIT_MS, 'clients of a dead server to notice', load);
}

/** After one more change each watcher has what a list has, and has missed nothing on the way. */
async function assertWatchersAgree(
  { client }: ServerProcess,
  ledger: Ledger,
  watchers: readonly Watcher[],
): Promise<void> {
  const done = new AbortController();
  const watching = watchers.map((watcher) => watcher.watchUntilGone(client, done.signal));
  const end = foundIn(await client.create(configMaps, objectOf('end', 0)));
  const all = Promise.all(watchers.map((watcher) => watcher.reach(end.revision)));
  await withDeadline(
    systemClock,
    LIMIT_MS,
    'watchers to see the last change',
    Promise.race([all, Promise.all(watching)]),
  );
  done.abort();
  await Promise.all(watching);
  const list = await client.list(configMaps, { namespace: NAMESPACE });
  for (const watcher of watchers) {
    assert.deepEqual(watcher.view, list.items.map(foundIn));
    watcher.assertSaw(ledger.acknowledged);
  }
}
