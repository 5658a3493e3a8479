import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { systemClock, turn } from '../../base/index.ts';
import type { KubeObject, StatusError } from '../../kube/index.ts';
import { type Engine, type EngineBatch, StorageFullError } from './engine.ts';
import { Store } from './store.ts';

interface Commit {
  readonly batch: EngineBatch;
  succeed(): void;
  fail(error: Error): void;
}

/** An engine whose commits end when the test says so. */
function manualEngine() {
  const commits: Commit[] = [];
  const engine: Engine = {
    load: () => ({ revision: 41, rows: [] }),
    commit: (batch) =>
      new Promise((resolve, reject) => commits.push({ batch, succeed: resolve, fail: reject })),
    close: () => Promise.resolve(),
  };
  return { engine, commits };
}

const object = (name: string, note = '') =>
  Object.freeze({ metadata: Object.freeze({ name, annotations: { note } }) }) as KubeObject;

function open() {
  const { engine, commits } = manualEngine();
  const store = new Store(engine, systemClock);
  return { store, table: store.table('pods'), commits };
}

describe('group commit', () => {
  it('shows a write to writers at once and to readers only when it is durable', async () => {
    const { store, table, commits } = open();
    const { entry, durable } = store.put(table, 'default/a', object('a'));
    assert.equal(entry.revision, 42);
    assert.equal(table.head('default/a'), entry);
    assert.equal(table.get('default/a'), undefined);
    assert.equal(store.revision, 41);
    await turn();
    assert.equal(commits.length, 1);
    assert.equal(table.get('default/a'), undefined);
    commits[0]!.succeed();
    await durable;
    assert.equal(table.get('default/a'), entry);
    assert.equal(store.revision, 42);
    assert.equal(table.settled('default/a'), undefined);
  });

  it('collects the writes made during a commit into the next one', async () => {
    const { store, table, commits } = open();
    store.put(table, 'a', object('a'));
    await turn();
    const later = ['b', 'c', 'd'].map((name) => store.put(table, name, object(name)));
    await turn();
    assert.equal(commits.length, 1);
    commits[0]!.succeed();
    await turn();
    assert.deepEqual(
      commits[1]!.batch.writes.map((write) => write.key),
      ['b', 'c', 'd'],
    );
    assert.equal(commits[1]!.batch.revision, 45);
    commits[1]!.succeed();
    await Promise.all(later.map((write) => write.durable));
    assert.equal(store.revision, 45);
  });

  it('wakes watchers after the batch, with all of it in the log', async () => {
    const { store, table, commits } = open();
    const end = table.log.end;
    const woken = new Promise<void>((resolve) => table.onChange(resolve));
    store.put(table, 'a', object('a'));
    store.put(table, 'a', object('a', 'second'));
    store.remove(table, 'a', object('a', 'second'));
    await turn();
    commits[0]!.succeed();
    await woken;
    const events = table.log.read(end, 10)!;
    assert.deepEqual(
      events.map((event) => [event.revision, event.deleted]),
      [
        [42, false],
        [43, false],
        [44, true],
      ],
    );
    assert.equal(table.get('a'), undefined);
  });

  it('keeps what was durable and refuses what was not when the disk is full, and goes on', async () => {
    const { store, table, commits } = open();
    const first = store.put(table, 'a', object('a', 'kept'));
    await turn();
    commits[0]!.succeed();
    await first.durable;
    const lost = store.put(table, 'a', object('a', 'lost'));
    await turn();
    const built = store.put(table, 'b', object('b'));
    commits[1]!.fail(new StorageFullError('no space left on device'));
    await assert.rejects(
      lost.durable,
      (error: StatusError) => error.code === 507 && /no space/.test(error.message),
    );
    await assert.rejects(built.durable, (error: StatusError) => error.code === 507);
    assert.equal(table.head('a'), first.entry);
    assert.equal(table.head('b'), undefined);
    const again = store.put(table, 'b', object('b'));
    await turn();
    commits[2]!.succeed();
    await again.durable;
    assert.equal(table.get('b'), again.entry);
    assert.ok(again.entry.revision > lost.entry.revision);
  });

  it('refuses everything once the disk has failed, and says so', async () => {
    const { store, table, commits } = open();
    const lost = store.put(table, 'a', object('a'));
    await turn();
    commits[0]!.fail(new Error('disk I/O error'));
    await assert.rejects(lost.durable, (error: StatusError) => error.code === 503);
    assert.equal((await store.failed).message, 'disk I/O error');
    assert.throws(() => store.put(table, 'b', object('b')), /the store has failed: disk I\/O error/);
    assert.throws(() => store.assertServing());
  });

  it('waits for the writes under way when it closes', async () => {
    const { store, table, commits } = open();
    const write = store.put(table, 'a', object('a'));
    const closed = store.close();
    await turn();
    commits[0]!.succeed();
    await closed;
    await write.durable;
    assert.throws(() => store.put(table, 'b', object('b')), /shutting down/);
  });
});
