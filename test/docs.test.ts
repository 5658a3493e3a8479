import assert from 'node:assert/strict';
import { existsSync, globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';

const ROOT = join(import.meta.dirname, '..');
const PAGES = globSync(['README.md', 'CONTRIBUTING.md', 'docs/**/*.md'], { cwd: ROOT });

describe('the documents', () => {
  it('parity.md names tests that there are', async () => {
    const text = await readFile(join(ROOT, 'docs/parity.md'), 'utf8');
    const named = new Set([...text.matchAll(/`([\w./*-]+\.test\.ts)`/g)].map(([, name]) => name!));
    assert.ok(named.size > 100, 'they are found');
    const isThere = (name: string) =>
      globSync([`src/${name}`, `test/${name}`, name], { cwd: ROOT }).length > 0;
    assert.deepEqual(
      [...named].filter((name) => !isThere(name)),
      [],
    );
  });

  for (const page of PAGES)
    it(`${page} links to what there is`, async () => {
      const text = await readFile(join(ROOT, page), 'utf8');
      const links = [...text.matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)].map(([, link]) => link!);
      assert.deepEqual(
        links.filter((link) => !existsSync(join(ROOT, dirname(page), link))),
        [],
      );
    });
});
