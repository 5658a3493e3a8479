import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type CsiClient, connectCsi } from '../../csi/index.ts';
import { checkPrivileges } from '../../host/linux/index.ts';
import { clock, host, log } from '../shared/test-support.ts';
import { type DiskDriver, openDiskDriver } from './index.ts';

export { blockCapability, clock, failsWith, host, log, mountCapability } from '../shared/test-support.ts';

/** A directory of the test's own; mounts below it and loop devices on it go with it, also when the test fails. */
export function temporaryDirectory(t: TestContext): string {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'stowage-disk-')));
  t.after(() => {
    // Those in use go with their last user: an image on the store of a pool keeps that mounted.
    for (const { device } of allLoopsBelow(directory)) execFileSync('losetup', ['--detach', device]);
    for (const target of allMountsBelow(directory).reverse()) execFileSync('umount', ['--lazy', target]);
    rmSync(directory, { recursive: true, force: true });
  });
  return directory;
}

/** Of volumes: not the file system that the pool itself is on. */
export function mountsBelow(directory: string): string[] {
  return allMountsBelow(directory).filter((target) => !target.endsWith('/pool'));
}

function allMountsBelow(directory: string): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((target) => target.startsWith(`${directory}/`));
}

/** Of volumes: not that of the file system that the pool itself is on. */
export function loopsBelow(directory: string): Loop[] {
  return allLoopsBelow(directory).filter(({ backingFile }) => !backingFile.endsWith('.xfs'));
}

interface Loop {
  readonly device: string;
  readonly backingFile: string;
}

function allLoopsBelow(directory: string): Loop[] {
  return readdirSync('/sys/block')
    .filter((name) => name.startsWith('loop'))
    .map((name) => ({ device: `/dev/${name}`, backingFile: backingFile(name) }))
    .filter((loop) => loop.backingFile.startsWith(`${directory}/`));
}

function backingFile(name: string): string {
  try {
    return readFileSync(`/sys/block/${name}/loop/backing_file`, 'utf8').trimEnd();
  } catch {
    return '';
  }
}

/** Why this machine cannot run tests with loop devices and mounts; false when it can. */
export function cannotMount(): string | false {
  if (process.getuid?.() !== 0) return 'needs root';
  const directory = mkdtempSync(join(tmpdir(), 'stowage-probe-'));
  let device: string | undefined;
  try {
    execFileSync('truncate', ['-s', '1M', join(directory, 'image')]);
    device = execFileSync('losetup', ['--find', '--show', join(directory, 'image')], {
      encoding: 'utf8',
    }).trim();
    execFileSync('mount', ['-t', 'tmpfs', 'probe', directory]);
    execFileSync('umount', [directory]);
    execFileSync('mkfs.ext4', ['-V'], { stdio: 'ignore' });
    return false;
  } catch (error) {
    return `needs loop devices, mounts and mkfs.ext4: ${(error as Error).message.split('\n')[0]}`;
  } finally {
    if (device) execFileSync('losetup', ['--detach', device]);
    rmSync(directory, { recursive: true, force: true });
  }
}

/** A driver that can be stopped and opened again on the same pool, with a client for each of its two nodes. */
export interface TestDriver {
  readonly directory: string;
  readonly pool: string;
  readonly n1: CsiClient;
  readonly n2: CsiClient;
  /** Stops serving as a crash does (no device is given back), or as `stop` does, and opens the pool anew. */
  restart(how?: 'crash' | 'stop'): Promise<void>;
}

export async function startDriver(
  t: TestContext,
  { directory = temporaryDirectory(t), pool = join(directory, 'pool'), machine = host } = {},
): Promise<TestDriver> {
  const endpoint = (node: string) => `unix://${directory}/${node}.sock`;
  let driver: DiskDriver;
  let servers: { stop(options?: { graceMs?: number }): Promise<void> }[] = [];
  const open = async () => {
    driver = await openDiskDriver({ pool, host: machine, clock, log });
    servers = [await driver.serve(endpoint('n1'), 'n1'), await driver.serve(endpoint('n2'), 'n2')];
  };
  const halt = () => Promise.all(servers.map((server) => server.stop({ graceMs: 0 })));
  await open();
  const connect = (node: string) => connectCsi(endpoint(node), { clock, timeoutMs: 30_000 });
  let clients = [connect('n1'), connect('n2')];
  t.after(async () => {
    for (const client of clients) client.close();
    await halt();
  });
  return {
    directory,
    pool,
    get n1() {
      return clients[0]!;
    },
    get n2() {
      return clients[1]!;
    },
    async restart(how = 'crash') {
      for (const client of clients) client.close();
      if (how === 'crash') await halt();
      else await driver.stop();
      await open();
      clients = [connect('n1'), connect('n2')];
    },
  };
}

const privileges = await checkPrivileges();

/** Why this machine cannot run tests that grow an ext4 while it is mounted; false when it can. */
export function cannotGrowMounted(): string | false {
  return privileges.sysResource ? false : 'needs root with CAP_SYS_RESOURCE';
}
