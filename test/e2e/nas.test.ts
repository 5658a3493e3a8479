import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import {
  cannotMount,
  kubectl,
  kubectlUntil,
  run,
  STOWAGE,
  stowage,
  type Up,
  up,
  waitGone,
} from '../support/command.ts';
import { type DriverProcess, startDriver } from '../support/disk-driver-process.ts';
import { inDirectory } from '../support/in-directory.ts';
import { requireKubectl } from '../support/kubectl.ts';
import { listOf } from '../support/kubectl-session.ts';
import { claimOf, scriptPod, storageClass, volumeOf } from '../support/manifests.ts';
import { scrub } from '../support/scrub.ts';

const NAME = 'nas.csi.stowage.dev';
const NODES = ['node-1', 'node-2'];

describe('one volume of the nas driver in pods of two nodes', { skip: cannotMount, timeout: 600_000 }, () => {
  let directory: string;
  let stack: Up;
  const drivers = new Map<string, DriverProcess>();
  const k = (...args: string[]) => kubectl(stack.kubeconfig, args, { limitMs: 150_000 });
  const apply = (...items: object[]) =>
    kubectl(stack.kubeconfig, ['apply', '-f', '-'], { input: JSON.stringify(listOf(...items)) });
  const share = () => join(directory, 'share');
  const volumes = async () => (await readdir(share())).filter((name) => name !== '.stowage').sort();
  const socket = (node: string) => `unix://${join(directory, `${node}.sock`)}`;
  /** The controller is beside the first node; the second goes by what it is told. */
  const start = async (node: string) => {
    const only = node === NODES[0] ? [] : ['--no-controller'];
    const flags = ['--endpoint', socket(node), '--directory', share(), '--node-id', node, ...only];
    drivers.set(node, await startDriver('nas', flags));
  };
  const says = async (pod: string, words: RegExp) => {
    await k('wait', '--for=condition=Ready', `pod/${pod}`, '--timeout=120s');
    await kubectlUntil(stack.kubeconfig, ['logs', '-f', pod], words, { limitMs: 120_000 });
  };
  /** A pod on a node that writes a file of its own, waits until the other's is there, and says what is in it. */
  const writer = (node: string, other: string) =>
    scriptPod(
      node,
      `echo from ${node} > /data/${node}; until grep from /data/${other} 2>/dev/null; do sleep 0.2; done; exec sleep infinity`,
      { data: volumeOf('data') },
      { spec: { nodeSelector: { 'kubernetes.io/hostname': node } } },
    );
  const shared = (name: string, more: object = {}) =>
    claimOf(name, '16Mi', { storageClassName: 'nas', accessModes: ['ReadWriteMany'], ...more });

  before(async () => {
    await requireKubectl();
    directory = await mkdtemp(join(tmpdir(), 'stowage-nas-'));
    for (const node of NODES) await start(node);
    const endpoints = NODES.flatMap((node) => ['--csi-driver', `${node}=${socket(node)}`]);
    stack = await up(directory, ['--nodes', '2', ...endpoints]);
    await apply(
      storageClass('nas', NAME, { parameters: { archiveOnDelete: 'false' }, allowVolumeExpansion: true }),
      storageClass('archive', NAME, {
        parameters: { archiveOnDelete: 'true', pathPattern: `\${.PVC.namespace}/\${.PVC.name}` },
      }),
    );
  });
  after(async () => {
    await stack?.end('SIGTERM');
    for (const driver of drivers.values()) await driver.end('SIGKILL');
    await scrub(directory);
  });

  it('what one pod writes the other reads, without an attachment, also after the driver was killed', async () => {
    await apply(shared('data'), writer('node-1', 'node-2'), writer('node-2', 'node-1'));
    await says('node-1', /from node-2/);
    await says('node-2', /from node-1/);
    assert.equal(await k('get', 'volumeattachments', '-o', 'name'), '');
    assert.equal(await k('get', 'csidriver', NAME, '-o', 'jsonpath={.spec.attachRequired}'), 'false');
    const volume = await k('get', 'pvc', 'data', '-o', 'jsonpath={.spec.volumeName}');
    assert.deepEqual(await volumes(), [`default-data-${volume}`]);
    for (const node of NODES) {
      await drivers.get(node)!.end('SIGKILL');
      await start(node);
    }
    await k('delete', 'pod', 'node-2');
    await apply(writer('node-2', 'node-1'));
    await says('node-2', /from node-1/);
  });

  it('grows while it is used, and is copied', async () => {
    await k('patch', 'pvc', 'data', '-p', '{"spec":{"resources":{"requests":{"storage":"32Mi"}}}}');
    await k('wait', '--for=jsonpath={.status.capacity.storage}=32Mi', 'pvc/data', '--timeout=120s');
    const dataSource = { kind: 'PersistentVolumeClaim', name: 'data' };
    await apply(
      shared('copy', { dataSource, resources: { requests: { storage: '32Mi' } } }),
      scriptPod('reader', 'cat /copy/node-1; exec sleep infinity', { copy: volumeOf('copy') }),
    );
    await says('reader', /from node-1/);
  });

  it('what is deleted is gone, or in the archive', async () => {
    await apply(
      claimOf('kept', '1Mi', { storageClassName: 'archive', accessModes: ['ReadWriteMany'] }),
      scriptPod('keeper', 'echo kept > /kept/file; echo done; exec sleep infinity', {
        kept: volumeOf('kept'),
      }),
    );
    await says('keeper', /done/);
    assert.ok(existsSync(join(share(), 'default/kept/file')));
    await k('delete', 'pods', '--all');
    await k('delete', 'pvc', '--all');
    await waitGone(stack.kubeconfig, 'pv', 150_000);
    assert.deepEqual(await volumes(), ['archived-kept']);
    assert.equal(await readFile(join(share(), 'archived-kept/file'), 'utf8'), 'kept\n');
    for (const name of ['volumes', 'work', 'content'])
      assert.deepEqual(await readdir(join(share(), '.stowage', name)), [], name);
  });
});

describe('stowage verify', { skip: cannotMount, timeout: 600_000 }, () => {
  it('the nas driver meets everything, also after it was killed, and leaves nothing', () =>
    inDirectory(async (directory) => {
      const [endpoint, share] = [`unix://${directory}/csi.sock`, join(directory, 'share')];
      const restart = join(directory, 'restart.sh');
      const command = `'${process.execPath}' '${STOWAGE}' driver nas --endpoint '${endpoint}' --directory '${share}' --node-id n`;
      await writeFile(
        restart,
        `cd '${directory}' && { [ ! -e pid ] || kill -9 "$(cat pid)"; }\nsetsid ${command} >log 2>&1 & echo $! >pid\n`,
      );
      await run('sh', [restart]);
      const { code, stdout, stderr } = await stowage(
        ['verify', '--csi-address', endpoint, '--size', '1Mi', '--restart-command', `sh ${restart}`],
        { limitMs: 500_000 },
      );
      assert.equal(code, 0, stdout + stderr);
      for (const id of ['volumes', 'published'])
        assert.match(stdout, new RegExp(`^ok +Supervised Lifecycle Management/${id} `, 'm'));
      assert.match(stdout, /^ok +Life cycle\/restored /m);
      assert.match(stdout, /^\d+ passed, 0 failed, 0 blocked, \d+ skipped$/m);
      assert.deepEqual(await readdir(share), ['.stowage']);
      for (const name of ['volumes', 'snapshots', 'content', 'work'])
        assert.deepEqual(await readdir(join(share, '.stowage', name)), [], name);
    }));
});

describe('stowage driver nas', () => {
  for (const [what, flags, says] of [
    ['no directory', [], /required option '--directory <dir>'/],
    [
      'neither a controller nor a node',
      ['--directory', '/nowhere', '--no-controller'],
      /name it with --node-id/,
    ],
  ] as const) {
    it(`refuses to start with ${what}`, async () => {
      const { code, stderr } = await stowage([
        'driver',
        'nas',
        '--endpoint',
        'unix:///nowhere.sock',
        ...flags,
      ]);
      assert.equal(code, 1);
      assert.match(stderr, says);
    });
  }
});
