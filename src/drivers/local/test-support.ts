import type { TestContext } from 'node:test';
import { Metrics, silentLogger, systemClock } from '../../base/index.ts';
import type { Client, EventRecorder } from '../../client/index.ts';
import type { FileStat, Host } from '../../host/index.ts';
import {
  isBeingDeleted,
  type Node,
  nodes,
  type PersistentVolume,
  persistentVolumes,
  type StorageClass,
  type Stored,
  storageClasses,
} from '../../kube/index.ts';
import { startStack } from '../../testing/component-stack.ts';
import { CleanupJobs } from './cleanup-jobs.ts';
import { CleanupProcesses } from './cleanups.ts';
import { type ProvisionerConfig, parseConfig } from './config.ts';
import { localMetrics } from './metrics.ts';
import type { Round } from './round.ts';

type Exec = Host['processes']['exec'];

/** What is at a path: a file system, a plain directory, a disk, a file, or a link that leads nowhere. */
export interface Entry {
  readonly is: 'mount' | 'directory' | 'block' | 'file' | 'dangling';
  readonly sizeBytes?: bigint;
  readonly rdev?: string;
  /** Of the file system that is mounted. */
  readonly device?: string;
}

export interface Machine {
  readonly host: Host;
  /** Paths and what is there; change it as a machine changes. */
  readonly entries: Map<string, Entry>;
  /** What was deleted, and the commands that were run with the device that they had. */
  readonly done: string[];
  exec: Exec;
  removeTree: (path: string) => Promise<void>;
}

/** A machine of directories, as far as the provisioner looks at one. */
export function machine(entries: Readonly<Record<string, Entry>>): Machine {
  const found = new Map(Object.entries(entries));
  const done: string[] = [];
  const absent = (path: string) =>
    Object.assign(new Error(`ENOENT: no such file or directory, '${path}'`), { code: 'ENOENT' });
  const isParent = (path: string) => [...found.keys()].some((one) => one.startsWith(`${path}/`));
  const exec: Exec = (command, args, options) => {
    done.push([command, ...args, `on ${options?.env?.LOCAL_PV_BLKDEVICE}`].join(' '));
    return self.exec(command, args, options);
  };
  const kinds = { mount: 'directory', directory: 'directory', block: 'block', file: 'file' } as const;
  const self: Machine = {
    entries: found,
    done,
    exec: async () => ({ exitCode: 0, stdout: '', stderr: '' }),
    removeTree: async () => {},
    host: {
      files: {
        async list(path: string) {
          if (!isParent(path) && !found.has(path)) throw absent(path);
          const below = [...found.keys()].filter((one) => one.startsWith(`${path}/`));
          return [...new Set(below.map((one) => one.slice(path.length + 1).split('/')[0]!))];
        },
        async realPath(path: string) {
          const entry = found.get(path);
          if (entry?.is === 'dangling' || !(entry || isParent(path))) throw absent(path);
          return path;
        },
        async stat(path: string) {
          const is = found.get(path)?.is ?? (isParent(path) ? 'directory' : 'dangling');
          const { rdev } = found.get(path) ?? {};
          return is === 'dangling' ? undefined : ({ kind: kinds[is], rdev } as FileStat);
        },
        statFs: async (path: string) => ({ totalBytes: found.get(path)?.sizeBytes ?? 0n }),
        async removeTree(path: string) {
          await self.removeTree(path);
          done.push(`remove ${path}`);
          found.delete(path);
        },
      },
      mounts: {
        list: async () =>
          [...found]
            .filter(([, { is }]) => is === 'mount')
            .map(([target, { device = '0:1' }]) => ({ target, device }) as never),
      },
      disks: { sizeBytes: async (path: string) => found.get(path)?.sizeBytes ?? 0n },
      processes: { exec },
    } as unknown as Host,
  };
  return self;
}

export const NODE: Node = {
  metadata: {
    name: 'test-node',
    labels: {
      'failure-domain.beta.kubernetes.io/zone': 'west-1',
      'failure-domain.beta.kubernetes.io/region': 'west',
      'kubernetes.io/hostname': 'test-node',
      'label-that-pv-does-not-inherit': 'foo',
    },
  },
};

const CLASSES: readonly StorageClass[] = [
  {
    metadata: { name: 'sc1' },
    provisioner: 'kubernetes.io/no-provisioner',
    reclaimPolicy: 'Delete',
    mountOptions: ['ro'],
  },
  { metadata: { name: 'sc2' }, provisioner: 'kubernetes.io/no-provisioner', reclaimPolicy: 'Delete' },
];

/** As the tests of upstream have it. */
export const CONFIG = {
  storageClassMap: {
    sc1: { hostDir: '/mnt/disks/dir1', mountDir: '/discoveryPath/dir1' },
    sc2: { hostDir: '/mnt/disks/dir2', mountDir: '/discoveryPath/dir2', volumeMode: 'Block' },
  },
  nodeLabelsForPV: [
    'failure-domain.beta.kubernetes.io/zone',
    'failure-domain.beta.kubernetes.io/region',
    'kubernetes.io/hostname',
    'non-existent-label-that-pv-will-not-get',
  ],
  labelsForPV: { 'local-storage-cr-name': 'foobar' },
};

export interface Scene {
  readonly client: Client;
  readonly machine: Machine;
  readonly node: Stored<Node>;
  readonly processes: CleanupProcesses;
  readonly told: string[];
  readonly metrics: Metrics;
  /** A round as the provisioner begins one now. */
  round(client?: Client): Promise<Round>;
  volumes(): Promise<readonly Stored<PersistentVolume>[]>;
  names(): Promise<string[]>;
}

/** An API server in memory with the node and the classes, beside a machine. */
export async function scene(
  test: TestContext,
  entries: Readonly<Record<string, Entry>>,
  keys: Readonly<Record<string, unknown>> = CONFIG,
): Promise<Scene> {
  const { client, context } = await startStack(test, { watch: [] });
  const node = await client.create(nodes, NODE);
  for (const one of CLASSES) await client.create(storageClasses, one);
  const config: ProvisionerConfig = parseConfig(keys);
  const classes = context.informers.of(storageClasses);
  await classes.synced;
  const told: string[] = [];
  const recorder: EventRecorder = {
    event: (subject, type, reason, message) =>
      told.push(`${(subject as PersistentVolume).metadata?.name} ${type} ${reason} ${message}`),
  };
  const metrics = new Metrics();
  const own = localMetrics(metrics, systemClock);
  const self: Scene = {
    client,
    machine: machine(entries),
    node,
    processes: new CleanupProcesses(() => systemClock.now()),
    told,
    metrics,
    async round(as = client) {
      const jobs = config.useJobForCleaning
        ? await CleanupJobs.list(client, 'default', node.metadata.name)
        : undefined;
      return {
        client: as,
        clock: systemClock,
        log: silentLogger,
        recorder,
        host: self.machine.host,
        metrics: own,
        config,
        node,
        classes,
        own: await self.volumes(),
        processes: self.processes,
        cleanupsOf: (mode) => (mode === 'Block' && jobs ? jobs : self.processes),
      };
    },
    volumes: async () => (await client.list(persistentVolumes)).items,
    async names() {
      // What is left of others waits for the controller that takes their finalizer away.
      const there = (await self.volumes()).filter((volume) => !isBeingDeleted(volume));
      return there.map(({ metadata }) => metadata.name).sort();
    },
  };
  return self;
}
