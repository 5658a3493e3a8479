import { dirname, join } from 'node:path';
import type { Files, Host } from '../../host/index.ts';
import { hostSecrets } from './host-secrets.ts';
import {
  DEVICES,
  isCovered,
  OWN_DIRECTORIES,
  programMounts,
  type RootMode,
  records,
  rootTable,
  type TopEntry,
} from './root-plan.ts';

const DEVICE_LINKS: Readonly<Record<string, string>> = {
  fd: '/proc/self/fd',
  stdin: '/proc/self/fd/0',
  stdout: '/proc/self/fd/1',
  stderr: '/proc/self/fd/2',
  ptmx: 'pts/ptmx',
};
const SCRIPTS = [
  'shim.sh',
  'init.sh',
  'enter.pl',
  'program.pl',
  'streams.pl',
  'session.pl',
  'terminal.pl',
  'probe-overlay.sh',
];

/**
 * Fills the runtime's directory with what all containers start from: the scripts, `base` (copied to each container's
 * scratch space), `fstab` (its root), `root` (where it is built, in each container's own mount namespace), `concealed` (what
 * enter.pl has to hide, for the root does not).
 * `masked`: paths of the host that no container may see.
 */
export async function prepareBaseDirectory(
  host: Host,
  directory: string,
  masked: readonly string[],
): Promise<RootMode> {
  const { files } = host;
  const base = join(directory, 'base');
  await files.makeDirectory(join(directory, 'root'), 0o755);
  await files.makeDirectory(join(directory, 'containers'), 0o700);
  for (const script of SCRIPTS)
    await files.writeWhole(
      join(directory, script),
      await files.read(join(import.meta.dirname, script)),
      0o755,
    );
  const mode = await rootMode(host, directory);

  await files.removeTree(base);
  const own = mode === 'overlay' ? base : join(base, 'rootfs');
  for (const name of OWN_DIRECTORIES) await files.makeDirectory(join(own, name), 0o755);
  await files.chmod(join(own, 'tmp'), 0o1777);
  await files.chmod(join(own, 'root'), 0o700);
  await fillDevices(host, join(own, 'dev'));
  await prepareImageBase(host, join(directory, 'image-base'));

  const top = await topEntries(host);
  const concealed = await concealedPaths(host, [...masked, ...(await hostSecrets(files))]);
  if (mode === 'overlay') {
    for (const name of ['rootfs', 'work', 'upper']) await files.makeDirectory(join(base, name), 0o755);
    for (const path of concealed) await whiteOut(host, join(base, 'upper'), path);
  } else {
    for (const name of ['proc', 'sys']) await files.makeDirectory(join(own, name), 0o755);
    for (const { name, kind } of top)
      if (kind === 'symlink') await files.symlink(await files.readLink(`/${name}`), join(own, name));
  }
  const rows = mode === 'overlay' ? [] : concealed.map((path) => [path]);
  await files.writeWhole(join(directory, 'concealed'), records(rows));
  const mounts = programMounts(await host.mounts.list());
  const table = rootTable(join(directory, 'root'), mode, top, mounts, host.info().rootless);
  await files.writeWhole(join(directory, 'fstab'), table);
  return mode;
}

/** What the scratch space of a container in an image starts from: its own /dev, and places for what the kernel shows. */
async function prepareImageBase(host: Host, base: string): Promise<void> {
  const { files } = host;
  await files.removeTree(base);
  for (const name of ['rootfs', 'work', 'image', 'upper/dev', 'upper/proc', 'upper/sys'])
    await files.makeDirectory(join(base, name), 0o755);
  await fillDevices(host, join(base, 'dev'));
}

async function fillDevices(host: Host, directory: string): Promise<void> {
  const { files } = host;
  for (const name of ['pts', 'shm', 'mqueue']) await files.makeDirectory(join(directory, name), 0o755);
  await files.writeWhole(join(directory, 'termination-log'), '', 0o666);
  for (const [name, target] of Object.entries(DEVICE_LINKS))
    await files.symlink(target, join(directory, name));
  if (host.info().rootless) {
    for (const name of DEVICES) await files.writeWhole(join(directory, name), '', 0o666);
    return;
  }
  const devices: string[] = [];
  for (const name of DEVICES)
    if ((await files.stat(`/dev/${name}`))?.kind === 'character') devices.push(`/dev/${name}`);
  await run(host, 'copy device nodes', 'cp', ['-a', ...devices, directory]);
}

/** An overlay if this kernel and the root's file system allow one. */
async function rootMode(host: Host, directory: string): Promise<RootMode> {
  const script = join(directory, 'probe-overlay.sh');
  const args = ['--mount', '--propagation', 'slave', '/bin/sh', script, join(directory, 'root')];
  return (await host.processes.exec('unshare', args)).exitCode === 0 ? 'overlay' : 'bind';
}

async function topEntries({ files }: Host): Promise<TopEntry[]> {
  const entries: TopEntry[] = [];
  for (const name of await files.list('/')) {
    const kind = (await files.stat(`/${name}`))?.kind;
    if (kind === 'directory' || kind === 'symlink') entries.push({ name, kind });
  }
  return entries;
}

/** Where the paths really are, without those that no container sees anyway. */
async function concealedPaths({ files }: Host, paths: readonly string[]): Promise<string[]> {
  const found = await Promise.all(paths.map((path) => files.realPath(path).catch(() => undefined)));
  return [...new Set(found)].filter((path) => path !== undefined && !isCovered(path)) as string[];
}

/** Hides a path of the lower layer: a character device 0:0 in the upper one (overlayfs, whiteouts). */
async function whiteOut(host: Host, upper: string, path: string): Promise<void> {
  const { files } = host;
  if (!(await mirrorParents(files, upper, path))) return;
  const there = await files.stat(upper + path);
  if (there?.kind === 'character') return;
  // A path below it was hidden before.
  if (there) await files.removeTree(upper + path);
  await run(host, `hide ${path} from containers`, 'mknod', [upper + path, 'c', '0', '0']);
}

/**
 * Makes the parents of a path in an upper layer, as the host has them: an upper directory's owner and mode are what a
 * container sees. False when one of them is hidden.
 */
async function mirrorParents(files: Files, upper: string, path: string): Promise<boolean> {
  const parents: string[] = [];
  for (let parent = dirname(path); parent !== '/'; parent = dirname(parent)) parents.unshift(parent);
  for (const parent of parents) {
    const there = await files.stat(upper + parent);
    if (there && there.kind !== 'directory') return false;
    if (there) continue;
    await files.makeDirectory(upper + parent, 0o755);
    const stat = await files.stat(parent);
    if (stat?.kind !== 'directory') continue;
    await files.chmod(upper + parent, stat.mode);
    await files.chown(upper + parent, stat.uid, stat.gid);
  }
  return true;
}

async function run(host: Host, purpose: string, command: string, args: readonly string[]): Promise<void> {
  const result = await host.processes.exec(command, args);
  if (result.exitCode !== 0)
    throw new Error(`${purpose}: ${result.stderr.trim()} (exit code ${result.exitCode})`);
}
