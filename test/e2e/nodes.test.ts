import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { silentLogger, systemClock } from '../../src/base/index.ts';
import { type DiskDriver, openDiskDriver } from '../../src/drivers/disk/index.ts';
import { createLinuxHost } from '../../src/host/linux/index.ts';
import {
  cannotMount,
  kubectl,
  kubectlUntil,
  stowage,
  type Up,
  up,
  waitGone,
  watchOf,
} from '../support/command.ts';
import { emptied } from '../support/emptied.ts';
import { freePort } from '../support/free-port.ts';
import { requireKubectl } from '../support/kubectl.ts';
import { kubectlOf } from '../support/kubectl-of.ts';
import { listOf } from '../support/kubectl-session.ts';
import { type NodeMachine, nodeMachine, unmountBelow } from '../support/machine.ts';
import { DISK_CLASS } from '../support/manifests.ts';
import { scrub } from '../support/scrub.ts';

const run = promisify(execFile);
const host = createLinuxHost({ clock: systemClock });

/** The minutes of the real thing are seconds here. */
const IMPATIENT = [
  ...['--node-monitor-period', '500ms', '--node-monitor-grace-period', '10s'],
  ...['--max-wait-for-unmount-duration', '4s'],
];
const SET = {
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: { name: 'web' },
  spec: {
    serviceName: 'web',
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: {
        terminationGracePeriodSeconds: 1,
        tolerations: ['not-ready', 'unreachable'].map((state) => ({
          key: `node.kubernetes.io/${state}`,
          operator: 'Exists',
          effect: 'NoExecute',
          tolerationSeconds: 0,
        })),
        containers: [
          {
            name: 'main',
            image: 'host',
            command: [
              '/bin/sh',
              '-c',
              'echo "$NODE" >>/data/nodes; sync; trap "exit 0" TERM; sleep 1000 & wait',
            ],
            env: [{ name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } }],
            // Ready once it has written.
            readinessProbe: {
              exec: { command: ['sh', '-c', 'tail -n 1 /data/nodes | grep -qx "$NODE"'] },
              periodSeconds: 1,
            },
            volumeMounts: [{ name: 'data', mountPath: '/data' }],
          },
        ],
      },
    },
    volumeClaimTemplates: [
      {
        metadata: { name: 'data' },
        spec: {
          accessModes: ['ReadWriteOnce'],
          storageClassName: 'disk',
          resources: { requests: { storage: '16Mi' } },
        },
      },
    ],
  },
};

describe('nodes that are processes of their own', { skip: cannotMount }, () => {
  let directory: string;
  let port: number;
  let stack: Up;
  let driver: DiskDriver;
  const machines = new Map<string, NodeMachine>();

  const { k } = kubectlOf(() => stack.kubeconfig);
  const rootOf = (name: string) => join(directory, name);
  const startStack = (...flags: string[]) =>
    up(directory, [
      ...['--nodes', '0', '--port', String(port), '--csi-driver', `unix://${directory}/disk.sock`],
      ...[...IMPATIENT, ...flags],
    ]);
  const start = async (name: string) => {
    const flags = ['--csi-driver', `unix://${rootOf(name)}.csi`, '--node-lease-duration-seconds', '2'];
    const nodeRoot = rootOf(name);
    // With the rights of a node, no more.
    const credentials = `${nodeRoot}.credentials`;
    const cluster = ['--data-dir', join(directory, 'data'), '--kubeconfig', stack.kubeconfig];
    const made = await stowage(['node-credentials', name, credentials, ...cluster]);
    assert.equal(made.code, 0, made.stderr);
    const kubeconfig = join(credentials, 'kubeconfig');
    machines.set(name, await nodeMachine({ name, nodeRoot, kubeconfig, port, flags }));
  };
  const kill = async (name: string) => {
    await machines.get(name)!.kill();
    machines.delete(name);
  };
  const runsOn = (name: string) =>
    kubectlUntil(
      stack.kubeconfig,
      [...watchOf('pod', 'web-0'), '-o', 'wide'],
      new RegExp(`1/1 +Running.* ${name} `),
      // Attaching, detaching and mounting are tried again with growing pauses.
      { limitMs: 180_000 },
    );
  const isNotReady = (name: string) => kubectlUntil(stack.kubeconfig, watchOf('node', name), /NotReady/);
  const told = (says: RegExp) =>
    kubectlUntil(
      stack.kubeconfig,
      ['get', 'events', '-w', '--field-selector', 'involvedObject.name=web-0'],
      says,
    );
  const forget = () => k('delete', 'pod', 'web-0', '--force', '--grace-period=0');
  /** What the pods have written, each the name of its node. */
  const written = async (name: string) => {
    const [pod] = await readdir(join(rootOf(name), 'pods'));
    const volume = (await k('get', 'pv', '-o', 'jsonpath={.items[0].metadata.name}')).trim();
    const path = join(rootOf(name), 'pods', pod!, 'volumes/kubernetes.io~csi', volume, 'mount/nodes');
    return (await readFile(path, 'utf8')).trim().split('\n');
  };

  before(async () => {
    await requireKubectl();
    directory = await mkdtemp(join(tmpdir(), 'stowage-e2e-'));
    // What the driver mounts here must be seen on the machines.
    await run('mount', ['--bind', directory, directory]);
    await run('mount', ['--make-shared', directory]);
    port = await freePort();
    driver = await openDiskDriver({
      pool: join(directory, 'pool'),
      host,
      clock: systemClock,
      log: silentLogger,
    });
    await driver.serve(`unix://${directory}/disk.sock`);
    for (const name of ['a', 'b']) {
      await mkdir(rootOf(name));
      await driver.serve(`unix://${rootOf(name)}.csi`, name);
    }
    stack = await startStack();
  });
  after(async () => {
    for (const machine of machines.values()) await machine.end();
    await stack?.end('SIGTERM');
    await driver?.stop();
    if (directory) await scrub(directory);
  });

  it('register from namespaces of their own, and run a pod with a disk', async () => {
    await start('a');
    await kubectl(stack.kubeconfig, ['apply', '-f', '-'], { input: JSON.stringify(listOf(DISK_CLASS, SET)) });
    await runsOn('a');
    await start('b');
    assert.deepEqual(await written('a'), ['a']);
    assert.match(await k('get', 'nodes'), /^a +Ready[\s\S]*^b +Ready/m);
  });

  it('a node dies: its pod moves when it had its time to unmount', async () => {
    await kill('a');
    await unmountBelow(rootOf('a'));
    await isNotReady('a');
    await forget();
    await told(
      /FailedAttachVolume.*Multi-Attach error for volume "pvc-\S+" Volume is already exclusively attached to one node and can't be attached to another/,
    );
    await runsOn('b');
    assert.deepEqual(await written('b'), ['a', 'b']);
    // Back again, it finds what a pod has left that is no more.
    await start('a');
    await emptied(join(rootOf('a'), 'pods'));
  });

  it('a node comes back with stale mounts: the disk stays with it until it has cleaned up, and nothing is lost', async () => {
    await kill('b');
    await isNotReady('b');
    await forget();
    await kubectlUntil(
      stack.kubeconfig,
      ['get', 'volumeattachments', '-w', '-o', 'jsonpath={.status.detachError.message}{"\\n"}'],
      /is still mounted at /,
    );
    await start('b');
    await runsOn('a');
    assert.deepEqual(await written('a'), ['a', 'b', 'a']);
    await emptied(join(rootOf('b'), 'pods'));
  });

  it('a node is out of service: its pod moves at once, though nothing is forced by time', async () => {
    await stack.end('SIGTERM');
    stack = await startStack('--disable-force-detach-on-timeout');
    await kill('a');
    await unmountBelow(rootOf('a'));
    await isNotReady('a');
    await k('taint', 'nodes', 'a', 'node.kubernetes.io/out-of-service=nodeshutdown:NoExecute');
    await runsOn('b');
    assert.deepEqual(await written('b'), ['a', 'b', 'a', 'b']);
  });

  it('after everything is deleted nothing is left', async () => {
    await k('delete', 'statefulset', 'web');
    await waitGone(stack.kubeconfig, 'pods');
    await k('delete', 'pvc', '--all');
    await waitGone(stack.kubeconfig, 'pv');
    assert.deepEqual(await readdir(join(directory, 'pool')), []);
    await emptied(join(rootOf('b'), 'pods'));
    const mounts = (await host.mounts.list()).map(({ target }) => target);
    assert.deepEqual(
      mounts.filter((target) => target.startsWith(`${rootOf('b')}/`)),
      [],
    );
  });
});
