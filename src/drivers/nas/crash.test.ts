import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { Host } from '../../host/index.ts';
import { host } from '../shared/test-support.ts';
import { cannotMount, everybody, ownIn, startDriver, type TestDriver, volumesIn } from './test-support.ts';

/** Everything that changes something in a share. */
const CHANGES: Readonly<Record<string, readonly string[]>> = {
  files: [
    'writeAtomic',
    'write',
    'makeDirectory',
    'openWithin',
    'removeDirectory',
    'removeFile',
    'rename',
    'chmod',
  ],
  mounts: ['sync'],
  processes: ['exec'],
};

/** A machine on which a chosen change fails: that one alone, or it and all that come after it, as when the process dies. */
function breakable() {
  let left = Number.POSITIVE_INFINITY;
  let dies = false;
  const passes = () => {
    left--;
    return dies ? left >= 0 : left !== -1;
  };
  const machine = new Proxy(host, {
    get(real, part: keyof Host) {
      const changes = CHANGES[part];
      return changes
        ? new Proxy(real[part], {
            get(target, name) {
              const method = Reflect.get(target, name) as (...args: unknown[]) => unknown;
              if (!changes.includes(String(name))) return method;
              return async (...args: unknown[]) => {
                if (!passes()) throw new Error('EIO');
                return method(...args);
              };
            },
          })
        : real[part];
    },
  });
  return {
    machine,
    arm(change: number, all: boolean) {
      left = change;
      dies = all;
    },
    disarm() {
      left = Number.POSITIVE_INFINITY;
    },
    /** Whether the change that was chosen has not come. */
    get isUnbroken() {
      return left >= 0;
    },
  };
}

const PATHS = { pathPattern: `teams/\${.PVC.namespace}/\${.PVC.name}` };
const parametersOf = (name: string, more: object = {}) => ({
  ...PATHS,
  ...more,
  'csi.storage.k8s.io/pvc/namespace': 'shop',
  'csi.storage.k8s.io/pvc/name': name,
});

const create = (driver: TestDriver, name: string, more: { parameters?: object } & object = {}) =>
  driver.n1.controller.createVolume({
    name,
    volumeCapabilities: [everybody()],
    ...more,
    parameters: parametersOf(name, more.parameters),
  });
const remove = (driver: TestDriver, volumeId: string) => driver.n1.controller.deleteVolume({ volumeId });
const place = (driver: TestDriver, name: string) => join(driver.share, 'teams/shop', name);
const sourceOf = (kind: 'snapshot' | 'volume', id: string) => ({
  volumeContentSource: {
    type:
      kind === 'snapshot'
        ? { case: kind, value: { snapshotId: id } }
        : { case: kind, value: { volumeId: id } },
  },
});
const snapshot = (driver: TestDriver) =>
  driver.n1.controller.createSnapshot({ name: 'snap', sourceVolumeId: 'source' });

async function stateOf({ n1 }: TestDriver) {
  const [volumes, snapshots] = await Promise.all([
    n1.controller.listVolumes(),
    n1.controller.listSnapshots(),
  ]);
  return {
    volumes: volumes.entries.map(({ volume }) => volume!.volumeId),
    ill: volumes.entries.filter(({ status }) => status?.volumeCondition?.abnormal).length,
    snapshots: snapshots.entries.map((entry) => entry.snapshot!.snapshotId),
  };
}

interface Case {
  readonly what: string;
  /** What is there before, beside the volume `source` with a file. */
  readonly given?: (driver: TestDriver) => Promise<unknown>;
  readonly operation: (driver: TestDriver) => Promise<unknown>;
  /** When it was carried out. */
  readonly outcome: (driver: TestDriver) => void;
  /** What a retained or archived directory leaves, for good. */
  readonly leaves?: readonly string[];
}

const holdsData = (path: string) => assert.equal(readFileSync(join(path, 'file'), 'utf8'), 'data\n');

const cases: readonly Case[] = [
  {
    what: 'CreateVolume',
    operation: (driver) => create(driver, 'v'),
    outcome: (driver) => assert.deepEqual(volumesIn(place(driver, 'v')), []),
  },
  {
    what: 'CreateVolume in a directory that was there before',
    given: async (driver) => {
      mkdirSync(place(driver, 'v'));
      writeFileSync(join(place(driver, 'v'), 'file'), 'data\n');
    },
    operation: (driver) => create(driver, 'v', { parameters: { onDelete: 'retain' } }),
    outcome: (driver) => holdsData(place(driver, 'v')),
    leaves: ['teams/shop/v/file'],
  },
  {
    what: 'CreateVolume from a snapshot',
    given: snapshot,
    operation: (driver) => create(driver, 'v', sourceOf('snapshot', 'snap')),
    outcome: (driver) => holdsData(place(driver, 'v')),
  },
  {
    what: 'DeleteVolume',
    given: (driver) => create(driver, 'v', sourceOf('volume', 'source')),
    operation: (driver) => remove(driver, 'v'),
    outcome: (driver) => assert.deepEqual(volumesIn(join(driver.share, 'teams/shop')), ['source']),
  },
  {
    what: 'DeleteVolume into the archive',
    given: (driver) =>
      create(driver, 'v', { ...sourceOf('volume', 'source'), parameters: { onDelete: 'archive' } }),
    operation: (driver) => remove(driver, 'v'),
    outcome: (driver) => holdsData(join(driver.share, 'archived-v')),
    leaves: ['archived-v/file'],
  },
  {
    what: 'CreateSnapshot',
    operation: snapshot,
    outcome: (driver) => assert.ok(ownIn(driver.share).includes('content/snap/file')),
  },
  {
    what: 'DeleteSnapshot',
    given: snapshot,
    operation: (driver) => driver.n1.controller.deleteSnapshot({ snapshotId: 'snap' }),
    outcome: (driver) => assert.deepEqual(ownIn(driver.share), ['volumes/source.json']),
  },
];

/** Nothing is there but what the driver knows of. */
async function nothingBeside(driver: TestDriver): Promise<void> {
  const { volumes, ill, snapshots } = await stateOf(driver);
  assert.equal(ill, 0);
  const records = [
    ...volumes.map((id) => `volumes/${id}.json`),
    ...snapshots.flatMap((id) => [`snapshots/${id}.json`, `content/${id}`, `content/${id}/file`]),
  ];
  assert.deepEqual(ownIn(driver.share), records.sort());
}

async function clean(driver: TestDriver, { leaves = [] }: Case): Promise<void> {
  for (const id of ['v', 'source']) await remove(driver, id);
  await driver.n1.controller.deleteSnapshot({ snapshotId: 'snap' });
  assert.deepEqual(ownIn(driver.share), []);
  const tops = [...new Set(leaves.map((path) => path.split('/')[0]!))];
  assert.deepEqual(volumesIn(driver.share), tops);
  for (const path of leaves) holdsData(join(driver.share, path, '..'));
}

async function prepare(t: TestContext, machine: Host, { given }: Case): Promise<TestDriver> {
  const driver = await startDriver(t, { machine, nodes: ['n1'] });
  await create(driver, 'source');
  writeFileSync(join(place(driver, 'source'), 'file'), 'data\n');
  await given?.(driver);
  return driver;
}

describe('the nas driver, when a change fails', { skip: cannotMount(), timeout: 900_000 }, () => {
  for (const one of cases) {
    it(`${one.what}: whatever was the last change of a process, the next one knows what to do`, async (t) => {
      for (let change = 0, done = false; !done; change++) {
        const { machine, arm, disarm } = breakable();
        const driver = await prepare(t, machine, one);
        arm(change, true);
        done = await one.operation(driver).then(
          () => true,
          () => false,
        );
        disarm();
        await driver.restart();
        await nothingBeside(driver);
        await one.operation(driver);
        one.outcome(driver);
        await nothingBeside(driver);
        await clean(driver, one);
        assert.ok(change < 100);
      }
    });
  }

  const [makes, , copies, deletes] = cases as readonly [Case, Case, Case, Case];
  for (const [one, all, how] of [
    [makes, false, 'a single failure is taken back'],
    [copies, true, 'what cannot be taken back is cleared away by the next try'],
    [deletes, true, 'the next try carries it to its end'],
  ] as const) {
    it(`${one.what}: ${how}, in the same process`, async (t) => {
      for (let change = 0, isUnbroken = false; !isUnbroken; change++) {
        const broken = breakable();
        const driver = await prepare(t, broken.machine, one);
        broken.arm(change, all);
        const failed = await one.operation(driver).then(
          () => false,
          () => true,
        );
        isUnbroken = broken.isUnbroken;
        broken.disarm();
        if (failed) await one.operation(driver);
        one.outcome(driver);
        await nothingBeside(driver);
        await clean(driver, one);
        assert.ok(change < 100);
      }
    });
  }
});
