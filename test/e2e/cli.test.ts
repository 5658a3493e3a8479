import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { cannotMount, kubectl, readText, run, stowage, up } from '../support/command.ts';
import { inDirectory } from '../support/in-directory.ts';
import { requireKubectl } from '../support/kubectl.ts';

const FLAGS = [
  '--data-dir',
  '--ephemeral',
  '--port',
  '--kubeconfig',
  '--nodes',
  '--node-labels',
  '--node-root',
  '--csi-driver',
  '--without',
  '--log-level',
  '--ready-file',
];

/** One clear line on standard error, and a code that is not zero. */
function assertRefused(output: { code: number | null; stderr: string }, says: RegExp): void {
  assert.notEqual(output.code, 0);
  assert.match(output.stderr, says);
  assert.equal(output.stderr.trimEnd().split('\n').length, 1, output.stderr);
}

async function withTakenPort(work: (port: number) => Promise<void>): Promise<void> {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  try {
    await work((taken.address() as { port: number }).port);
  } finally {
    taken.close();
  }
}

describe('stowage, the command', () => {
  it('--help names the commands, up --help every flag', async () => {
    const help = await stowage(['--help']);
    assert.equal(help.code, 0);
    assert.match(help.stdout, /\bup\b[\s\S]*\bdemo\b/);
    const upHelp = await stowage(['up', '--help']);
    assert.equal(upHelp.code, 0);
    for (const flag of FLAGS) assert.ok(upHelp.stdout.includes(flag), flag);
  });

  for (const [args, says] of [
    [['up', '--datadir', '/x'], /unknown option '--datadir'/],
    [['upp'], /unknown command 'upp'/],
    [['up', '--port', '70000'], /--port.*70000.*whole number from 0 to 65535/],
    [['up', '--nodes', 'two'], /--nodes.*two.*whole number/],
    [['up', '--node-labels', 'worker:a=b'], /--node-labels.*worker:a=b.*NODE:KEY=VALUE/],
    [['up', '--node-labels', 'node-3:a=b'], /--node-labels names node-3, but --nodes is 1/],
    [['up', '--csi-driver', 'tcp://[::1]:1'], /--csi-driver.*tcp:.*unix:\/\/\/path\/csi\.sock/],
    [['up', '--csi-driver', 'node-9=unix:///a'], /--csi-driver names node-9, but --nodes is 1/],
    [['up', '--without', 'nodes'], /--without.*"nodes" is none of controllers, scheduler, sidecars/],
    [['sidecar', 'provisoner'], /unknown sidecar 'provisoner'; there are provisioner,/],
    [
      ['sidecars', '--with=registrar,resizr'],
      /unknown sidecar 'resizr' in -with; there are provisioner, .*, registrar, livenessprobe, snapshot-controller;/,
    ],
    [
      ['sidecars', '--with=livenessprobe,registrar'],
      /registrar: kubelet-registration-path is a required parameter; its own flags are --registrar-…/,
    ],
    [['sidecar', 'attacher', '--time-out=1s'], /flag provided but not defined: -time-out/],
    [['sidecar', 'attacher', '--kubeconfig=/nowhere'], /\/nowhere/],
    [['up', '--log-level', 'loud'], /--log-level.*loud.*debug/],
    [['up', '--node-monitor-grace-period', 'soon'], /grace-period.*soon.*a duration such as 15s/],
    [['up', 'now'], /too many arguments/],
    [['node', '--port', 'x'], /--port.*'x'.*whole number from 0 to 65535/],
    [['node', '--enable-controller-attach-detach', 'maybe'], /maybe.*true or false/],
    [['node', '--node-labels', 'zone'], /--node-labels.*"zone" is not KEY=VALUE/],
  ] as const) {
    it(`refuses ${args.join(' ')}`, async () => assertRefused(await stowage(args), says));
  }

  it('says that a port is taken', () =>
    inDirectory((directory) =>
      withTakenPort(async (port) => {
        const args = ['up', '--data-dir', directory, '--nodes', '0', '--port', String(port)];
        assertRefused(await stowage(args), new RegExp(`127.0.0.1:${port}.*port is taken`));
      }),
    ));

  it('leaves no pool of the disk driver open when it cannot start', { skip: cannotMount }, () =>
    inDirectory((directory) =>
      withTakenPort(async (port) => {
        const output = await stowage(['up', '--data-dir', directory, '--port', String(port)]);
        assertRefused(output, /port is taken/);
        assert.ok(!(await readText('/proc/self/mountinfo')).includes(directory));
        const loops = await run('losetup', ['--list', '--noheadings', '--output', 'BACK-FILE']);
        assert.ok(!loops.stdout.includes(directory));
      }),
    ),
  );

  it('says that a data directory is another instance’s', () =>
    inDirectory(async (directory) => {
      const first = await up(directory, ['--nodes', '0']);
      const second = await stowage([
        'up',
        '--data-dir',
        join(directory, 'data'),
        '--nodes',
        '0',
        '--port',
        '0',
      ]);
      assertRefused(second, /in use|another/);
      assert.equal(await first.end('SIGTERM'), 0);
    }));

  it('says that a data directory cannot be made', async () => {
    assertRefused(
      await stowage(['up', '--data-dir', '/proc/nowhere/x', '--nodes', '0']),
      /\/proc\/nowhere\/x/,
    );
  });

  it('--nodes 0 serves the API without a node', () =>
    inDirectory(async (directory) => {
      await requireKubectl();
      const stack = await up(directory, ['--nodes', '0']);
      assert.match(await kubectl(stack.kubeconfig, ['get', 'namespaces']), /default\s+Active/);
      assert.equal(await kubectl(stack.kubeconfig, ['get', 'nodes', '-o', 'name']), '');
      assert.equal(await stack.end('SIGINT'), 0);
      assert.match(stack.output().stderr, /; the state is kept\./);
    }));

  it('--ephemeral keeps nothing, and says so', () =>
    inDirectory(async (directory) => {
      const stack = await up(directory, ['--nodes', '0', '--ephemeral']);
      assert.equal(await stack.end('SIGINT'), 0);
      assert.match(stack.output().stderr, /; nothing is kept\./);
      assert.equal(existsSync(join(directory, 'data')), false);
    }));
});
