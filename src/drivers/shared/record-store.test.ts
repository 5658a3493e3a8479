import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { systemClock } from '../../base/index.ts';
import type { Files } from '../../host/index.ts';
import { createLinuxHost } from '../../host/linux/index.ts';
import { fieldsOf } from './record-files.ts';
import { RecordStore } from './record-store.ts';

interface Note {
  readonly text: string;
}

const { files } = createLinuxHost({ clock: systemClock });

function parse(text: string, path: string): Note {
  const fields = fieldsOf(text);
  if (typeof fields.text !== 'string') throw new Error(`${path} is no note`);
  return { text: fields.text };
}

function temporaryDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'stowage-records-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return join(directory, 'records');
}

const open = (directory: string, through: Files = files) =>
  RecordStore.open<Note>({ files: through, directory, parse });

/** Files whose `failing` calls fail from the nth change on. */
function breaking(at: number): Files {
  let left = at;
  const changes: readonly (string | symbol)[] = ['writeAtomic', 'removeFile', 'syncDirectory'];
  return new Proxy(files, {
    get(real, name) {
      const method = Reflect.get(real, name) as (...args: unknown[]) => unknown;
      if (!changes.includes(name)) return method;
      return async (...args: unknown[]) => {
        if (left-- <= 0) throw new Error('EIO');
        return method(...args);
      };
    },
  });
}

describe('a record store', () => {
  it('has after a restart what it had before, for its owner only', async (t) => {
    const directory = temporaryDirectory(t);
    const store = await open(directory);
    await Promise.all(['a', 'b', 'c'].map((id) => store.put(id, { text: id })));
    await store.put('a', { text: 'changed' });
    await store.remove('b');
    await store.remove('never-there');
    const again = await open(directory);
    assert.deepEqual(again.all(), [{ text: 'changed' }, { text: 'c' }]);
    assert.deepEqual(again.get('a'), { text: 'changed' });
    assert.equal(again.get('b'), undefined);
    assert.equal(statSync(directory).mode & 0o777, 0o700);
    assert.equal(statSync(join(directory, 'a.json')).mode & 0o777, 0o600);
  });

  it('sweeps away what a write that was cut short has left, and nothing else', async (t) => {
    const directory = temporaryDirectory(t);
    mkdirSync(directory);
    for (const name of ['.a.json.12.0.tmp', '.hidden', 'README', '-x.json'])
      writeFileSync(join(directory, name), 'x');
    assert.deepEqual((await open(directory)).all(), []);
    assert.deepEqual(readdirSync(directory).sort(), ['-x.json', '.hidden', 'README']);
  });

  it('does not open, and touches nothing, when a record cannot be read', async (t) => {
    const directory = temporaryDirectory(t);
    await (await open(directory)).put('a', { text: 'kept' });
    writeFileSync(join(directory, 'b.json'), '{"tex');
    writeFileSync(join(directory, '.c.json.1.1.tmp'), '');
    await assert.rejects(open(directory), /b\.json is no note/);
    rmSync(join(directory, 'b.json'));
    mkdirSync(join(directory, 'b.json'));
    await assert.rejects(open(directory), /b\.json: not a plain file; move it away/);
    assert.deepEqual(readdirSync(directory).sort(), ['.c.json.1.1.tmp', 'a.json', 'b.json']);
  });

  for (const [what, change] of [
    ['put', (store: RecordStore<Note>) => store.put('a', { text: 'new' })],
    ['remove', (store: RecordStore<Note>) => store.remove('a')],
  ] as const) {
    it(`a ${what} that fails leaves the old record or the new one, and can be tried again`, async (t) => {
      for (let at = 0; at < 4; at++) {
        const directory = `${temporaryDirectory(t)}-${at}`;
        await (await open(directory)).put('a', { text: 'old' });
        const outcome = await open(directory, breaking(at)).then((store) =>
          change(store).then(
            () => 'done',
            () => {
              assert.deepEqual(store.get('a'), { text: 'old' }, 'not told, so not changed');
              return 'failed';
            },
          ),
        );
        const found = (await open(directory)).get('a');
        const fresh = what === 'put' ? { text: 'new' } : undefined;
        if (outcome === 'done') assert.deepEqual(found, fresh);
        else
          assert.ok(
            found === fresh || [JSON.stringify(fresh), '{"text":"old"}'].includes(JSON.stringify(found)),
          );
        const again = await open(directory);
        await change(again);
        assert.deepEqual(again.get('a'), fresh);
        if (what === 'put') assert.equal(readFileSync(join(directory, 'a.json'), 'utf8'), '{"text":"new"}\n');
        else assert.deepEqual(readdirSync(directory), []);
      }
    });
  }
});
