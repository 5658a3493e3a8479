import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { systemRandom } from '../../base/index.ts';
import { type TestEntry, tarOf } from '../../host/linux/archive/tar.test-support.ts';
import { type Scratch, scratchDirectory, skipReason } from '../../host/linux/leftovers.test-support.ts';
import { ended, logLines, openRuntime, shellContainer } from '../runtime/runtime.test-support.ts';
import { ImageError } from './archive.ts';
import type { LoadedImage } from './contract.ts';
import { ImageStore } from './store.ts';

const ARCHITECTURE = 'amd64';
const digest = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex');

interface Made {
  readonly layers: readonly (readonly TestEntry[])[];
  readonly config?: object;
  readonly architecture?: string;
  readonly name?: string;
}

function parts({ layers, config = {}, architecture = ARCHITECTURE }: Made) {
  const tars = layers.map(tarOf);
  const diffIds = tars.map((tar) => `sha256:${digest(tar)}`);
  const configFile = JSON.stringify({ architecture, os: 'linux', config, rootfs: { diff_ids: diffIds } });
  return { tars, configFile };
}

/** What `docker save` writes. */
function dockerArchive(made: Made): TestEntry[] {
  const { tars, configFile } = parts(made);
  const layers = tars.map((tar, index) => ({ name: `layer${index}/layer.tar`, content: tar }));
  const config = `${digest(configFile)}.json`;
  const manifest = [
    { Config: config, RepoTags: made.name ? [made.name] : null, Layers: layers.map(({ name }) => name) },
  ];
  return [
    ...layers,
    { name: config, content: configFile },
    { name: 'manifest.json', content: JSON.stringify(manifest) },
  ];
}

/** An OCI layout with an index of two platforms, layers compressed. */
function ociArchive(made: Made): TestEntry[] {
  const { tars, configFile } = parts(made);
  const blobs: TestEntry[] = [];
  const blob = (content: Buffer | string, more: object = {}) => {
    const hex = digest(content);
    blobs.push({ name: `blobs/sha256/${hex}`, content });
    return { digest: `sha256:${hex}`, size: content.length, ...more };
  };
  const manifest = JSON.stringify({
    config: blob(configFile),
    layers: tars.map((tar) => blob(gzipSync(tar))),
  });
  const platform = (architecture: string) => ({ platform: { os: 'linux', architecture } });
  const nested = JSON.stringify({
    manifests: [blob('{}', platform('s390x')), blob(manifest, platform(ARCHITECTURE))],
  });
  const annotations = { 'org.opencontainers.image.ref.name': made.name };
  const index = JSON.stringify({ manifests: [blob(nested, { annotations })] });
  return [
    { name: 'oci-layout', content: '{"imageLayoutVersion":"1.0.0"}' },
    ...blobs,
    { name: 'index.json', content: index },
  ];
}

function storeOf({ host, directory }: Scratch): ImageStore {
  return new ImageStore({ files: host.files, random: systemRandom, directory: join(directory, 'images') });
}

async function load(scratch: Scratch, entries: readonly TestEntry[], name?: string): Promise<LoadedImage[]> {
  const file = join(scratch.directory, 'archive.tar');
  writeFileSync(file, tarOf(entries));
  return storeOf(scratch).load(file, { architecture: ARCHITECTURE, name });
}

const SMALL: Made = {
  name: 'example/app:1',
  layers: [
    [
      { name: 'etc/passwd', content: 'app:x:7:8::/srv:/bin/sh\n' },
      { name: 'a', content: 'one' },
    ],
    [{ name: '.wh.a' }, { name: 'b', content: 'two' }],
  ],
  config: { Env: ['A=b'], Entrypoint: ['/entry'], Cmd: ['x'], WorkingDir: '/srv', User: 'app' },
};

describe('an image that is loaded', { skip: skipReason, timeout: 300_000 }, () => {
  for (const [format, archive] of [
    ['docker save', dockerArchive],
    ['an OCI layout', ociArchive],
  ] as const)
    it(`has what it had in ${format}`, async (test) => {
      const scratch = scratchDirectory(test);
      const [image] = await load(scratch, archive(SMALL));
      assert.deepEqual(readdirSync(image!.root).sort(), ['b', 'etc']);
      assert.equal(readFileSync(join(image!.root, 'b'), 'utf8'), 'two');
      const { root: _, ...rest } = image!;
      assert.deepEqual(rest, {
        id: `sha256:${digest(parts(SMALL).configFile)}`,
        names: ['example/app:1'],
        sizeBytes: 30,
        config: {
          environment: ['A=b'],
          entrypoint: ['/entry'],
          command: ['x'],
          workingDir: '/srv',
          user: 'app',
        },
        users: { passwd: 'app:x:7:8::/srv:/bin/sh\n', group: '' },
      });
      assert.deepEqual(await storeOf(scratch).find('example/app:1'), image);
      assert.equal(await storeOf(scratch).find('example/app'), undefined);
      assert.deepEqual(readdirSync(join(scratch.directory, 'images')).sort(), [
        'names',
        image!.id.replace(':', '-'),
      ]);
    });

  it('has as many names as it is given, and goes with the last', async (test) => {
    const scratch = scratchDirectory(test);
    const store = storeOf(scratch);
    await load(scratch, dockerArchive(SMALL));
    const [again] = await load(scratch, dockerArchive(SMALL), 'other');
    assert.deepEqual(again!.names, ['example/app:1', 'other:latest']);
    const { id } = again!;
    assert.deepEqual(await store.remove('other', new Set([id])), { id, removed: false });
    await assert.rejects(store.remove('example/app:1', new Set([id])), /a container runs in it/);
    assert.deepEqual(await store.remove('example/app:1', new Set()), { id, removed: true });
    assert.deepEqual(await store.list(), []);
    assert.deepEqual(readdirSync(join(scratch.directory, 'images')), ['names']);
    await assert.rejects(store.remove('other', new Set()), /no image "other" is loaded/);
  });

  const corrupt = (entries: TestEntry[], name: RegExp, content: string) =>
    entries.map((entry) => (name.test(entry.name) ? { ...entry, content } : entry));
  const refused: [string, () => TestEntry[], RegExp][] = [
    [
      'is none',
      () => [{ name: 'x', content: 'y' }],
      /neither index.json \(an OCI layout\) nor manifest.json/,
    ],
    ['has no name', () => dockerArchive({ ...SMALL, name: undefined }), /say it with --name/],
    [
      'is for another machine',
      () => dockerArchive({ ...SMALL, architecture: 's390x' }),
      /for linux\/s390x; this machine is linux\/amd64/,
    ],
    [
      'has a damaged layer',
      () =>
        dockerArchive(SMALL).map((entry) =>
          entry.name === 'layer1/layer.tar' ? { ...entry, content: tarOf([]) } : entry,
        ),
      /layer layer1\/layer.tar has the digest .* it is damaged/,
    ],
    [
      'has a damaged configuration',
      () => corrupt(dockerArchive(SMALL), /^[a-f0-9]{64}\.json$/, '{}'),
      /has the digest .* it is damaged/,
    ],
    [
      'has a damaged manifest',
      () =>
        ociArchive(SMALL).map((entry) =>
          String(entry.content).startsWith('{"config"') ? { ...entry, content: '{ }' } : entry,
        ),
      /blobs\/sha256\/.* has the digest .* it is damaged/,
    ],
    [
      'names a layer outside',
      () =>
        corrupt(
          dockerArchive(SMALL),
          /manifest/,
          JSON.stringify([{ Config: '../../../../etc/hostname', RepoTags: ['a:1'], Layers: [] }]),
        ),
      /no such file|no directory|no JSON/,
    ],
    [
      'has a layer that leads out',
      () => dockerArchive({ ...SMALL, layers: [[{ name: '../../x', content: 'y' }]] }),
      /leads out of the image/,
    ],
  ];
  for (const [name, entries, why] of refused)
    it(`is refused when it ${name}, and leaves nothing`, async (test) => {
      const scratch = scratchDirectory(test);
      await assert.rejects(load(scratch, entries()), (error) => {
        assert.ok(error instanceof ImageError);
        assert.match(error.message, why);
        return true;
      });
      assert.deepEqual(readdirSync(scratch.directory).sort(), ['archive.tar', 'images']);
      assert.deepEqual(readdirSync(join(scratch.directory, 'images')), []);
    });
});

/** Programs of this machine with what they need, as a layer. */
function programs(...names: string[]): TestEntry[] {
  const files = new Set<string>();
  for (const name of names) {
    const path = execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim();
    files.add(path);
    for (const [, library] of execFileSync('ldd', [path], { encoding: 'utf8' }).matchAll(/(\/\S+) \(0x/g))
      files.add(library!);
  }
  return [...files].map((path) => ({ name: path, content: readFileSync(path), mode: 0o755 }));
}

async function runIn(test: TestContext, made: Made, more: object) {
  const scratch = scratchDirectory(test);
  const [image] = await load(scratch, dockerArchive({ name: 'a:1', ...made }));
  const runtime = await openRuntime(scratch);
  const config = { imageRoot: image!.root, imageId: image!.id, ...more };
  const record = await runtime.start(shellContainer('', config));
  return {
    record,
    runtime,
    image: image!,
    lines: async () => logLines(scratch.host, await ended(runtime, record.id)),
  };
}

describe('a container in an image', { skip: skipReason, timeout: 300_000 }, () => {
  it('sees the image, its own names and devices, and changes nothing of the image', async (test) => {
    const script = `ls /; cat /etc/hostname /etc/mine; echo x >/new && ls /new; ls /dev/null; : >/dev/null; ls /proc/1/exe
      cat /usr/share/common-licenses/GPL-3 2>&1 | head -1`;
    const { lines, record, image } = await runIn(
      test,
      { layers: [programs('sh', 'ls', 'cat', 'head'), [{ name: 'etc/mine', content: 'of the image\n' }]] },
      { command: ['sh', '-c', script], workingDir: '/made' },
    );
    const said = (await lines()).map((line) => line.replace('stdout F ', ''));
    const tops = said.slice(0, said.indexOf('web-0'));
    for (const name of ['dev', 'etc', 'made', 'proc', 'sys', 'usr'])
      assert.ok(tops.includes(name), `${tops}`);
    for (const name of ['home', 'root', 'tmp', 'var']) assert.ok(!tops.includes(name), `${tops}`);
    assert.deepEqual(said.slice(said.indexOf('web-0'), -1), [
      ...['web-0', 'of the image', '/new', '/dev/null', '/proc/1/exe'],
    ]);
    assert.match(said.at(-1)!, /No such file/);
    assert.equal(record.imageId, image.id);
    assert.deepEqual(
      readdirSync(image.root).filter((name) => name === 'new' || name === 'made'),
      [],
    );
  });

  it('needs no shell', async (test) => {
    const { lines } = await runIn(
      test,
      { layers: [programs('cat')] },
      {
        command: [execFileSync('sh', ['-c', 'command -v cat'], { encoding: 'utf8' }).trim(), '/etc/hostname'],
      },
    );
    assert.deepEqual(await lines(), ['stdout F web-0']);
  });

  it('has its volumes where links of the image lead, and never outside', async (test) => {
    const { lines } = await runIn(
      test,
      {
        layers: [
          programs('sh', 'cat'),
          [
            { name: 'real/' },
            { name: 'data', type: '2', target: '../../../real' },
            { name: 'file', type: '2', target: '/etc/passwd' },
          ],
        ],
      },
      {
        command: ['sh', '-c', 'cat /real/hostname /etc/passwd'],
        mounts: [
          { hostPath: '/etc', containerPath: '/data', readOnly: true },
          { hostPath: '/etc/hostname', containerPath: '/file', readOnly: true },
        ],
      },
    );
    const hostname = readFileSync('/etc/hostname', 'utf8').trim();
    assert.deepEqual(await lines(), [`stdout F ${hostname}`, `stdout F ${hostname}`]);
  });
});
