import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { scratchDirectory } from '../leftovers.test-support.ts';
import { fileWithin } from './resolve-within.ts';
import { digestOf, streamOf, type TestEntry, tarOf } from './tar.test-support.ts';
import { unpackLayer } from './unpack-layer.ts';

const skip = process.geteuid?.() === 0 ? false : 'needs root: files of other users';

/** A root to unpack into, beside which lies what nobody may touch. */
function place(test: TestContext) {
  const { directory } = scratchDirectory(test);
  const root = join(directory, 'root');
  mkdirSync(root);
  writeFileSync(join(directory, 'outside'), 'safe');
  mkdirSync(join(directory, 'other'));
  return { directory, root };
}

const unpack = (root: string, entries: readonly TestEntry[]) => unpackLayer(streamOf(tarOf(entries)), root);

describe('a layer', { skip, timeout: 60_000 }, () => {
  it('brings files, links and directories, with owners, modes and times', async (test) => {
    const { root } = place(test);
    const long = `${'d'.repeat(90)}/${'f'.repeat(90)}`;
    const pax = `path=${long}\n`;
    const { bytes } = await unpack(root, [
      { name: './' },
      { name: 'bin/', mode: 0o711 },
      { name: 'bin/tool', content: 'run', mode: 0o4755, uid: 7 },
      { name: 'bin/same', type: '1', target: 'bin/tool' },
      { name: 'sbin', type: '2', target: '/bin' },
      { name: 'sbin/through', content: 'link' },
      { name: 'null', type: '3' },
      { name: 'PaxHeader', type: 'x', content: `${pax.length + 4} ${pax}` },
      { name: 'cut', content: 'long name' },
    ]);
    const tool = statSync(join(root, 'bin/tool'));
    assert.deepEqual([tool.mode & 0o7777, tool.uid, tool.mtimeMs, tool.nlink], [0o4755, 7, 1.7e12, 2]);
    const bin = statSync(join(root, 'bin'));
    assert.deepEqual([bin.mode & 0o7777, bin.mtimeMs], [0o711, 1.7e12]);
    assert.equal(readlinkSync(join(root, 'sbin')), '/bin');
    assert.equal(readFileSync(join(root, 'bin/through'), 'utf8'), 'link');
    assert.equal(readFileSync(join(root, long), 'utf8'), 'long name');
    assert.ok(!readdirSync(root).includes('null'));
    assert.equal(bytes, 16);
  });

  it('is read as tar(1) writes it, compressed or not, and its digest is that of the plain archive', async (test) => {
    const { directory, root } = place(test);
    execFileSync('tar', ['-C', directory, '-cf', join(directory, 'a.tar'), 'outside', 'other']);
    const tar = readFileSync(join(directory, 'a.tar'));
    for (const bytes of [tar, gzipSync(tar), zstdCompressSync(tar)]) {
      assert.equal((await unpackLayer(streamOf(bytes), root)).diffId, digestOf(tar));
      assert.equal(readFileSync(join(root, 'outside'), 'utf8'), 'safe');
    }
  });

  it('hides and replaces what lower layers brought', async (test) => {
    const { root } = place(test);
    await unpack(root, [
      { name: 'a/old', content: '1' },
      { name: 'b/deep/old', content: '1' },
      { name: 'c', content: 'file' },
      { name: 'd/kept', content: '1' },
    ]);
    await unpack(root, [
      { name: 'a/.wh.old' },
      { name: 'b/new', content: '2' },
      { name: 'b/.wh..wh..opq' },
      { name: 'c/', mode: 0o700 },
      { name: 'd/' },
    ]);
    const found = execFileSync('find', ['.', '-mindepth', '1'], { cwd: root, encoding: 'utf8' });
    assert.deepEqual(found.split('\n').filter(Boolean).sort(), [
      ...['./a', './b', './b/new', './c', './d', './d/kept'],
    ]);
  });

  const hostile: [string, TestEntry[], RegExp | undefined][] = [
    ['a name that leads upwards', [{ name: '../outside', content: 'x' }], /leads out of the image/],
    ['a name that leads upwards later', [{ name: 'a/../../outside', content: 'x' }], /leads out/],
    ['an absolute name', [{ name: '/outside', content: 'x' }], undefined],
    [
      'a link to a directory outside',
      [
        { name: 'l', type: '2', target: '../other' },
        { name: 'l/x', content: 'x' },
      ],
      undefined,
    ],
    [
      'a link to a directory that is absolute',
      [
        { name: 'l', type: '2', target: 'DIRECTORY/other' },
        { name: 'l/x', content: 'x' },
      ],
      undefined,
    ],
    [
      'a file over a link to a file outside',
      [
        { name: 'l', type: '2', target: '../outside' },
        { name: 'l', content: 'x' },
      ],
      undefined,
    ],
    ['a hard link to a file outside', [{ name: 'l', type: '1', target: '../outside' }], /leads out/],
    [
      'a hard link through a link',
      [
        { name: 'l', type: '2', target: '..' },
        { name: 'h', type: '1', target: 'l/outside' },
      ],
      /which the image has not got/,
    ],
    ['a whiteout of the parent', [{ name: '.wh...' }], /is no whiteout/],
    ['a whiteout of everything', [{ name: '.wh.' }], /is no whiteout/],
    [
      'a whiteout through a link',
      [{ name: 'l', type: '2', target: '..' }, { name: 'l/.wh.outside' }],
      undefined,
    ],
    [
      'links without an end',
      [
        { name: 'l', type: '2', target: 'l' },
        { name: 'l/x', content: 'x' },
      ],
      /too many levels/,
    ],
    ['a file as a directory', [{ name: 'f', content: 'x' }, { name: 'f/x' }], /f is no directory/],
  ];
  for (const [name, entries, refused] of hostile)
    it(`is kept in its root: ${name}`, async (test) => {
      const { directory, root } = place(test);
      const real = entries.map((entry) => ({
        ...entry,
        target: entry.target?.replace('DIRECTORY', directory),
      }));
      if (refused) await assert.rejects(unpack(root, real), refused);
      else await unpack(root, real);
      assert.equal(readFileSync(join(directory, 'outside'), 'utf8'), 'safe');
      assert.equal(statSync(join(directory, 'outside')).nlink, 1);
      assert.deepEqual(readdirSync(join(directory, 'other')), []);
      assert.deepEqual(readdirSync(directory).sort(), ['other', 'outside', 'root']);
    });

  it('is refused when it is damaged, or too much', async (test) => {
    const { root } = place(test);
    const whole = tarOf([{ name: 'f', content: 'x'.repeat(2000) }]);
    await assert.rejects(unpackLayer(streamOf(whole.subarray(0, 1500)), root), /ends within an entry/);
    await assert.rejects(unpackLayer(streamOf(Buffer.alloc(512, 1)), root), /not a tar archive/);
    await assert.rejects(
      unpackLayer(streamOf(gzipSync(whole).subarray(0, 60)), root),
      /unexpected end of file/,
    );
    await assert.rejects(unpackLayer(streamOf(whole), root, { maxBytes: 1999 }), /more than 1999 bytes/);
    await assert.rejects(unpackLayer(streamOf(whole), root, { maxEntries: 0 }), /more than 0 entries/);
  });
});

describe('a file within a directory', { skip }, () => {
  it('is found through links as if the directory were the root', async (test) => {
    const { directory, root } = place(test);
    mkdirSync(join(root, 'etc'));
    writeFileSync(join(root, 'etc/real'), '');
    symlinkSync('/etc/real', join(root, 'etc/absolute'));
    symlinkSync('../../../etc/real', join(root, 'etc/above'));
    symlinkSync('../outside', join(root, 'outside'));
    for (const name of ['etc/real', 'etc/absolute', 'etc/above', '../../etc/real'])
      assert.equal(await fileWithin(root, name), join(root, 'etc/real'));
    await assert.rejects(fileWithin(root, 'outside'), /outside: no such file/);
    await assert.rejects(fileWithin(root, join(directory, 'outside')), /no such file|no directory/);
  });
});
