import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Host, MountEntry } from '../host.ts';
import { deepestAbove, hostAcross } from './across.ts';
import type { MountNamespace } from './mount-namespace.ts';

describe('the directory that a path belongs to', () => {
  const directories = ['/k', '/k/nodes/b', '/other'];
  const cases: [string, string | undefined][] = [
    ['/k/pods/1', '/k'],
    ['/k/nodes/b/pods/1', '/k/nodes/b'],
    ['/k/nodes/bc', '/k'],
    ['/k', undefined],
    ['/kk/pods', undefined],
    ['/', undefined],
  ];
  for (const [path, expected] of cases)
    it(`${path}: ${expected}, in whatever order they come`, () => {
      for (const order of [directories, directories.toReversed()])
        assert.equal(deepestAbove(path, order), expected);
    });
});

describe('a machine across mount namespaces', () => {
  const called: string[] = [];
  const part = (name: string, targets: readonly string[]) => {
    const record =
      (call: string) =>
      async (path: unknown, ...rest: readonly unknown[]) => {
        const target = typeof path === 'string' ? path : (path as { target: string }).target;
        called.push(`${name} ${call} ${call === 'grow' ? rest[0] : target}`);
        return true as never;
      };
    const each = (names: readonly string[]) => Object.fromEntries(names.map((call) => [call, record(call)]));
    return {
      mounts: {
        ...each(['mount', 'unmount', 'sync', 'freeze', 'thaw', 'isMountPoint']),
        list: async () => targets.map((target) => ({ target })) as MountEntry[],
      },
      files: each(['stat', 'statFs', 'makeDirectory']),
      disks: each(['grow', 'format']),
    } as unknown as Host & MountNamespace;
  };
  const machine = hostAcross(
    part('machine', ['/', '/k/pods/stale', '/pool']),
    new Map<string, MountNamespace>([
      ['/k', part('a', ['/', '/k/pods/1', '/k/nodes/b/pods/2'])],
      ['/k/nodes/b', part('b', ['/', '/pool', '/k/nodes/b/pods/3'])],
    ]),
  );

  it('shows of each namespace what is below its directory, and of its own what is elsewhere', async () => {
    const targets = (await machine.mounts.list()).map(({ target }) => target);
    assert.deepEqual(targets, ['/', '/pool', '/k/pods/1', '/k/nodes/b/pods/3']);
  });

  it('mounts, unmounts, grows and looks where the path is', async () => {
    called.length = 0;
    const paths: [string, string][] = [
      ['/k/nodes/b/pods/x', 'b'],
      ['/k/pods/x', 'a'],
      ['/pool/x', 'machine'],
    ];
    for (const [path, where] of paths) {
      await machine.mounts.mount({ source: '/dev/loop1', target: path });
      await machine.disks.grow('/dev/loop1', path, 'xfs');
      for (const call of ['unmount', 'sync', 'freeze', 'thaw', 'isMountPoint'] as const)
        await machine.mounts[call](path);
      for (const call of ['stat', 'statFs'] as const) await machine.files[call](path);
      const calls = ['mount', 'grow', 'unmount', 'sync', 'freeze', 'thaw', 'isMountPoint', 'stat', 'statFs'];
      assert.deepEqual(
        called.splice(0),
        calls.map((call) => `${where} ${call} ${path}`),
      );
    }
  });

  it('makes directories and formats as ever', async () => {
    called.length = 0;
    await machine.files.makeDirectory('/k/pods/x');
    await machine.disks.format('/dev/loop1', 'ext4');
    assert.deepEqual(called, ['machine makeDirectory /k/pods/x', 'machine format /dev/loop1']);
  });
});
