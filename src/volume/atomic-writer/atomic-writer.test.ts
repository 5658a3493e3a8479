import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { systemClock } from '../../base/index.ts';
import { createLinuxHost } from '../../host/index.ts';
import { invalidPath, type Payload, writePayload } from './atomic-writer.ts';
import { makePayload } from './payload.ts';

const { files } = createLinuxHost({ clock: systemClock });

async function volume(test: TestContext): Promise<string> {
  const directory = await fs.mkdtemp(join(tmpdir(), 'atomic-writer-'));
  test.after(() => fs.rm(directory, { recursive: true }));
  return directory;
}

const payload = (entries: Record<string, string>, mode = 0o644): Payload =>
  new Map(Object.entries(entries).map(([path, text]) => [path, { data: Buffer.from(text), mode }]));

describe('invalidPath', () => {
  const cases: [string, boolean][] = [
    ['key', true],
    ['deep/er/key', true],
    ['..hidden/key', false],
    ['', false],
    ['/etc/passwd', false],
    ['a/../b', false],
    ['a..b', true],
    ['x'.repeat(256), false],
    [`${'x/'.repeat(2100)}y`, false],
  ];
  for (const [path, good] of cases)
    it(`${path.slice(0, 20) || '(empty)'} is ${good ? '' : 'not '}allowed`, () =>
      assert.equal(invalidPath(path) === undefined, good));
});

describe('writePayload', () => {
  it('shows files as links through ..data', async (test) => {
    const directory = await volume(test);
    assert.equal(
      await writePayload(files, directory, payload({ a: '1', 'd/b': '2' }, 0o600), { nowMs: 0 }),
      true,
    );
    assert.equal(await fs.readFile(join(directory, 'a'), 'utf8'), '1');
    assert.equal(await fs.readFile(join(directory, 'd/b'), 'utf8'), '2');
    assert.equal(await fs.readlink(join(directory, 'a')), '..data/a');
    assert.equal(await fs.readlink(join(directory, '..data')), '..1970_01_01_00_00_00.0');
    assert.equal((await fs.stat(join(directory, 'a'))).mode & 0o777, 0o600);
  });

  it('removes nothing that a link which is none of ours leads to', async (test) => {
    const directory = await volume(test);
    const other = await volume(test);
    await fs.writeFile(join(other, 'kept'), '');
    await fs.mkdir(join(directory, 'plain'));
    for (const target of [`../../../../..${other}`, other, 'plain', '.']) {
      await fs.rm(join(directory, '..data'), { force: true });
      await fs.symlink(target, join(directory, '..data'));
      assert.equal(await writePayload(files, directory, payload({ a: target }), { nowMs: 0 }), true);
      assert.equal(await fs.readFile(join(directory, 'a'), 'utf8'), target);
    }
    assert.deepEqual(await fs.readdir(other), ['kept']);
    assert.ok((await fs.readdir(directory)).includes('plain'));
  });

  it('writes nothing when nothing changed', async (test) => {
    const directory = await volume(test);
    const same = payload({ a: '1' });
    await writePayload(files, directory, same, { nowMs: 0 });
    await fs.unlink(join(directory, 'a')); // a visible link that got lost comes back
    assert.equal(await writePayload(files, directory, same, { nowMs: 1 }), false);
    assert.equal(await fs.readFile(join(directory, 'a'), 'utf8'), '1');
    assert.equal(await fs.readlink(join(directory, '..data')), '..1970_01_01_00_00_00.0');
  });

  it('swaps all files at once and removes what has gone', async (test) => {
    const directory = await volume(test);
    await writePayload(files, directory, payload({ a: '1', 'd/b': '2', c: '3' }), { nowMs: 0 });
    const open = await fs.open(join(directory, 'a'));
    test.after(() => open.close());
    assert.equal(await writePayload(files, directory, payload({ a: 'new', c: '3' }), { nowMs: 0 }), true);
    assert.equal(await fs.readFile(join(directory, 'a'), 'utf8'), 'new');
    assert.equal(await open.readFile('utf8'), '1', 'whoever reads goes on reading the old one');
    const names = (await fs.readdir(directory)).sort();
    assert.deepEqual(names, ['..1970_01_01_00_00_00.1', '..data', 'a', 'c']);
  });

  it('leaves the old content when it fails before the swap', async (test) => {
    const directory = await volume(test);
    await writePayload(files, directory, payload({ a: '1' }), { nowMs: 0 });
    const failing = writePayload(files, directory, payload({ a: '2' }), {
      nowMs: 5,
      beforePublish: async () => {
        throw new Error('chown refused');
      },
    });
    await assert.rejects(failing, /chown refused/);
    assert.equal(await fs.readFile(join(directory, 'a'), 'utf8'), '1');
    assert.deepEqual((await fs.readdir(directory)).sort(), ['..1970_01_01_00_00_00.0', '..data', 'a']);
  });

  it('refuses a payload with a path that leads out', async (test) => {
    const directory = await volume(test);
    await assert.rejects(
      writePayload(files, directory, payload({ '../x': '1' }), { nowMs: 0 }),
      /must not contain '\.\.'/,
    );
    assert.deepEqual(await fs.readdir(directory), []);
  });
});

describe('makePayload', () => {
  const data = new Map([
    ['a', Buffer.from('1')],
    ['empty', Buffer.alloc(0)],
  ]);
  const missing = (key: string) => `configmap references non-existent config key: ${key}`;
  const defaultMode = 0o644;

  it('takes all keys with the default mode', () => {
    const made = makePayload(data, { defaultMode: 0o400 }, missing);
    assert.deepEqual([...made.keys()], ['a', 'empty']);
    assert.equal(made.get('a')?.mode, 0o400);
  });

  it('takes the listed keys under their paths', () => {
    const made = makePayload(data, { defaultMode, items: [{ key: 'a', path: 'x/y', mode: 0o777 }] }, missing);
    assert.deepEqual([...made], [['x/y', { data: Buffer.from('1'), mode: 0o777 }]]);
  });

  it('fails on a listed key that is not there, unless optional', () => {
    const items = [{ key: 'b', path: 'b' }];
    assert.throws(() => makePayload(data, { defaultMode, items }, missing), /non-existent config key: b/);
    assert.equal(makePayload(data, { defaultMode, items, optional: true }, missing).size, 0);
  });
});
