import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../src/base/index.ts';
import { createLinuxHost } from '../../src/host/linux/index.ts';
import { cannotMount, kubectl, kubectlUntil, STOWAGE, type Up, up, watchOf } from '../support/command.ts';
import { emptied } from '../support/emptied.ts';
import { requireKubectl } from '../support/kubectl.ts';
import { kubectlOf } from '../support/kubectl-of.ts';
import { listOf } from '../support/kubectl-session.ts';
import { scrub } from '../support/scrub.ts';

const EXAMPLES = fileURLToPath(new URL('../../examples/flexvolume', import.meta.url));
const CONTROLLER = 'attachdetach-controller';

const pod = (name: string, node: string, volumeID: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name },
  spec: {
    nodeName: node,
    terminationGracePeriodSeconds: 1,
    containers: [
      {
        name: 'c',
        image: 'host',
        command: ['sh', '-c', 'touch /data/x && exec sleep 3600'],
        volumeMounts: [{ name: volumeID, mountPath: '/data' }],
      },
    ],
    volumes: [
      {
        name: volumeID,
        flexVolume: { driver: 'example.com/disk', fsType: 'ext4', options: { volumeID, size: '16M' } },
      },
    ],
  },
});

describe('a node that attaches for itself, beside one that does not', { skip: cannotMount }, () => {
  let directory: string;
  let stack: Up;
  let self: ReturnType<typeof spawn>;
  const { k } = kubectlOf(() => stack.kubeconfig);
  const nodeStatus = async (node: string) => JSON.parse(await k('get', 'node', node, '-o', 'json'));
  /** Who says what about a pod's volume. */
  const attaches = async (name: string) => {
    const { items } = JSON.parse(
      await k('get', 'events', '--field-selector', `involvedObject.name=${name}`, '-o', 'json'),
    );
    return items
      .filter(({ reason }: { reason: string }) => reason === 'SuccessfulAttachVolume')
      .map((event: { source: { component: string }; message: string }) => [
        event.source.component,
        event.message,
      ]);
  };
  const devices = async () => {
    const loops = await createLinuxHost({ clock: systemClock }).loops.list();
    return loops.filter(({ backingFile }) => backingFile.startsWith(join(directory, 'images'))).length;
  };

  before(async () => {
    await requireKubectl();
    directory = await mkdtemp(join(tmpdir(), 'stowage-e2e-'));
    const drivers = join(directory, 'exec');
    await cp(EXAMPLES, drivers, { recursive: true });
    await writeFile(join(drivers, 'example.com~disk/disk.conf'), `IMAGES=${join(directory, 'images')}\n`);
    stack = await up(directory, ['--volume-plugin-dir', drivers]);
    self = spawn(
      process.execPath,
      [
        ...[STOWAGE, 'node', '--name', 'self', '--kubeconfig', stack.kubeconfig],
        ...['--node-root', join(directory, 'self'), '--volume-plugin-dir', drivers, '--port', '0'],
        ...['--enable-controller-attach-detach=false', '--stop-pods', '--log-level', 'warn'],
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    await once(createInterface({ input: self.stdout! }), 'line');
  });
  after(async () => {
    if (self?.exitCode === null) {
      self.kill('SIGTERM');
      await once(self, 'exit');
    }
    await stack?.end('SIGTERM');
    if (directory) await scrub(directory);
  });

  it('each has its volume, attached by whom it belongs to', async () => {
    const input = JSON.stringify(listOf(pod('here', 'self', 'mine'), pod('there', 'node-1', 'theirs')));
    await kubectl(stack.kubeconfig, ['apply', '-f', '-'], { input });
    await k('wait', '--for=condition=Ready', 'pod/here', 'pod/there', '--timeout=60s');
    assert.deepEqual(await attaches('here'), [
      ['kubelet', 'AttachVolume.Attach succeeded for volume "mine" '],
    ]);
    assert.deepEqual(await attaches('there'), [
      [CONTROLLER, 'AttachVolume.Attach succeeded for volume "theirs" '],
    ]);

    const annotation = 'volumes.kubernetes.io/controller-managed-attach-detach';
    const [mine, theirs] = [await nodeStatus('self'), await nodeStatus('node-1')];
    assert.equal(mine.metadata.annotations?.[annotation], undefined);
    assert.equal(mine.status.volumesAttached, undefined);
    assert.equal(theirs.metadata.annotations[annotation], 'true');
    assert.equal(theirs.status.volumesAttached.length, 1);
    assert.equal(await devices(), 2);
  });

  it('each is rid of it when the pod is gone', async () => {
    await k('delete', 'pod', 'here', 'there');
    await emptied(join(directory, 'self/plugins/kubernetes.io/flexvolume/example.com/disk/mounts'));
    const attached = ['-o', 'custom-columns=:.status.volumesAttached'];
    for (const node of ['node-1', 'self'])
      await kubectlUntil(stack.kubeconfig, [...watchOf('node', node), ...attached], /<none>/);
    self.kill('SIGTERM');
    assert.deepEqual(await once(self, 'exit'), [0, null]);
    assert.equal(await stack.end('SIGTERM'), 0);
    assert.equal(await devices(), 0);
  });
});
