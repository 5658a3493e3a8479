import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { scratchDirectory } from '../../host/linux/leftovers.test-support.ts';
import { logDirectory } from './log-directory.ts';

function logs(test: TestContext) {
  const { host, directory } = scratchDirectory(test);
  const root = join(directory, 'log');
  mkdirSync(join(root, 'pods/a b'), { recursive: true });
  writeFileSync(join(root, 'pods/a b/0.log'), `first\n${'x'.repeat(100_000)}\n`);
  writeFileSync(join(root, 'pods/<&>'), '');
  writeFileSync(join(directory, 'secret'), 'hush');
  symlinkSync(join(directory, 'secret'), join(root, 'link'));
  symlinkSync(directory, join(root, 'out'));
  return { ask: (path: string) => logDirectory(host.files, root, path) };
}

describe("the directory of a node's logs", () => {
  it('lists what is in it', async (test) => {
    const { ask } = logs(test);
    const head = '<!doctype html>\n<meta name="viewport" content="width=device-width">\n<pre>\n';
    assert.deepEqual(await ask('pods/'), {
      kind: 'listing',
      html: `${head}<a href="%3C%26%3E">&#60;&#38;&#62;</a>\n<a href="a%20b/">a b/</a>\n</pre>\n`,
    });
    assert.match(JSON.stringify(await ask('')), /href=\\"pods\/\\"/);
  });

  it('shows its files whole', async (test) => {
    const found = await logs(test).ask('pods/a%20b/0.log');
    assert.ok(found.kind === 'file');
    let text = '';
    for await (const chunk of found.chunks) text += Buffer.from(chunk).toString();
    assert.equal(text.length, found.sizeBytes);
    assert.match(text, /^first\nx{100000}\n$/);
  });

  it('sends on who asks for the one as if it were the other', async (test) => {
    const { ask } = logs(test);
    assert.deepEqual(await ask('pods'), { kind: 'elsewhere', location: 'pods/' });
    assert.deepEqual(await ask('pods/a%20b/0.log/'), { kind: 'elsewhere', location: '../0.log' });
  });

  for (const path of [
    'none',
    '../secret',
    '..%2fsecret',
    'pods/%2e%2e/%2e%2e/secret',
    'link',
    'out/',
    'out/secret',
    '%00',
    '%',
  ])
    it(`has nothing at ${path}`, async (test) =>
      assert.deepEqual(await logs(test).ask(path), { kind: 'nothing' }));
});
