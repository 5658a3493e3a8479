import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Code, CsiStatus } from '../../csi/index.ts';
import { host } from '../shared/test-support.ts';
import { temporaryDirectory } from './test-support.ts';
import { Tree } from './tree.ts';

const isRefused = (error: unknown) => error instanceof CsiStatus && error.code === Code.INVALID_ARGUMENT;

describe('the tree of a share', () => {
  it('brings a directory to its place, makes its parents, and removes them with it', async (t) => {
    const directory = temporaryDirectory(t);
    const root = join(directory, 'root');
    for (const name of ['root', 'a', 'b']) mkdirSync(join(directory, name));
    const tree = new Tree(root, host.files);
    await tree.bring(join(directory, 'a'), 'x/y/a');
    await tree.bring(join(directory, 'b'), 'x/b');
    assert.equal((await tree.stat('x/y/a'))?.kind, 'directory');
    await tree.take('x/y/a', join(directory, 'a'));
    assert.deepEqual(readdirSync(join(root, 'x')), ['b']);
    await tree.take('x/b', join(directory, 'b'));
    assert.deepEqual(readdirSync(root), []);
    assert.equal(await tree.stat('x/b'), undefined);
    await assert.rejects(tree.open('x/b'), /NOT_FOUND/);
  });

  it('follows no link on the way to a place, nor at it', async (t) => {
    const directory = temporaryDirectory(t);
    const root = join(directory, 'root');
    const outside = join(directory, 'outside');
    for (const path of [root, outside, join(outside, 'inner'), join(directory, 'new')]) mkdirSync(path);
    writeFileSync(join(outside, 'precious'), 'data');
    symlinkSync(outside, join(root, 'link'));
    symlinkSync(join(outside, 'inner'), join(root, 'inner'));
    const tree = new Tree(root, host.files);
    for (const work of [
      () => tree.open('link/inner'),
      () => tree.open('inner'),
      () => tree.stat('link/inner'),
      () => tree.bring(join(directory, 'new'), 'link/new'),
      () => tree.take('link/inner', join(directory, 'taken')),
      () => tree.open('../outside'),
    ])
      await assert.rejects(work(), isRefused);
    await tree.prune('link/gone');
    assert.deepEqual(readdirSync(outside).sort(), ['inner', 'precious']);
    await tree.take('link', join(directory, 'taken'));
    assert.equal(readFileSync(join(outside, 'precious'), 'utf8'), 'data', 'the link itself was moved');
  });

  it('keeps parents of those that come while others go', async (t) => {
    const directory = temporaryDirectory(t);
    const root = join(directory, 'root');
    mkdirSync(root);
    const tree = new Tree(root, host.files);
    const names = Array.from({ length: 30 }, (_, index) => `v${index}`);
    for (const name of names) mkdirSync(join(directory, name));
    await Promise.all(
      names.map(async (name, index) => {
        await tree.bring(join(directory, name), `p/q/${name}`);
        if (index % 2 === 0) await tree.take(`p/q/${name}`, join(directory, name));
      }),
    );
    assert.equal(readdirSync(join(root, 'p/q')).length, 15);
    await Promise.all(
      names.filter((_, index) => index % 2).map((name) => tree.take(`p/q/${name}`, join(directory, name))),
    );
    assert.ok(!existsSync(join(root, 'p')));
  });
});
