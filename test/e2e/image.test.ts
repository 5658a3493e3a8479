import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { cannotMount, kubectl, stowage, up, waitGone } from '../support/command.ts';
import { requireKubectl } from '../support/kubectl.ts';
import { kubectlOf } from '../support/kubectl-of.ts';
import { leftOnMachine } from '../support/left.ts';
import { scrub } from '../support/scrub.ts';

/** What `docker save` writes, of an image with one program of this machine; made by tar(1). */
async function archive(directory: string): Promise<string> {
  const cat = execFileSync('sh', ['-c', 'command -v cat'], { encoding: 'utf8' }).trim();
  const libraries = [...execFileSync('ldd', [cat], { encoding: 'utf8' }).matchAll(/(\/\S+) \(0x/g)];
  const image = join(directory, 'image');
  await mkdir(image);
  await writeFile(join(directory, 'greeting'), 'from the image\n');
  const files = [cat, ...libraries.map(([, path]) => path!)].map((path) => path.slice(1));
  execFileSync('tar', ['-chf', join(image, 'layer.tar'), '-C', '/', ...files, '-C', directory, 'greeting']);
  const diffId = createHash('sha256')
    .update(execFileSync('cat', [join(image, 'layer.tar')], { maxBuffer: 2 ** 28 }))
    .digest('hex');
  const config = JSON.stringify({
    os: 'linux',
    config: { Entrypoint: [cat], Cmd: ['/greeting'], User: '1234' },
    rootfs: { diff_ids: [`sha256:${diffId}`] },
  });
  const name = `${createHash('sha256').update(config).digest('hex')}.json`;
  await writeFile(join(image, name), config);
  const manifest = [{ Config: name, RepoTags: ['example/greeter:1'], Layers: ['layer.tar'] }];
  await writeFile(join(image, 'manifest.json'), JSON.stringify(manifest));
  execFileSync('tar', ['-cf', join(directory, 'greeter.tar'), '-C', image, '.']);
  return join(directory, 'greeter.tar');
}

const pod = (name: string, image: string, imagePullPolicy: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name },
  spec: { restartPolicy: 'Never', containers: [{ name: 'main', image, imagePullPolicy }] },
});

it('a container runs in an image that was loaded while the cluster ran', {
  skip: cannotMount,
  timeout: 600_000,
}, async () => {
  await requireKubectl();
  const directory = await mkdtemp(join(tmpdir(), 'stowage-image-'));
  const dataDir = ['--data-dir', join(directory, 'data')];
  const stack = await up(directory);
  try {
    const objects = [pod('greeter', 'example/greeter:1', 'Never'), pod('other', 'example/other:1', 'Never')];
    const apply = (items: object[]) =>
      kubectl(stack.kubeconfig, ['apply', '-f', '-'], {
        input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items }),
      });
    const volumes = [{ name: 'model', image: { reference: 'example/greeter:1' } }];
    const volumeMounts = [{ name: 'model', mountPath: '/model' }];
    const waiter = {
      ...objects[0]!,
      metadata: { name: 'waiter' },
      spec: {
        containers: [
          { name: 'main', image: 'example/shell', command: ['cat', '/model/greeting'], volumeMounts },
        ],
        restartPolicy: 'Never',
        volumes,
      },
    };
    await apply([objects[1]!, waiter]);
    const reason = '--for=jsonpath={.status.containerStatuses[0].state.waiting.reason}=ErrImageNeverPull';
    await kubectl(stack.kubeconfig, ['wait', reason, 'pod/other', '--timeout=60s']);

    const said = '--for=jsonpath={.status.containerStatuses[0].state.waiting.reason}=ImagePullBackOff';
    await kubectl(stack.kubeconfig, ['wait', said, 'pod/waiter', '--timeout=60s']);
    const message = ['-o', 'jsonpath={.status.containerStatuses[0].state.waiting.message}'];
    assert.match(
      await kubectl(stack.kubeconfig, ['get', 'pod', 'waiter', ...message]),
      /^Back-off pulling image "example\/greeter:1": ErrImagePull: .*load it with "stowage image load"$/,
    );

    const loaded = await stowage(['image', 'load', await archive(directory), ...dataDir]);
    assert.match(loaded.stdout, /^example\/greeter:1 sha256:[a-f0-9]{64}\n$/, loaded.stderr);
    const id = loaded.stdout.trim().split(' ')[1]!;
    const script =
      "trap 'exit 0' TERM; cat /model/greeting; touch /model/mine 2>&1; echo done; sleep infinity & wait";
    const container = { name: 'main', image: 'example/shell', command: ['sh', '-c', script], volumeMounts };
    const reader = {
      ...objects[0]!,
      metadata: { name: 'reader' },
      spec: { containers: [container], volumes },
    };
    await apply([objects[0]!, reader]);
    await kubectl(stack.kubeconfig, ['wait', '--for=condition=Ready', 'pod/reader', '--timeout=60s']);
    await kubectlOf(() => stack.kubeconfig).says('reader', /^done$/);
    assert.match(
      await kubectl(stack.kubeconfig, ['logs', 'reader']),
      /^from the image\ntouch: .*Read-only file system\ndone\n$/,
    );
    const phase = '--for=jsonpath={.status.phase}=Succeeded';
    await kubectl(stack.kubeconfig, ['wait', phase, 'pod/greeter', 'pod/waiter', '--timeout=60s']);
    assert.equal(await kubectl(stack.kubeconfig, ['logs', 'waiter']), 'from the image\n');
    assert.equal(await kubectl(stack.kubeconfig, ['logs', 'greeter']), 'from the image\n');
    const imageId = ['get', 'pod', 'greeter', '-o', 'jsonpath={.status.containerStatuses[0].imageID}'];
    assert.equal(await kubectl(stack.kubeconfig, imageId), id);

    await kubectl(stack.kubeconfig, ['delete', 'pod', 'greeter', '--grace-period=1']);
    const used = await stowage(['image', 'remove', 'example/greeter:1', ...dataDir]);
    assert.match(
      used.stderr,
      /^stowage: image example\/greeter:1 cannot be removed: a container runs in it or has it as a volume/,
    );
    await kubectl(stack.kubeconfig, ['delete', 'pod', '--all', '--wait=false', '--grace-period=1']);
    await waitGone(stack.kubeconfig, 'pods');
    assert.match(
      (await stowage(['image', 'list', ...dataDir])).stdout,
      /^example\/greeter:1 {3}[a-f0-9]{12} {3}/m,
    );
    const removed = await stowage(['image', 'remove', 'example/greeter:1', ...dataDir]);
    assert.equal(removed.stdout, `removed ${id}\n`, removed.stderr);
    const bad = await stowage(['image', 'load', join(directory, 'kubeconfig'), ...dataDir]);
    assert.match(bad.stderr, /^stowage: .*kubeconfig cannot be loaded: .*\n$/);
    assert.equal(bad.code, 1);
  } finally {
    await stack.end('SIGTERM');
    assert.deepEqual(await leftOnMachine(directory), []);
    await scrub(directory);
  }
});
