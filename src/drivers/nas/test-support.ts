import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type CsiClient, connectCsi, csi } from '../../csi/index.ts';
import type { Host } from '../../host/index.ts';
import { clock, host, log, mountCapability } from '../shared/test-support.ts';
import { type NasDriver, openNasDriver } from './index.ts';
import { OWN_DIRECTORY } from './parameters.ts';

const Mode = csi.VolumeCapability_AccessMode_Mode;

/** Of any number of pods and nodes. */
export const everybody = (mountFlags: string[] = []) =>
  mountCapability({ mode: Mode.MULTI_NODE_MULTI_WRITER, mountFlags });

/** Why this machine cannot run tests with mounts; false when it can. */
export function cannotMount(): string | false {
  if (process.getuid?.() !== 0) return 'needs root';
  const directory = mkdtempSync(join(tmpdir(), 'stowage-probe-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', 'probe', directory], { stdio: 'pipe' });
    execFileSync('umount', [directory]);
    return false;
  } catch (error) {
    return `needs mounts: ${(error as Error).message.split('\n')[1] ?? ''}`;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** A directory of the test's own; what is mounted below it goes with it, also when the test fails. */
export function temporaryDirectory(t: TestContext): string {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'stowage-nas-')));
  t.after(() => {
    for (const target of mountsBelow(directory).reverse()) execFileSync('umount', ['--lazy', target]);
    rmSync(directory, { recursive: true, force: true });
  });
  return directory;
}

export function mountsBelow(directory: string): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((target) => target.startsWith(`${directory}/`));
}

/** The directories and files of volumes in a share. */
export function volumesIn(share: string): string[] {
  return readdirSync(share)
    .filter((name) => name !== OWN_DIRECTORY)
    .sort();
}

/** What the driver has of its own in a share that is not empty and not a lock: records, contents, work. */
export function ownIn(share: string): string[] {
  const own = join(share, OWN_DIRECTORY);
  return (readdirSync(own, { recursive: true }) as string[])
    .filter((name) => name.includes('/') && !name.startsWith('mounts'))
    .sort();
}

/** A driver that can be stopped and opened again on the same directory, with a client for each of its two nodes. */
export interface TestDriver {
  readonly directory: string;
  readonly share: string;
  readonly n1: CsiClient;
  readonly n2: CsiClient;
  /** Stops serving, as a crash does, and opens the directory anew. */
  restart(): Promise<void>;
}

export async function startDriver(
  t: TestContext,
  {
    directory = temporaryDirectory(t),
    machine = host,
    nodes = ['n1', 'n2'],
  }: { directory?: string; machine?: Host; nodes?: readonly string[] } = {},
): Promise<TestDriver> {
  const share = join(directory, 'share');
  const endpoint = (node: string) => `unix://${directory}/${node}.sock`;
  let driver: NasDriver;
  let servers: { stop(options?: { graceMs?: number }): Promise<void> }[] = [];
  let clients: CsiClient[] = [];
  const open = async () => {
    driver = await openNasDriver({ directory: share, host: machine, clock, log });
    servers = await Promise.all(nodes.map((node) => driver.serve(endpoint(node), node)));
    clients = nodes.map((node) => connectCsi(endpoint(node), { clock, timeoutMs: 60_000 }));
  };
  const halt = async () => {
    for (const client of clients) client.close();
    await Promise.all(servers.map((server) => server.stop({ graceMs: 0 })));
  };
  await open();
  t.after(halt);
  return {
    directory,
    share,
    get n1() {
      return clients[0]!;
    },
    get n2() {
      return clients[1]!;
    },
    async restart() {
      await halt();
      await open();
    },
  };
}

/** The calls of one volume's life. */
export function lifeOf(
  driver: TestDriver,
  name = 'pvc-1',
  parameters: Readonly<Record<string, string>> = {},
) {
  let volumeContext: Record<string, string> = {};
  const target = (pod: string) => join(driver.directory, `${pod}-${name}`);
  return {
    volumeId: name,
    target,
    async create(more: object = {}) {
      const answer = await driver.n1.controller.createVolume({
        name,
        parameters: { ...parameters },
        volumeCapabilities: [everybody()],
        ...more,
      });
      volumeContext = { ...answer.volume?.volumeContext };
      return answer;
    },
    publish: (pod = 'pod', { client = driver.n1, volumeCapability = everybody(), readonly = false } = {}) =>
      client.node.nodePublishVolume({
        volumeId: name,
        targetPath: target(pod),
        volumeCapability,
        volumeContext,
        readonly,
      }),
    unpublish: (pod = 'pod', client = driver.n1) =>
      client.node.nodeUnpublishVolume({ volumeId: name, targetPath: target(pod) }),
    stats: (pod = 'pod') => driver.n1.node.nodeGetVolumeStats({ volumeId: name, volumePath: target(pod) }),
    delete: () => driver.n1.controller.deleteVolume({ volumeId: name }),
  };
}
