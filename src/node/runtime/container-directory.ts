import { basename, dirname, join } from 'node:path';
import type { Files } from '../../host/index.ts';
import { mirrorParents } from './base-directory.ts';
import type { ContainerConfig, ContainerMount } from './contract.ts';
import { OWN_DIRECTORIES, type RootMode, volumeRecords } from './root-plan.ts';
import { type StoredContainer, writeStored } from './stored-state.ts';

/** Fills the directory of a container that is to be started: its files, its volumes, its state. */
export async function fillContainerDirectory(
  files: Files,
  mode: RootMode,
  directory: string,
  config: ContainerConfig,
  stored: StoredContainer,
): Promise<void> {
  await files.makeDirectory(directory, 0o700);
  // Copied into the scratch space: what is below `upper` covers the host's.
  const layer = join(directory, 'files');
  const etc = join(layer, mode === 'overlay' ? 'upper/etc' : 'etc');
  await files.makeDirectory(etc, 0o755);
  const mounts: ContainerMount[] = [];
  for (const [name, content] of Object.entries(config.etcFiles)) {
    const hostPath = join(etc, name);
    await files.append(hostPath, content);
    // /etc itself is read-only here: a file can only be bound over one that is there.
    if (mode === 'bind' && (await files.stat(`/etc/${name}`))?.kind === 'file')
      mounts.push({ hostPath, containerPath: `/etc/${name}`, readOnly: false });
  }
  const hostPath = join(directory, 'termination-log');
  await files.append(hostPath, '');
  await files.chmod(hostPath, 0o666);
  mounts.push({ hostPath, containerPath: config.terminationMessagePath, readOnly: false });
  for (const mount of config.mounts)
    mounts.push({ ...mount, hostPath: await files.realPath(mount.hostPath) });

  const table: (ContainerMount & { isFile: boolean })[] = [];
  for (const mount of mounts) {
    const isFile = (await files.stat(mount.hostPath))?.kind !== 'directory';
    if (isFile) await makeTarget(files, layer, mode, mount, mounts);
    table.push({ ...mount, isFile });
  }
  await files.append(join(directory, 'volumes'), volumeRecords(table));
  await writeStored(files, directory, stored);
}

/** A file is bound over a file: makes one, unless the path lies in another mount, where it must be already. */
async function makeTarget(
  files: Files,
  layer: string,
  mode: RootMode,
  mount: ContainerMount,
  mounts: readonly ContainerMount[],
): Promise<void> {
  const path = mount.containerPath;
  if (mounts.some((other) => other !== mount && path.startsWith(`${other.containerPath}/`))) return;
  const real = join(await deepestRealPath(files, dirname(path)), basename(path));
  const own = OWN_DIRECTORIES.includes(real.split('/')[1]!);
  if (mode === 'bind' && !own) return;
  const root = join(layer, mode === 'bind' ? 'rootfs' : own ? '' : 'upper');
  await mirrorParents(files, root, real);
  await files.append(root + real, '');
}

/** The directory with the links of its existing part followed. */
async function deepestRealPath(files: Files, path: string): Promise<string> {
  try {
    return await files.realPath(path);
  } catch {
    return path === '/' ? '/' : join(await deepestRealPath(files, dirname(path)), basename(path));
  }
}
