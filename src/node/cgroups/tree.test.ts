import assert from 'node:assert/strict';
import { dirname } from 'node:path';
import { beforeEach, describe, it } from 'node:test';
import type { Host, MountEntry } from '../../host/index.ts';
import type { ContainerCgroup, QosClass } from './resources.ts';
import { CgroupTree } from './tree.ts';

const MOUNT = '/sys/fs/cgroup';
const failure = (code: string) => Object.assign(new Error(code), { code });

/** Control groups in memory: a directory comes with its files, and goes when it has no directory below. */
class Groups {
  readonly files = new Map<string, Map<string, string>>();
  isReadOnly = false;
  /** A file that nothing can be written to. */
  refuses = '';

  constructor(controllers: string) {
    this.#make(MOUNT);
    this.files.get(MOUNT)!.set('cgroup.controllers', controllers);
  }

  #make(path: string): void {
    if (this.files.has(path)) return;
    const above = this.files.get(dirname(path))?.get('cgroup.subtree_control') ?? '';
    const own = { 'cgroup.controllers': above, 'cgroup.subtree_control': '' };
    this.files.set(path, new Map(Object.entries(own)));
  }

  #file(path: string): [Map<string, string>, string] {
    const directory = this.files.get(dirname(path));
    if (!directory) throw failure('ENOENT');
    return [directory, path.slice(dirname(path).length + 1)];
  }

  /** The directories below the mount, without it. */
  get paths(): string[] {
    return [...this.files.keys()]
      .map((path) => path.slice(MOUNT.length + 1))
      .filter(Boolean)
      .sort();
  }

  setting(path: string, file: string): string | undefined {
    return this.files.get(`${MOUNT}/${path}`)?.get(file);
  }

  host(): Pick<Host, 'files' | 'mounts' | 'info'> {
    return {
      info: () => ({ cpus: 4 }),
      mounts: { list: async () => [{ target: MOUNT, fsType: 'cgroup2' } as MountEntry] },
      files: {
        stat: async (path: string) => (this.files.has(path) ? { kind: 'directory' } : undefined),
        read: async (path: string) => {
          const [directory, file] = this.#file(path);
          if (!directory.has(file)) throw failure('ENOENT');
          return directory.get(file);
        },
        append: async (path: string, content: string) => {
          if (this.isReadOnly) throw failure('EROFS');
          const [directory, file] = this.#file(path);
          if (file === this.refuses) throw failure('ENOMEM');
          if (file !== 'cgroup.subtree_control') return void directory.set(file, content);
          const added = content.split(' ').map((one) => one.replace('+', ''));
          directory.set(file, [directory.get(file), ...added].filter(Boolean).join(' '));
        },
        makeDirectory: async (path: string) => {
          if (this.isReadOnly) throw failure('EROFS');
          this.#make(path);
        },
        removeDirectory: async (path: string) => {
          if ([...this.files.keys()].some((one) => one.startsWith(`${path}/`))) throw failure('EBUSY');
          this.files.delete(path);
        },
        list: async (path: string) => {
          if (!this.files.has(path)) throw failure('ENOENT');
          const below = [...this.files.keys()].filter((one) => dirname(one) === path);
          return below.map((one) => one.slice(path.length + 1));
        },
      },
    } as unknown as Pick<Host, 'files' | 'mounts' | 'info'>;
  }
}

const wanted = (qos: QosClass, podMilliCpu = 0): ContainerCgroup => ({
  qos,
  podMilliCpu,
  pod: { 'memory.max': '100' },
  container: { 'cpu.max': '1000 100000', 'memory.swap.max': '0' },
});

describe('the control groups of a node', () => {
  let groups: Groups;
  let tree: CgroupTree;
  const open = async () => {
    const opened = await CgroupTree.open({ host: groups.host(), name: 'mine' });
    assert.ok(opened instanceof CgroupTree, String(opened));
    return opened;
  };

  beforeEach(async () => {
    groups = new Groups('cpuset cpu io memory pids');
    tree = await open();
  });

  it('are a tree as the kubelet’s, whose groups have controllers', () => {
    assert.deepEqual(groups.paths, [
      'mine',
      'mine/kubepods',
      'mine/kubepods/besteffort',
      'mine/kubepods/burstable',
    ]);
    assert.equal(
      groups.setting('mine/kubepods/burstable', 'cgroup.subtree_control'),
      'cpu memory pids io cpuset',
    );
    assert.equal(groups.setting('mine/kubepods', 'cpu.weight'), '157', 'of four processors');
    assert.equal(groups.setting('mine/kubepods/besteffort', 'cpu.weight'), '1');
  });

  it('hold a container in its pod in its class, with the settings of each', async () => {
    assert.equal(
      await tree.create('u-1', 'c-1', wanted('Burstable')),
      `${MOUNT}/mine/kubepods/burstable/podu-1/c-1`,
    );
    await tree.create('u-2', 'c-2', wanted('Guaranteed'));
    await tree.create('u-3', 'c-3', wanted('BestEffort'));
    assert.equal(groups.setting('mine/kubepods/burstable/podu-1', 'memory.max'), '100');
    assert.equal(groups.setting('mine/kubepods/podu-2/c-2', 'cpu.max'), '1000 100000');
    assert.equal(
      groups.setting('mine/kubepods/podu-2/c-2', 'memory.swap.max'),
      undefined,
      'a kernel without it',
    );
    const found = await (await open()).pods();
    assert.deepEqual(
      found.map(({ podUid, qos, directories }) => [podUid, qos, directories.length]),
      [
        ['u-2', 'Guaranteed', 1],
        ['u-1', 'Burstable', 1],
        ['u-3', 'BestEffort', 1],
      ],
    );
  });

  it('of a container that cannot be made leave nothing', async () => {
    groups.refuses = 'memory.max';
    await assert.rejects(tree.create('u-1', 'c-1', wanted('Burstable')), { code: 'ENOMEM' });
    assert.deepEqual(await tree.pods(), []);
  });

  it('weigh burstable pods by what all of them ask for', async () => {
    const weight = () => groups.setting('mine/kubepods/burstable', 'cpu.weight');
    assert.equal(weight(), '1');
    await tree.create('u-1', 'c-1', wanted('Burstable', 1000));
    assert.equal(weight(), '39');
    await tree.adopt('u-2', wanted('Burstable', 1000));
    await tree.adopt('u-3', wanted('Guaranteed', 1000));
    assert.equal(weight(), '79');
    await tree.removeContainer('u-1', 'c-1', wanted('Burstable'));
    await tree.removePod('u-1', wanted('Burstable'));
    assert.equal(weight(), '39');
  });

  it('go with the last pod, not before', async () => {
    await tree.create('u-1', 'c-1', wanted('BestEffort'));
    await tree.close();
    assert.ok(groups.paths.includes('mine/kubepods/besteffort/podu-1/c-1'));
    await tree.removeContainer('u-1', 'c-1', wanted('BestEffort'));
    await tree.removePod('u-1', wanted('BestEffort'));
    for (let i = 0; i < 2; i++) await tree.close();
    assert.deepEqual(groups.paths, []);
  });

  const reasons: [why: string, given: () => Pick<Host, 'files' | 'mounts' | 'info'>, says: RegExp][] = [
    [
      'no cgroup v2',
      () => ({ ...groups.host(), mounts: { list: async () => [] } as unknown as Host['mounts'] }),
      /^no cgroup v2 is mounted$/,
    ],
    [
      'controllers that version 1 has',
      () => new Groups('hugetlb cpu').host(),
      /^cgroup v2 at \/sys\/fs\/cgroup has not the controllers memory, pids; version 1 may have them$/,
    ],
    [
      'a file system that cannot be written',
      () => {
        const other = new Groups('cpu memory pids');
        other.isReadOnly = true;
        return other.host();
      },
      /^cgroup v2 at \/sys\/fs\/cgroup cannot be used: EROFS$/,
    ],
  ];
  for (const [why, given, says] of reasons)
    it(`cannot be had with ${why}, and it is told why`, async () => {
      const answer = await CgroupTree.open({ host: given(), name: 'mine' });
      assert.match(String(answer), says);
    });
});
