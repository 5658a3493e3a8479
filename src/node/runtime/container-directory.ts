import { join } from 'node:path';
import type { Files } from '../../host/index.ts';
import type { ContainerConfig, ContainerMount } from './contract.ts';
import { imageTable, type RootMode, records, volumeRecords } from './root-plan.ts';
import { shellSettings } from './settings.ts';
import { type StoredContainer, writeStored } from './stored-state.ts';

/** Where a runtime keeps what all containers start from (base-directory.ts). */
export interface RuntimePlaces {
  readonly directory: string;
  readonly mode: RootMode;
  readonly scratchBytes: number;
  /** In a user namespace. @default false */
  readonly rootless?: boolean;
}

/** Fills the directory of a container that is to be started: its files, its volumes, its settings, its state. */
export async function fillContainerDirectory(
  files: Files,
  places: RuntimePlaces,
  directory: string,
  config: ContainerConfig,
  stored: StoredContainer,
  /** Whose PID namespace it joins. */
  sharedPid: number | undefined,
): Promise<void> {
  const layered = places.mode === 'overlay' || config.imageRoot !== undefined;
  await files.makeDirectory(directory, 0o700);
  // Copied into the scratch space: what is below `upper` covers what is below it.
  const etc = join(directory, 'files', layered ? 'upper/etc' : 'etc');
  await files.makeDirectory(etc, 0o755);
  const mounts: ContainerMount[] = [];
  for (const [name, content] of Object.entries(config.etcFiles)) {
    const hostPath = join(etc, name);
    await files.append(hostPath, content);
    // /etc itself is read-only here: a file can only be bound over one that is there.
    if (!layered && (await files.stat(`/etc/${name}`))?.kind === 'file')
      mounts.push({ hostPath, containerPath: `/etc/${name}`, readOnly: false });
  }
  const hostPath = join(directory, 'termination-log');
  await files.append(hostPath, '');
  await files.chmod(hostPath, 0o666);
  mounts.push({ hostPath, containerPath: config.terminationMessagePath, readOnly: false });
  for (const mount of config.mounts)
    mounts.push({ ...mount, hostPath: await files.realPath(mount.hostPath) });
  const table: (ContainerMount & { isFile: boolean })[] = [];
  for (const mount of mounts)
    table.push({ ...mount, isFile: (await files.stat(mount.hostPath))?.kind !== 'directory' });
  await files.append(join(directory, 'volumes'), volumeRecords(table));
  await fillRoot(files, places, directory, config);
  await files.append(
    join(directory, 'settings'),
    shellSettings(settings(places, directory, config, stored, sharedPid)),
  );
  await writeStored(files, directory, stored);
}

/** What is the container's own of its root. */
async function fillRoot(
  files: Files,
  places: RuntimePlaces,
  directory: string,
  { imageRoot }: ContainerConfig,
): Promise<void> {
  if (imageRoot === undefined) return;
  await files.append(join(directory, 'concealed'), records([]));
  const table = imageTable(join(places.directory, 'root'), imageRoot, places.rootless);
  await files.append(join(directory, 'fstab'), table);
}

function settings(
  { directory: runtime, scratchBytes }: RuntimePlaces,
  directory: string,
  config: ContainerConfig,
  { cgroup }: StoredContainer,
  sharedPid: number | undefined,
): Readonly<Record<string, string>> {
  const { streams, namespaces, imageRoot, mounts, oomScore } = config;
  const { pid = 'own', ipc = 'own' } = namespaces ?? {};
  const ofImage = imageRoot !== undefined;
  return {
    hostname: config.hostname,
    scratch: String(scratchBytes),
    base: join(runtime, ofImage ? 'image-base' : 'base'),
    fstab: ofImage ? join(directory, 'fstab') : join(runtime, 'fstab'),
    concealed: join(ofImage ? directory : runtime, 'concealed'),
    stdin: streams && streams.stdin !== 'none' ? '1' : '',
    tty: streams?.tty ? '1' : '',
    unshare: [pid === 'own' && '--pid', ipc === 'own' && '--ipc'].filter(Boolean).join(' '),
    pid_of: sharedPid === undefined ? '' : String(sharedPid),
    cgroup: cgroup?.directory ?? '',
    oom_score: oomScore === undefined ? '' : String(oomScore),
    propagates: mounts.some(({ propagation }) => propagation === 'Bidirectional') ? '1' : '',
  };
}
