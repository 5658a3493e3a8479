// What a durable commit costs: node:sqlite in three ways and lmdb, beside the floor, a bare append with fdatasync.
// Run: node bench/store.ts [directory on the disk to measure]
import { closeSync, constants, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memoryUsage } from 'node:process';
import { DatabaseSync } from 'node:sqlite';
import { sqliteEngine } from '../src/apiserver/store/sqlite-engine.ts';

const OBJECT_BYTES = 1500;
const ROUNDS = 500;
const WRITERS = 32;
const CREATES = 10_000;

/** One way to make writes durable. */
interface Candidate {
  readonly name: string;
  commit(keys: readonly string[]): Promise<void>;
  close(): Promise<void> | void;
}

const value = Buffer.alloc(OBJECT_BYTES, 'x');
const root = mkdtempSync(join(process.argv[2] ?? tmpdir(), 'stowage-bench-'));

try {
  const candidates = [floor, sqliteFull, sqliteEngineCandidate, lmdb];
  const rows: Record<string, string>[] = [];
  for (const open of candidates) {
    const candidate = await open();
    if (!candidate) continue;
    rows.push(await measure(candidate));
    await candidate.close();
  }
  console.log(
    `durable commits of ${OBJECT_BYTES}-byte objects on ${root}, ${ROUNDS} rounds, median (99th) in ms`,
  );
  console.table(rows);
} finally {
  rmSync(root, { recursive: true, force: true });
}

async function measure(candidate: Candidate): Promise<Record<string, string>> {
  const row: Record<string, string> = { store: candidate.name };
  for (const size of [1, 100]) {
    const times: number[] = [];
    const blocked: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const keys = Array.from({ length: size }, (_, index) => `default/o-${size}-${round}-${index}`);
      const begin = performance.now();
      const done = candidate.commit(keys);
      blocked.push(performance.now() - begin);
      await done;
      times.push(performance.now() - begin);
    }
    row[`commit of ${size}`] = summary(times);
    row[`of it loop blocked, ${size}`] = summary(blocked);
  }
  row[`creates/s, ${WRITERS} writers`] = String(Math.round(await grouped(candidate)));
  row['rss MB'] = String(Math.round(memoryUsage().rss / 2 ** 20));
  return row;
}

/** Writers that each wait for their own write; writes made during a commit form the next one. */
async function grouped(candidate: Candidate): Promise<number> {
  let batch: { key: string; done: () => void }[] = [];
  let working = false;
  const work = async () => {
    working = true;
    while (batch.length > 0) {
      const current = batch;
      batch = [];
      await candidate.commit(current.map(({ key }) => key));
      for (const { done } of current) done();
      // Lets the writers react, as requests do.
      await Promise.resolve();
    }
    working = false;
  };
  const write = (key: string) =>
    new Promise<void>((done) => {
      batch.push({ key, done });
      if (!working) void work();
    });
  let next = 0;
  const begin = performance.now();
  await Promise.all(
    Array.from({ length: WRITERS }, async () => {
      while (next < CREATES) await write(`default/g-${next++}`);
    }),
  );
  return (CREATES / (performance.now() - begin)) * 1000;
}

function summary(times: number[]): string {
  const sorted = times.sort((a, b) => a - b);
  return `${sorted[sorted.length >> 1]!.toFixed(3)} (${sorted[Math.floor(sorted.length * 0.99)]!.toFixed(2)})`;
}

function floor(): Candidate {
  const fd = openSync(join(root, 'floor'), constants.O_CREAT | constants.O_WRONLY | constants.O_APPEND);
  return {
    name: 'floor: append + fdatasync',
    async commit(keys) {
      writeSync(fd, Buffer.concat(keys.map(() => value)));
      fdatasyncSync(fd);
    },
    close: () => closeSync(fd),
  };
}

function sqliteFull(): Candidate {
  const db = new DatabaseSync(join(root, 'full.db'));
  db.exec(
    'PRAGMA page_size = 8192; PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL',
  );
  db.exec('CREATE TABLE objects (resource TEXT, key TEXT, value BLOB, PRIMARY KEY (resource, key))');
  const put = db.prepare('INSERT OR REPLACE INTO objects VALUES (?, ?, ?)');
  return {
    name: 'node:sqlite, WAL, synchronous=FULL',
    async commit(keys) {
      db.exec('BEGIN');
      for (const key of keys) put.run('pods', key, value);
      db.exec('COMMIT');
    },
    close: () => db.close(),
  };
}

function sqliteEngineCandidate(): Candidate {
  const engine = sqliteEngine(join(root, 'engine'));
  let revision = 0;
  return {
    name: 'node:sqlite, WAL, own fdatasync (chosen)',
    commit: (keys) =>
      engine.commit({
        revision: ++revision,
        writes: keys.map((key) => ({ table: 'pods', key, revision, deleted: false, value })),
      }),
    close: () => engine.close(),
  };
}

interface LmdbModule {
  open(options: object): {
    put(key: string, value: Buffer): Promise<boolean>;
    batch(work: () => void): Promise<unknown>;
    close(): Promise<void>;
  };
}

/** Measured only where it is installed (`npm i --no-save lmdb`): it was not chosen. */
async function lmdb(): Promise<Candidate | undefined> {
  const name = 'lmdb';
  const found = await import(name).then(
    (module: LmdbModule) => module,
    () => undefined,
  );
  if (!found) {
    console.log('lmdb is not installed (npm i --no-save lmdb): not measured');
    return undefined;
  }
  const db = found.open({ path: join(root, 'lmdb'), encoding: 'binary', overlappingSync: false });
  return {
    name: 'lmdb, durable commits',
    async commit(keys) {
      await db.batch(() => {
        for (const key of keys) void db.put(`pods/${key}`, value);
      });
    },
    close: () => db.close(),
  };
}
