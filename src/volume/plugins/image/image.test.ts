import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { scratchDirectory, skipReason } from '../../../host/linux/leftovers.test-support.ts';
import type { Pod, Stored } from '../../../kube/index.ts';
import { specFromVolume } from '../../spec.ts';
import { createImagePlugin, mountImage } from './index.ts';

const context = {
  pod: { metadata: { uid: 'u' } } as Stored<Pod>,
  signal: new AbortController().signal,
};

describe('an image as a volume', { skip: skipReason }, () => {
  it('is what was loaded, to read and not to run, as long as its pod lives', async (test) => {
    const { host, directory } = scratchDirectory(test);
    const root = join(directory, 'sha256-1/root');
    await mkdir(root, { recursive: true });
    await writeFile(join(root, 'model'), 'weights');
    const plugin = createImagePlugin({ host, nodeRoot: join(directory, 'kubelet') });
    const spec = specFromVolume({ name: 'data', image: { reference: 'example/model:1' } });
    assert.equal(spec.readOnly, true);
    const path = plugin.mounter.podPath(spec, 'u');
    assert.equal(path, join(directory, 'kubelet/pods/u/volumes/kubernetes.io~image/data'));
    for (const _again of [1, 2]) {
      await plugin.mounter.setUp(spec, context);
      await mountImage(host, root, path);
    }
    const mounts = (await host.mounts.list()).filter(({ target }) => target === path);
    assert.equal(mounts.length, 1);
    for (const option of ['ro', 'noexec']) assert.ok(mounts[0]?.options.includes(option), option);
    assert.equal(await host.files.read(join(path, 'model')), 'weights');
    const found = await plugin.mounter.reconstruct('data', 'u');
    assert.equal(plugin.mounter.podPath(found!.spec, 'u'), path);
    await plugin.mounter.tearDown('data', 'u', context.signal);
    assert.equal(await host.files.stat(path), undefined);
    assert.equal(await host.files.read(join(root, 'model')), 'weights');
  });

  it('is no failure of the volume when it is not there', async (test) => {
    const { host, directory } = scratchDirectory(test);
    const plugin = createImagePlugin({ host, nodeRoot: directory });
    const spec = specFromVolume({ name: 'data', image: { reference: 'example/none' } });
    await plugin.mounter.setUp(spec, context);
    const path = plugin.mounter.podPath(spec, 'u');
    assert.deepEqual(await host.files.list(path), []);
    await plugin.mounter.tearDown('data', 'u', context.signal);
    assert.equal(await host.files.stat(path), undefined);
  });
});
