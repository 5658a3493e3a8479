import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { MountEntry } from '../../host/index.ts';
import { type AfterEnd, afterEnd } from './after-end.ts';
import { nodeFlags, onlyOne } from './command-line.ts';
import { credentialsIn } from './credentials.ts';
import { isBoundToItself } from './self-bind.ts';

describe('a node whose process has ended', () => {
  const again = (delayMs: number, failures: number): AfterEnd => ({
    kind: 'starts again',
    delayMs,
    failures,
  });
  const cases: [string, number | undefined, ranMs: number, failures: number, AfterEnd][] = [
    ['stays down when it was stopped', 0, 10, 0, { kind: 'stays down' }],
    ['stays down when it was stopped after failures', 0, 10, 3, { kind: 'stays down' }],
    ['is left alone when it runs elsewhere', 75, 10, 0, { kind: 'runs elsewhere' }],
    ['is started again soon after a signal', undefined, 10, 0, again(500, 1)],
    ['is started again after an error', 1, 10, 0, again(500, 1)],
    ['is waited for the longer, the more often it fails', 1, 10, 3, again(4_000, 4)],
    ['is waited for a minute at most', 1, 10, 50, again(60_000, 51)],
    ['begins anew when it has run for long', undefined, 60_000, 7, again(500, 1)],
  ];
  for (const [name, exitCode, ranMs, failures, expected] of cases)
    it(name, () => assert.deepEqual(afterEnd(exitCode, ranMs, failures), expected));
});

describe('the command of a node', () => {
  const least = {
    name: 'node-2',
    labels: {},
    nodeRoot: '/r',
    stateDirectory: '/s',
    imageDirectory: '/i',
    hiddenFromPods: ['/d'],
    credentials: credentialsIn('/s'),
  };
  const flags = (more: object) => nodeFlags({ ...least, ...more }).join(' ');

  it('says all that its node needs to know', () => {
    assert.equal(
      flags({}),
      '--name node-2 --kubeconfig /s/kubeconfig --node-root /r --state-dir /s --image-dir /i --port 0 ' +
        '--tls-cert-file /s/server.crt --tls-private-key-file /s/server.key --client-ca-file /s/ca.crt ' +
        '--hide-from-pods /d --log-level warn --stop-pods',
    );
  });
  const optional: [object, RegExp][] = [
    [{ labels: { zone: 'a', disk: '' } }, / --node-labels zone=a,disk= /],
    [{ volumePluginDir: '/flex' }, / --volume-plugin-dir \/flex /],
    [{ volumeStatsPeriodMs: 1_500 }, / --volume-stats-agg-period 1500ms /],
    [{ nodeLeaseDurationSeconds: 4 }, / --node-lease-duration-seconds 4 /],
    [{ featureGates: { CSIVolumeHealth: true } }, / --feature-gates CSIVolumeHealth=true /],
    [{ logLevel: 'debug' }, / --log-level debug /],
  ];
  for (const [settings, says] of optional)
    it(`hands on ${Object.keys(settings)}`, () => assert.match(flags(settings), says));

  it('is run under a lock, in the mount namespace of its holder', () => {
    const command = onlyOne(['stowage', 'node'], { pidFile: '/s/pid', holder: 7 });
    assert.deepEqual(command.slice(-7), ['nsenter', '--target', '7', '--mount', '--', 'stowage', 'node']);
    assert.deepEqual([command[0], command.includes('/s/pid')], ['flock', true]);
  });
});

describe('a directory that is a mount', () => {
  const entry = (target: string, device: string) => ({ target, device }) as MountEntry;
  const root = entry('/', '8:1');
  const cases: [string, MountEntry[], boolean][] = [
    ['is none', [root], false],
    ['is bound to itself', [root, entry('/a/b', '8:1')], true],
    ['is a file system of the user’s', [root, entry('/a/b', '8:2')], false],
    ['is bound to itself below another file system', [root, entry('/a', '8:2'), entry('/a/b', '8:2')], true],
    ['is ours on top of the user’s', [root, entry('/a/b', '8:2'), entry('/a/b', '8:1')], true],
  ];
  for (const [name, table, expected] of cases)
    it(name, () => assert.equal(isBoundToItself(table, '/a/b'), expected));
});
