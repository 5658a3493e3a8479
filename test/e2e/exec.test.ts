import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import {
  cannotMount,
  kubectl,
  kubectlResult,
  kubectlUntil,
  run as runCommand,
  type Up,
  up,
  waitGone,
} from '../support/command.ts';
import { requireKubectl } from '../support/kubectl.ts';
import { leftOnMachine } from '../support/left.ts';
import { scrub } from '../support/scrub.ts';

const container = (name: string, script: string) => ({
  name,
  image: 'busybox',
  command: ['sh', '-c', script],
  env: [{ name: 'WHO', value: name }],
});
const pod = (name: string, containers: object[], more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, annotations: { 'kubectl.kubernetes.io/default-container': 'b' } },
  spec: { terminationGracePeriodSeconds: 1, containers, ...more },
});
const PODS = [
  pod('two', [
    container('a', 'echo from a; exec sleep 600'),
    container('b', 'i=0; while :; do i=$((i + 1)); echo "line $i"; sleep 0.2; done'),
  ]),
  pod('done', [container('b', 'echo first; echo second')], { restartPolicy: 'Never' }),
];

describe('exec, cp, attach and logs, by kubectl', { skip: cannotMount, timeout: 600_000 }, () => {
  let directory: string;
  let stack: Up;
  const run = (...args: string[]) => kubectlResult(stack.kubeconfig, args);

  before(async () => {
    await requireKubectl();
    directory = await mkdtemp(join(tmpdir(), 'stowage-exec-'));
    stack = await up(directory);
    const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: PODS });
    await kubectl(stack.kubeconfig, ['apply', '-f', '-'], { input: list });
    await kubectl(stack.kubeconfig, ['wait', '--for=condition=Ready', 'pod/two', '--timeout=60s']);
    const phase = '--for=jsonpath={.status.phase}=Succeeded';
    await kubectl(stack.kubeconfig, ['wait', phase, 'pod/done', '--timeout=60s']);
  });
  after(async () => {
    if (stack) {
      await kubectl(stack.kubeconfig, ['delete', 'pod', '--all', '--wait=false']);
      await waitGone(stack.kubeconfig, 'pods');
      await stack.end('SIGTERM');
    }
    if (directory) {
      assert.deepEqual(await leftOnMachine(directory), []);
      await scrub(directory);
    }
  });

  it('exec has output, errors and an exit code, in the default container or a named one', async () => {
    const first = await run('exec', 'two', '--', 'sh', '-c', 'echo "I am $WHO"; echo oops >&2; exit 3');
    assert.deepEqual([first.stdout, first.code], ['I am b\n', 3]);
    assert.match(first.stderr, /^oops$/m);
    assert.match(first.stderr, /command terminated with exit code 3/);
    assert.equal((await run('exec', 'two', '-c', 'a', '--', 'sh', '-c', 'echo $WHO')).stdout, 'a\n');
  });

  it('exec -i sends input to its end', async () => {
    const input = randomBytes(1_000_000).toString('hex');
    const args = ['exec', '-i', 'two', '--', 'cat'];
    assert.equal(await kubectl(stack.kubeconfig, args, { input }), input);
  });

  it('exec -it has a terminal', async () => {
    const inner = `kubectl exec -it two -- sh -c 'tty; test -t 0 && test -t 1 && exit 4'`;
    const env = { KUBECONFIG: stack.kubeconfig, HOME: directory };
    const { code, stdout } = await runCommand('script', ['-qec', inner, '/dev/null'], { env });
    assert.match(stdout, /\/dev\/pts\/\d+/);
    assert.equal(code, 4);
  });

  it('exec says why it cannot', async () => {
    const cases: [string[], RegExp][] = [
      [['exec', 'two', '--', 'no-such'], /exec: "no-such": executable file not found in \$PATH/],
      [['exec', 'two', '-c', 'zz', '--', 'ls'], /container zz is not valid for pod two/],
      [['exec', 'none', '--', 'ls'], /pods "none" not found/],
      [
        ['exec', 'done', '--', 'ls'],
        /cannot exec into a container in a completed pod; current phase is Succeeded/,
      ],
      [
        ['get', '--raw', '/api/v1/namespaces/default/pods/two/exec?container=b&command=ls'],
        /Upgrade request required/,
      ],
    ];
    for (const [args, says] of cases) {
      const { code, stderr } = await run(...args);
      assert.match(stderr, says);
      assert.notEqual(code, 0);
    }
  });

  it('cp carries files and directories both ways', async () => {
    const content = randomBytes(5_000_000);
    await mkdir(join(directory, 'tree/below'), { recursive: true });
    await writeFile(join(directory, 'tree/below/file'), content);
    await kubectl(stack.kubeconfig, ['cp', join(directory, 'tree'), 'two:/tmp/tree']);
    await kubectl(stack.kubeconfig, ['cp', 'two:/tmp/tree', join(directory, 'back')]);
    assert.ok(content.equals(await readFile(join(directory, 'back/below/file'))));
  });

  it('attach shows what the container writes from now on', async () => {
    assert.match(await kubectlUntil(stack.kubeconfig, ['attach', 'two'], /line \d+/), /^line \d+$/);
  });

  it('run -i gives its input to the container, and shows all that it answers', async () => {
    const input = randomBytes(200_000).toString('hex');
    const args = ['run', 'reader', '-i', '--rm', '--restart=Never', '--image=busybox', '--command', '--'];
    const script = 'cat; echo over >&2; exit 3';
    const { code, stdout, stderr } = await kubectlResult(stack.kubeconfig, [...args, 'sh', '-c', script], {
      input,
    });
    assert.ok(stdout.startsWith(input), `${stdout.length} bytes, ${stderr}`);
    assert.match(stderr, /^over$/m);
    assert.equal(code, 3, stderr);
  });

  it('attach -it reaches the terminal of a container, again and again', async () => {
    const [a] = [{ ...container('a', 'while read l; do echo "got $l"; done'), stdin: true, tty: true }];
    const list = JSON.stringify(pod('terminal', [a]));
    await kubectl(stack.kubeconfig, ['apply', '-f', '-'], { input: list });
    await kubectl(stack.kubeconfig, ['wait', '--for=condition=Ready', 'pod/terminal', '--timeout=60s']);
    const env = { KUBECONFIG: stack.kubeconfig, HOME: directory, TERM: 'xterm' };
    for (const word of ['one', 'two']) {
      const inner = `kubectl attach -it terminal -c a`;
      const child = spawn('script', ['-qec', inner, '/dev/null'], {
        env: { ...process.env, ...env },
        timeout: 60_000,
      });
      let said = '';
      for await (const chunk of child.stdout) {
        said += chunk;
        // It tells when the connection stands.
        if (/pressing enter/.test(said) && !said.includes(word)) child.stdin.write(`${word}\r`);
        if (said.includes(`got ${word}`)) break;
      }
      child.kill('SIGKILL');
      assert.match(said, new RegExp(`got ${word}`));
    }
  });

  it('debug adds a container that sees the processes of its target', async () => {
    const args = ['debug', 'two', '-i', '--image=busybox', '--target=a', '-c', 'probe', '--'];
    const script = 'read word; echo "$word of $(tr "\\0" " " </proc/1/cmdline)"; exit 4';
    await kubectl(stack.kubeconfig, [...args, 'sh', '-c', script], { input: 'asked\n' });
    const ended = '--for=jsonpath={.status.ephemeralContainerStatuses[0].state.terminated.exitCode}=4';
    await kubectl(stack.kubeconfig, ['wait', ended, 'pod/two', '--timeout=60s']);
    const log = await kubectl(stack.kubeconfig, ['logs', 'two', '-c', 'probe']);
    assert.equal(log, 'asked of sleep 600 \n');
    assert.match(await kubectl(stack.kubeconfig, ['get', 'pod', 'two']), /2\/2 +Running/);
  });

  // kubectl 1.31 and later puts its SPDY into a WebSocket, and goes without when the server does not know that.
  for (const webSockets of ['true', 'false'])
    it(`port-forward carries several connections, and says when nobody listens (in a WebSocket: ${webSockets})`, async () => {
      const config = {
        ...process.env,
        KUBECONFIG: stack.kubeconfig,
        HOME: directory,
        KUBECTL_PORT_FORWARD_WEBSOCKETS: webSockets,
      };
      const target = createServer((_request, response) => response.end('x'.repeat(300_000)));
      await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve));
      // Pods share the machine's network: a server of ours is one of the pod's.
      const { port } = target.address() as AddressInfo;
      const child = spawn('kubectl', ['port-forward', '-v=4', 'pod/two', `:${port}`], {
        env: config,
        stdio: ['ignore', 'pipe', 'pipe'],
        timeout: 60_000,
      });
      let told = '';
      child.stderr.on('data', (chunk: Buffer) => {
        told += chunk;
      });
      try {
        const [line] = await once(createInterface({ input: child.stdout }), 'line');
        const url = `http://127.0.0.1:${/127\.0\.0\.1:(\d+)/.exec(line)![1]}/`;
        const signal = AbortSignal.timeout(60_000);
        const headers = { connection: 'close' };
        const get = async () => (await (await fetch(url, { signal, headers })).text()).length;
        assert.deepEqual(await Promise.all([get(), get(), get()]), [300_000, 300_000, 300_000]);
        assert.doesNotMatch(told, /fall(ing)? ?back to/i);
        target.closeAllConnections();
        await new Promise((resolve) => target.close(resolve));
        await assert.rejects(get());
      } finally {
        child.kill('SIGKILL');
        target.close();
      }
    });

  it('logs are followed, cut, timed and of all containers', async () => {
    const logs = (...args: string[]) => kubectl(stack.kubeconfig, ['logs', ...args]);
    assert.match(
      await kubectlUntil(stack.kubeconfig, ['logs', '-f', 'two', '--tail=1'], /line \d+/),
      /^line/,
    );
    assert.equal(await logs('done', '--tail=1'), 'second\n');
    assert.equal(await logs('done', '--limit-bytes=3'), 'fir');
    assert.equal(await logs('-f', 'done'), 'first\nsecond\n');
    assert.match(await logs('done', '--timestamps', '--tail=1'), /^\d{4}-\d\d-\d\dT\S+Z second\n$/);
    assert.match(await logs('two', '--all-containers', '--prefix', '--tail=1'), /^\[pod\/two\/a\] from a$/m);
    assert.match(await logs('two', '--since=1h', '--tail=1'), /^line/);
    const { stderr } = await run('logs', 'two', '--previous');
    assert.match(stderr, /previous terminated container "b" in pod "two" not found/);
  });
});
