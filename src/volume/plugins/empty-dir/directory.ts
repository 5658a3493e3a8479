import { join } from 'node:path';
import type { Host } from '../../../host/index.ts';
import { type Pod, quantityValue, type ResourceList } from '../../../kube/index.ts';
import { beginsFileSystem, cleanupMountPoint, isMountPoint } from '../../mount/index.ts';
import { setVolumeOwnership } from '../../ownership/set-volume-ownership.ts';
import { podPluginDirectory } from '../../paths.ts';
import type { MountContext } from '../../plugin.ts';
import { memoryVolumeSizeBytes, supportsNoSwap } from './tmpfs-size.ts';

export const EMPTY_DIR_PLUGIN = 'kubernetes.io/empty-dir';

/** Anybody in the pod may write. */
const MODE = 0o777;

export interface NodePluginOptions {
  readonly host: Host;
  /** The kubelet's root directory. */
  readonly nodeRoot: string;
  /** What pods may have of the node. @default all of the machine */
  readonly allocatable?: () => ResourceList;
}

export interface EmptyDirectory {
  readonly path: string;
  /** Names the note that the directory is ready. */
  readonly name: string;
  readonly podUid: string;
}

export interface EmptyDirectoryWish extends EmptyDirectory {
  /** '' is the node's disk. */
  readonly medium: string;
  readonly sizeLimit?: string;
  readonly pod: Pod;
}

/** Makes the directory, on disk or as a tmpfs of its own. Also what configMap and secret volumes stand on. */
export async function setUpEmptyDirectory(
  { host, nodeRoot, allocatable }: NodePluginOptions,
  wish: EmptyDirectoryWish,
  context: Pick<MountContext, 'fsGroup' | 'signal'>,
): Promise<void> {
  const { path, medium } = wish;
  const ready = readyFile(nodeRoot, wish);
  if (await host.files.stat(ready)) {
    const present = medium === 'Memory' ? await beginsFileSystem(host, path) : await host.files.stat(path);
    if (present) return;
  }
  if (medium !== '' && medium !== 'Memory')
    throw new Error(`unknown storage medium ${JSON.stringify(medium)}`);
  await host.files.makeDirectory(path, MODE);
  await host.files.chmod(path, MODE); // whatever the umask
  if (medium === 'Memory' && !(await beginsFileSystem(host, path))) {
    const info = host.info();
    const nodeBytes = quantityValue(allocatable?.().memory) || BigInt(info.memoryBytes);
    const sizeBytes = memoryVolumeSizeBytes(nodeBytes, wish.pod, wish.sizeLimit);
    const options = [`size=${sizeBytes}`];
    if (supportsNoSwap(info.kernelVersion) && !info.rootless) options.push('noswap');
    await host.mounts.mount({ source: 'tmpfs', target: path, fsType: 'tmpfs', options });
  }
  await setVolumeOwnership(host.files, { path, fsGroup: context.fsGroup, signal: context.signal });
  try {
    await host.files.makeDirectory(join(ready, '..'));
    await host.files.writeWhole(ready, '');
  } catch {
    // As upstream (SetReady): without the note the next look makes sure again. What is mounted must not look unmounted.
  }
}

/** Removes the directory with all that is in it. */
export async function tearDownEmptyDirectory(
  host: Host,
  nodeRoot: string,
  directory: EmptyDirectory,
): Promise<void> {
  await host.files.removeTree(join(readyFile(nodeRoot, directory), '..'));
  const stat = await host.files.stat(directory.path);
  if (!stat) return;
  if (await isMountPoint(host, directory.path)) await cleanupMountPoint(host, directory.path);
  else await host.files.removeTree(directory.path);
}

function readyFile(nodeRoot: string, { podUid, name }: EmptyDirectory): string {
  return join(podPluginDirectory(nodeRoot, podUid, EMPTY_DIR_PLUGIN), name, 'ready');
}
