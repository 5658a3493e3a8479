import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type CsiClient, connectCsi } from '../../csi/index.ts';
import type { Host } from '../../host/index.ts';
import { clock, host as linuxHost, log, mountCapability } from '../shared/test-support.ts';
import { openOssDriver } from './index.ts';
import { type ObjectStore, startObjectStore } from './object-store.test-support.ts';

/** Why this machine cannot mount a bucket with a FUSE client; false when it can. */
export function cannotMountWith(command: string): string | false {
  if (process.getuid?.() !== 0) return 'needs root';
  if (!existsSync('/dev/fuse')) return 'needs /dev/fuse';
  try {
    execFileSync(command, ['--version'], { stdio: 'ignore' });
    return false;
  } catch {
    return `needs ${command} (apt-get install ${command})`;
  }
}

/** The driver on an object store, and a directory for its mounts. All of it goes with the test, also when that fails. */
export interface TestDriver {
  readonly store: ObjectStore;
  readonly directory: string;
  readonly stateDir: string;
  readonly client: CsiClient;
  /** Stops it and opens another one on the same state. */
  restart(): Promise<void>;
}

export async function testDriver(t: TestContext, host: Host = linuxHost): Promise<TestDriver> {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'stowage-oss-')));
  const stateDir = join(directory, 'state');
  const store = await startObjectStore();
  const open = async () => {
    const node = { id: 'n1', stateDir };
    const driver = await openOssDriver({ node, host, clock, log, fetch });
    const { endpoint } = await driver.serve(join(directory, 'csi.sock'));
    return { driver, client: connectCsi(endpoint, { clock }) };
  };
  let current = await open();
  t.after(async () => {
    current.client.close();
    await current.driver.stop();
    const clients = processesOf(stateDir);
    // A client ends when nothing of it is mounted any more; those that hang are killed.
    for (const target of mountsBelow(directory).reverse()) execFileSync('umount', ['--lazy', target]);
    for (const pid of clients) kill(pid);
    await store.close();
    rmSync(directory, { recursive: true, force: true });
  });
  return {
    store,
    directory,
    stateDir,
    get client() {
      return current.client;
    },
    async restart() {
      current.client.close();
      await current.driver.stop();
      current = await open();
    },
  };
}

export function mountsBelow(directory: string): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((target) => target.startsWith(`${directory}/`));
}

/** The FUSE clients that a driver has written down. */
export function processesOf(stateDir: string): number[] {
  return readdirSync(stateDir)
    .filter((name) => name.endsWith('.json'))
    .map((name) => (JSON.parse(readFileSync(join(stateDir, name), 'utf8')) as { pid: number }).pid);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone already.
  }
}

/** The calls of one volume's life, each with the arguments that a caller repeats. */
export function lifeOf(
  driver: TestDriver,
  options: {
    mounter: string;
    name?: string;
    parameters?: Record<string, string>;
    capability?: ReturnType<typeof mountCapability>;
  },
) {
  const { mounter, name = 'pvc-1', parameters = {}, capability = mountCapability() } = options;
  const { secrets } = driver.store;
  const stagingTargetPath = join(driver.directory, `staging-${name}`);
  const target = (pod: string) => join(driver.directory, `${pod}-${name}`);
  let volumeId = name;
  let volumeContext: Record<string, string> = { mounter };
  const request = () => ({
    volumeId,
    stagingTargetPath,
    volumeContext,
    volumeCapability: capability,
    secrets,
  });
  return {
    request,
    stagingTargetPath,
    target,
    async create() {
      const { volume } = await driver.client.controller.createVolume({
        name,
        parameters: { mounter, ...parameters },
        volumeCapabilities: [capability],
        secrets,
      });
      volumeId = volume!.volumeId;
      volumeContext = volume!.volumeContext;
      return volume!;
    },
    stage: (change: Partial<ReturnType<typeof request>> = {}) =>
      driver.client.node.nodeStageVolume({ ...request(), ...change }),
    publish: (pod = 'pod', change: Partial<ReturnType<typeof request>> & { readonly?: boolean } = {}) =>
      driver.client.node.nodePublishVolume({ ...request(), targetPath: target(pod), ...change }),
    unpublish: (pod = 'pod') => driver.client.node.nodeUnpublishVolume({ volumeId, targetPath: target(pod) }),
    unstage: () => driver.client.node.nodeUnstageVolume({ volumeId, stagingTargetPath }),
    delete: () => driver.client.controller.deleteVolume({ volumeId, secrets }),
    condition: async (pod = 'pod') => {
      const stats = { volumeId, volumePath: target(pod) };
      return (await driver.client.node.nodeGetVolumeStats(stats)).volumeCondition!;
    },
  };
}
