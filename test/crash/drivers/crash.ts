import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { type Random, systemClock, withDeadline } from '../../../src/base/index.ts';
import type { CsiClient } from '../../../src/csi/index.ts';
import { storageDirectory } from './directories.ts';
import { Ledger } from './ledger.ts';
import { type DriverKind, openStorage } from './open-storage.ts';
import { type DriverProcess, startDriver, startInVain } from './process.ts';

import type { Storage } from './storage.ts';
import { workUntilGone } from './worker.ts';

const WORKERS = 6;
/** A driver is killed after so many answers, at most; drawn anew each time. */
const LIFE_ANSWERS = 40;
/** One life in so many ends before the driver serves, and so does the next one. */
const IN_VAIN = 0.2;
const STARTING_MS = 400;
const LIMIT_MS = 120_000;

export interface DriverCrashReport {
  readonly kills: number;
  readonly answers: number;
  /** Calls that a kill has cut short. */
  readonly unanswered: number;
}

/** Kills a driver under load again and again and looks at what it kept, and what it left. @throws AssertionError */
export async function crashDriver(
  kind: DriverKind,
  directory: string,
  { kills, random }: { kills: number; random: Random },
  onKill: (report: DriverCrashReport) => void = () => undefined,
): Promise<DriverCrashReport> {
  const ledger = new Ledger();
  const report = (kill: number) => ({ kills: kill, answers: ledger.answers, unanswered: ledger.unanswered });
  const storage = await openStorage(kind, directory);
  try {
    for (let kill = 1; kill <= kills; kill++) {
      if (random.next() < IN_VAIN) await startInVain(kind, directory, random.next() * STARTING_MS);
      else
        await withDriver(kind, directory, async (driver) => {
          await settle(driver.client, ledger, storage);
          await liveAndDie(driver, ledger, storage, random);
        });
      onKill(report(kill));
    }
    await withDriver(kind, directory, async (last) => {
      await settle(last.client, ledger, storage);
      await removeAll(last.client, ledger, storage, directory);
      assert.equal(await last.stop(), 0);
    });
  } finally {
    await storage.close();
  }
  return report(kills);
}

async function withDriver(
  kind: DriverKind,
  directory: string,
  use: (driver: DriverProcess) => Promise<void>,
): Promise<void> {
  const driver = await startDriver(kind, directory);
  try {
    await use(driver);
  } finally {
    await driver.kill();
  }
}

/** What the driver says that there is, and what is on the disk, is what the callers have a right to. */
async function settle(client: CsiClient, ledger: Ledger, storage: Storage): Promise<void> {
  if (!storage.finishesAlone) await ledger.askAgain(client);
  const found = await storage.find(client);
  ledger.settle(found);
  await storage.assertNothingBeside(found);
}

/** Load until the kill, which comes at any moment of it. */
async function liveAndDie(
  driver: DriverProcess,
  ledger: Ledger,
  storage: Storage,
  random: Random,
): Promise<void> {
  let isOver = false;
  const load = { client: driver.client, ledger, storage, random, isOver: () => isOver };
  const work = Promise.all(Array.from({ length: WORKERS }, (_, worker) => workUntilGone(worker, load)));
  const enough = ledger.reach(ledger.answers + Math.floor(random.next() * LIFE_ANSWERS));
  try {
    await withDeadline(systemClock, LIMIT_MS, 'the load to be under way', Promise.race([work, enough]));
  } finally {
    isOver = true;
    await driver.kill();
  }
  await withDeadline(systemClock, LIMIT_MS, 'callers of a dead driver to notice', work);
}

async function removeAll(
  client: CsiClient,
  ledger: Ledger,
  storage: Storage,
  directory: string,
): Promise<void> {
  for (const id of ledger.names) {
    if (ledger.known(id)?.kind === 'snapshot') await client.controller.deleteSnapshot({ snapshotId: id });
    else {
      await storage.unpublish(client, id);
      await client.controller.deleteVolume({ volumeId: id, secrets: storage.secrets });
    }
  }
  const left = readdirSync(storageDirectory(directory)).filter((name) => name !== '.stowage');
  assert.deepEqual(left, []);
  await storage.assertNothingBeside(new Map());
}
