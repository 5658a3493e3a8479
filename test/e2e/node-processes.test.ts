import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, readlink, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import {
  cannotMount,
  kubectlResult,
  kubectlUntil,
  run,
  STOWAGE,
  stowage,
  type Up,
  up,
  watchOf,
} from '../support/command.ts';
import { emptied } from '../support/emptied.ts';
import { requireKubectl } from '../support/kubectl.ts';
import { kubectlOf } from '../support/kubectl-of.ts';
import { claimOf, DISK_CLASS, scriptPod, volumeOf } from '../support/manifests.ts';
import { processesNaming, scrub } from '../support/scrub.ts';

/** The minutes of the real thing are seconds here; what goes too fast for a loaded machine costs only time. */
const IMPATIENT = [
  ...['--node-lease-duration-seconds', '4', '--node-monitor-period', '500ms'],
  ...['--node-monitor-grace-period', '15s', '--max-wait-for-unmount-duration', '1h'],
];
const OUT_OF_SERVICE = 'node.kubernetes.io/out-of-service=nodeshutdown:NoExecute';
const limitMs = 300_000;

const claim = (name: string) => claimOf(name, '16Mi', { storageClassName: 'disk' });
const script = 'echo $$ >>/data/starts; sync; echo started; trap "exit 0" TERM; sleep 3600 & wait';
const steady = scriptPod(
  'steady',
  script,
  { data: volumeOf('steady') },
  {
    spec: { nodeSelector: { 'kubernetes.io/hostname': 'node-1' }, terminationGracePeriodSeconds: 1 },
  },
);
/** Goes where it can, and begins on node-2. */
const mover = {
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: { name: 'mover' },
  spec: {
    serviceName: 'mover',
    selector: { matchLabels: { app: 'mover' } },
    template: {
      metadata: { labels: { app: 'mover' } },
      spec: {
        ...scriptPod('mover', script, { data: volumeOf('mover') }).spec,
        terminationGracePeriodSeconds: 1,
        tolerations: ['not-ready', 'unreachable'].map((state) => ({
          ...{ key: `node.kubernetes.io/${state}`, operator: 'Exists' },
          ...{ effect: 'NoExecute', tolerationSeconds: 0 },
        })),
      },
    },
  },
};

describe('the nodes of stowage up --nodes 2, each a process', { skip: cannotMount, timeout: 900_000 }, () => {
  let directory: string;
  let stack: Up;
  let alone: ChildProcess | undefined;
  const { k, apply, says, isBack } = kubectlOf(() => stack.kubeconfig);
  const at = (...parts: string[]) => join(directory, 'data', ...parts);
  const pidOf = async (node: string) => Number(await readFile(at('nodes', node, 'pid'), 'utf8'));
  /** Where volumes are mounted, of those that a process sees below the data directory. */
  const mountsOf = async (pid: number | 'self') =>
    [...(await readFile(`/proc/${pid}/mountinfo`, 'utf8')).matchAll(/^(?:\S+ ){4}(\S+)/gm)]
      .map(([, target]) => target!)
      .filter((target) => target.startsWith(at('kubelet')) && /globalmount$|\/mount$/.test(target));
  const isNode2 = (target: string) => target.startsWith(at('kubelet/nodes/node-2/'));
  const nodeIs = (node: string, state: string) =>
    kubectlUntil(stack.kubeconfig, watchOf('node', node), new RegExp(` ${state} `), { limitMs });
  const runsOn = (node: string) =>
    kubectlUntil(
      stack.kubeconfig,
      [...watchOf('pod', 'mover-0'), '-o', 'wide'],
      new RegExp(`1/1 +Running.* ${node} `),
      { limitMs },
    );
  /** How often a pod's container has started, by what it has written to its volume. */
  const starts = async (pod: string) =>
    (await k('exec', pod, '--', 'cat', '/data/starts')).split('\n').length - 1;
  /** Resolves once the log has the line. */
  const logged = async (line: RegExp) => {
    const signal = AbortSignal.timeout(limitMs);
    while (!line.test(stack.output().stderr)) await once(stack.child.stderr!, 'data', { signal });
  };
  const backToNode2 = async () => {
    await k('taint', 'node', 'node-2', `${OUT_OF_SERVICE}-`);
    await k('cordon', 'node-1');
    await k('delete', 'pod', 'mover-0');
    await runsOn('node-2');
    await k('uncordon', 'node-1');
  };

  before(async () => {
    await requireKubectl();
    directory = await mkdtemp(join(tmpdir(), 'stowage-e2e-'));
    stack = await up(directory, ['--nodes', '2', ...IMPATIENT]);
    await k('cordon', 'node-1');
    await apply(DISK_CLASS, claim('steady'), claim('mover'), mover);
    await runsOn('node-2');
    await k('uncordon', 'node-1');
    await apply(steady);
    await isBack('steady');
  });
  after(async () => {
    await stack?.end('SIGTERM');
    alone?.kill('SIGKILL');
    if (directory) await scrub(directory);
  });

  it('have mount namespaces of their own: what one mounts is not seen by the other, nor on the machine', async () => {
    const pids = [await pidOf('node-1'), await pidOf('node-2')] as const;
    const namespaces = await Promise.all(
      [...pids, process.pid].map((pid) => readlink(`/proc/${pid}/ns/mnt`)),
    );
    assert.equal(new Set(namespaces).size, 3, namespaces.join());
    const [first, second, ours] = [await mountsOf(pids[0]), await mountsOf(pids[1]), await mountsOf('self')];
    assert.deepEqual([first.length, second.length, ours], [2, 2, []]);
    assert.deepEqual([first.some(isNode2), second.every(isNode2)], [false, true]);
  });

  it('run pods whose logs are read and in which commands are run', async () => {
    for (const pod of ['steady', 'mover-0']) {
      await says(pod, /^started$/);
      assert.equal(await starts(pod), 1);
    }
  });

  it('may do what a node may, and nothing else', async () => {
    const kubeconfig = at('nodes/node-2/kubeconfig');
    for (const file of ['kubeconfig', 'server.key']) {
      const { mode } = await stat(at('nodes/node-2', file));
      assert.equal(mode & 0o777, 0o600, file);
    }
    const ask = async (...args: string[]) => kubectlResult(kubeconfig, args);
    assert.equal((await ask('get', 'node', 'node-2', '-o', 'name')).stdout, 'node/node-2\n');
    for (const [args, says] of [
      [['get', 'secrets', '-A'], /User "system:node:node-2" cannot list resource "secrets"/],
      [['get', 'node', 'node-1'], /node 'node-2' cannot read 'node-1', only its own Node object/],
      [['get', 'pvc', 'steady'], /no relationship found between node 'node-2' and this object/],
    ] as const) {
      const { code, stderr } = await ask(...args);
      assert.equal(code, 1);
      assert.match(stderr, says);
    }
  });

  it('are started again when they crash, and find their pods as they were', async () => {
    const killed = await pidOf('node-2');
    const port = '{.status.daemonEndpoints.kubeletEndpoint.Port}';
    const before = await k('get', 'node', 'node-2', '-o', `jsonpath=${port}`);
    process.kill(killed, 'SIGKILL');
    const watch = [...watchOf('node', 'node-2'), '-o', `jsonpath=${port}{"\\n"}`];
    await kubectlUntil(stack.kubeconfig, watch, new RegExp(`^(?!${before}$)\\d+$`), { limitMs });
    await says('mover-0', /^started$/);
    assert.notEqual(await pidOf('node-2'), killed);
    assert.equal(await starts('mover-0'), 1);
    await logged(/"the node ended with a signal; starting it again","node":"node-2"/);
  });

  it('can be stopped alone, and started again: pods move meanwhile, the other node is as it was', async () => {
    process.kill(await pidOf('node-2'), 'SIGTERM');
    await nodeIs('node-2', 'NotReady');
    // Its lease may be over before it has stopped its pods.
    await logged(/"the node was stopped, and stays so until it is started again: /);
    await k('taint', 'node', 'node-2', OUT_OF_SERVICE);
    await runsOn('node-1');
    assert.deepEqual([await starts('mover-0'), await starts('steady')], [2, 1]);

    const args = [STOWAGE, 'node', '--name', 'node-2', '--data-dir', at()];
    alone = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    for await (const line of createInterface({ input: alone.stdout! }))
      if (line === 'Node node-2 is registered') break;
    await nodeIs('node-2', 'Ready');
    const { code, stderr } = await stowage(args.slice(1));
    assert.deepEqual([code, stderr], [1, `stowage: node-2 runs already, as process ${alone.pid}\n`]);
    const strange = await stowage(['node', '--name', 'node-3', '--data-dir', at()]);
    assert.match(strange.stderr, /^stowage: node-3 is no node of \S+ that can be started alone: /);
    await backToNode2();
    assert.equal(await starts('mover-0'), 3);
    assert.equal((await mountsOf(await pidOf('node-2'))).length, 2);
  });

  it('are not robbed of a disk while they have it mounted, and clean up when they are back', async () => {
    // It hangs: nothing is stopped nor unmounted, and nobody renews its lease.
    alone!.kill('SIGSTOP');
    await nodeIs('node-2', 'NotReady');
    await k('taint', 'node', 'node-2', OUT_OF_SERVICE);
    const error = ['-o', 'jsonpath={.status.detachError.message}{"\\n"}'];
    const says = /is still mounted at .*\/kubelet\/nodes\/node-2\//;
    await kubectlUntil(stack.kubeconfig, ['get', 'volumeattachments', '-w', ...error], says, { limitMs });
    alone!.kill('SIGKILL');
    await once(alone!, 'exit');
    const args = [STOWAGE, 'node', '--name', 'node-2', '--data-dir', at()];
    alone = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    await runsOn('node-1');
    assert.equal(await starts('mover-0'), 4);
    await emptied(at('kubelet/nodes/node-2/pods'));
    assert.deepEqual(await mountsOf(await pidOf('node-2')), []);
    assert.equal(await starts('steady'), 1);
  });

  it('end with stowage up, whoever has started them, and leave nothing', async () => {
    const ended = once(alone!, 'exit');
    assert.equal(await stack.end('SIGINT'), 0);
    assert.deepEqual(await ended, [0, null]);
    assert.deepEqual(await processesNaming(directory), []);
    const table = await readFile('/proc/self/mountinfo', 'utf8');
    assert.equal(table.includes(directory), false, table);
    assert.equal((await run('losetup', ['--list'])).stdout.includes(directory), false);
    assert.deepEqual(await readdir(at('kubelet/pods')), []);
  });
});
